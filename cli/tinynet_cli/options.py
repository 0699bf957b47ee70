"""Options that several commands share."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from tinynet_cli.json_argument import parse_value, require_unicode

Command = TypeVar("Command", bound=Callable[..., Any])


def json_option(command: Command) -> Command:
    """Add ``--json``, which prints the result as one JSON object on stdout."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Print the result as one JSON object."
    )(command)


def debug_option(command: Command) -> Command:
    """Add ``--debug``, which `tinynet_cli.main.main` reads where a command fails."""
    return click.option(
        "--debug", is_flag=True, expose_value=False, help="Show the traceback of an error."
    )(command)


def quiet_option(command: Command) -> Command:
    """Add ``--quiet``, which hides progress."""
    return click.option("--quiet", is_flag=True, help="Print no progress.")(command)


def data_root_option(command: Command) -> Command:
    """Add ``--data-root``, the folder of relative data paths."""
    return click.option(
        "--data-root",
        type=click.Path(exists=True, file_okay=False),
        help="Folder where a spec's relative data paths start; by default the spec's own.",
    )(command)


def max_params_option(command: Command) -> Command:
    """Add ``--max-params``, the limit of a network's size."""
    return click.option(
        "--max-params",
        type=click.IntRange(min=1),
        default=2**31,
        show_default=True,
        help="Parameters that a network may have.",
    )(command)


def set_option(command: Command) -> Command:
    """Add ``--set``, which changes values of a spec."""
    return click.option(
        "--set",
        "overrides",
        multiple=True,
        metavar="PATH=JSON",
        callback=_overrides,
        help="Change a value of the spec: training.epochs=3, network.layers.conv2d_1.filters=8.",
    )(command)


def _overrides(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    problems = []
    for value in values:
        try:
            path, parsed = _override(value)
        except click.BadParameter as error:
            problems.append(error.message)
            continue
        if path in found:
            problems.append(f"{path!r} is set twice; keep one of the two")
        found[path] = parsed
    if problems:
        raise click.BadParameter("; ".join(problems))
    return found


def _override(argument: str) -> tuple[str, Any]:
    require_unicode(argument)
    path, equals, text = argument.partition("=")
    if not equals or not path:
        raise click.BadParameter(f"{argument!r} is not of the form PATH=JSON")
    try:
        return path, parse_value(text)
    except click.BadParameter as error:
        raise click.BadParameter(f"{path!r}: {error.message}") from error


def checkpoint_option(command: Command) -> Command:
    """Add ``--checkpoint``, which chooses a checkpoint of a run."""
    return click.option(
        "--checkpoint",
        metavar="best|last|FILE",
        help="Checkpoint of the run [default: the best if the run keeps one, else the last].",
    )(command)


def exact_option(command: Command) -> Command:
    """Add ``--exact``, which refuses a resume that may change the result."""
    return click.option(
        "--exact",
        is_flag=True,
        help="Refuse to resume unless the result is bit-identical to an uninterrupted run.",
    )(command)


def no_lock_option(command: Command) -> Command:
    """Add ``--no-lock``, for file systems without locks."""
    return click.option(
        "--no-lock",
        "lock",
        is_flag=True,
        flag_value=False,
        default=True,
        help="Train without a lock where the file system offers none.",
    )(command)


def strict_finite_option(command: Command) -> Command:
    """Add ``--strict-finite``, which refuses a network with NaN or infinity."""
    return click.option(
        "--strict-finite",
        is_flag=True,
        help="Refuse a network that holds NaN or infinity, instead of warning.",
    )(command)


def threads_option(command: Command) -> Command:
    """Add ``--threads``, the number of computing threads."""
    return click.option(
        "--threads",
        type=click.IntRange(1, 1024),
        help="Threads to compute with; the result is the same for any number [default: all cores].",
    )(command)


def kernels_option(command: Command) -> Command:
    """Add ``--kernels``, which chooses the numerical kernels."""
    return click.option(
        "--kernels",
        metavar="NAME",
        help="Numerical kernels to compute with, such as numpy [default: those that are installed"
        " beside tinynet, else numpy].",
    )(command)
