"""Options that several commands share."""

from typing import Any

import click

from tinynet_cli.json_argument import parse_value, require_unicode

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print the result as one JSON object."
)

# Its value is read in `tinynet_cli.failure`, where a command fails.
debug_option = click.option(
    "--debug", is_flag=True, expose_value=False, help="Show the traceback of an error."
)

quiet_option = click.option("--quiet", is_flag=True, help="Print no progress.")

data_root_option = click.option(
    "--data-root",
    type=click.Path(exists=True, file_okay=False),
    help="Folder where a spec's relative data paths start; by default the spec's own.",
)

max_params_option = click.option(
    "--max-params",
    type=click.IntRange(min=1),
    default=2**31,
    show_default=True,
    help="Parameters that a network may have.",
)

checkpoint_option = click.option(
    "--checkpoint",
    metavar="best|last|FILE",
    help="Checkpoint of the run [default: the best if the run keeps one, else the last].",
)

exact_option = click.option(
    "--exact",
    is_flag=True,
    help="Refuse to resume unless the result is bit-identical to an uninterrupted run.",
)

no_lock_option = click.option(
    "--no-lock",
    "lock",
    is_flag=True,
    flag_value=False,
    default=True,
    help="Train without a lock where the file system offers none.",
)

strict_finite_option = click.option(
    "--strict-finite",
    is_flag=True,
    help="Refuse a network that holds NaN or infinity, instead of warning.",
)

verify_data_option = click.option(
    "--verify-data",
    is_flag=True,
    help="Read data files from end to end, also large ones whose sizes and times have not changed.",
)

threads_option = click.option(
    "--threads",
    type=click.IntRange(1, 1024),
    help="Threads to compute with; the result is the same for any number [default: all cores].",
)

kernels_option = click.option(
    "--kernels",
    metavar="NAME",
    help="Numerical kernels to compute with, such as numpy [default: those that are installed"
    " beside tinynet, else numpy].",
)


def parse_overrides(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, Any]:
    """Return the changes of a spec by path (a callback of click)."""
    overrides: dict[str, Any] = {}
    problems = []
    for value in values:
        try:
            path, parsed = _override(value)
        except click.BadParameter as error:
            problems.append(error.message)
            continue
        if path in overrides:
            problems.append(f"{path!r} is set twice; keep one of the two")
        overrides[path] = parsed
    if problems:
        raise click.BadParameter("; ".join(problems))
    return overrides


def _override(argument: str) -> tuple[str, Any]:
    require_unicode(argument)
    path, equals, text = argument.partition("=")
    if not equals or not path:
        raise click.BadParameter(f"{argument!r} is not of the form PATH=JSON")
    try:
        return path, parse_value(text)
    except click.BadParameter as error:
        raise click.BadParameter(f"{path!r}: {error.message}") from error


set_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="PATH=JSON",
    callback=parse_overrides,
    help="Change a value of the spec: training.epochs=3, network.layers.conv2d_1.filters=8.",
)
