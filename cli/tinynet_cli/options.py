"""Options that several commands share."""

from collections.abc import Callable
from typing import Any, TypeAlias

import click

from tinynet_cli import completion, key_completion, launch
from tinynet_cli.json_argument import parse_value, require_unicode
from tinynet_cli.number_types import FloatRange, IntRange

Decorator: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]
"""An option or argument, which is applied to the function of a command."""

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print the result as one JSON object."
)

# Its value is read in `tinynet_cli.failure`, where a command fails.
debug_option = click.option(
    "--debug", is_flag=True, expose_value=False, help="Show the traceback of an error."
)

quiet_option = click.option("--quiet", is_flag=True, help="Print no progress.")


class _DataRoot(click.Path):
    """An existing folder.

    Several launched processes check it after they have joined each other, since one machine alone
    may lack it: the process there would otherwise end without the others.
    """

    def convert(
        self, value: Any, parameter: click.Parameter | None, context: click.Context | None
    ) -> Any:
        """Return the path, or report a mistake."""
        if launch.is_launched():
            return value
        return super().convert(value, parameter, context)


data_root_option = click.option(
    "--data-root",
    type=_DataRoot(exists=True, file_okay=False),
    help="Folder where a spec's relative data paths start; by default the spec's own.",
)

max_params_option = click.option(
    "--max-params",
    type=IntRange(min=1),
    default=2**31,
    show_default=True,
    help="Parameters that a network may have.",
)

checkpoint_option = click.option(
    "--checkpoint",
    metavar="best|last|FILE",
    shell_complete=completion.one_of("best", "last"),
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
    type=IntRange(1, 1024),
    help="Threads to compute with; the result is the same for any number [default: all cores].",
)

_FLEET = (
    click.option(
        "--fleet",
        metavar="NAME|none",
        shell_complete=completion.types("fleets"),
        help="Connection of the processes that mpiexec or srun started, such as mpi; with none,"
        " each process works for itself [default: the installed one].",
    ),
    click.option(
        "--fleet-timeout",
        type=FloatRange(min=1),
        default=600,
        show_default=True,
        metavar="SECONDS",
        help="Seconds that a process waits for the others before all of them end.",
    ),
)


def fleet_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--fleet`` and ``--fleet-timeout`` to a command that several processes can run."""
    for option in reversed(_FLEET):
        command = option(command)
    return command


_PROFILE = (
    click.option(
        "--profile",
        is_flag=True,
        help="Record where the time of a step goes: a table on stderr, and a trace for"
        " https://ui.perfetto.dev in the run folder.",
    ),
    click.option(
        "--profile-steps",
        type=IntRange(1, 10_000),
        metavar="N",
        help="Steps to record after the first ones; implies --profile [default: 20].",
    ),
)


def profile_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--profile`` and ``--profile-steps``; see `take_profile`."""
    for option in reversed(_PROFILE):
        command = option(command)
    return command


def take_profile(settings: dict[str, Any]) -> None:
    """Replace both options of a profile by the argument ``profile`` of `tinynet.train`."""
    steps = settings.pop("profile_steps")
    settings["profile"] = settings["profile"] if steps is None else steps


kernels_option = click.option(
    "--kernels",
    metavar="NAME",
    shell_complete=completion.types("kernels"),
    help="Numerical kernels to compute with, such as numpy [default: those that are installed"
    " beside tinynet, else numpy].",
)


def parse_overrides(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, Any]:
    """Return the changes of a spec by path (a callback of click); shortcuts are included."""
    overrides: dict[str, Any] = dict(context.meta.get(_SHORTCUTS, {}))
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


def parse_loggers(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> list[Any]:
    """Return names of loggers, and objects for those that are given as JSON (a callback)."""
    return [parse_value(value) if value.lstrip().startswith("{") else value for value in values]


logger_option = click.option(
    "--logger",
    "loggers",
    multiple=True,
    metavar="NAME",
    callback=parse_loggers,
    shell_complete=completion.types("loggers"),
    help="Also record the figures with this logger, such as csv or tensorboard, beside those of the"
    " spec; may be repeated.",
)


_SHORTCUTS = "tinynet.shortcuts"
"""The key of the context under which shortcuts such as ``--epochs`` are kept until ``--set``."""


def _shortcut(name: str, path: str, type: click.ParamType[Any], help: str) -> Decorator:
    """Return an option that is short for ``--set PATH=VALUE``."""

    def keep(context: click.Context, parameter: click.Parameter, values: tuple[Any, ...]) -> None:
        if len(values) > 1:
            raise click.BadParameter(f"{path!r} is set twice; keep one of the two")
        if values:
            context.meta.setdefault(_SHORTCUTS, {})[path] = values[0]

    return click.option(
        name,
        type=type,
        multiple=True,
        callback=keep,
        is_eager=True,
        expose_value=False,
        help=f"{help}: {path}.",
    )


_SETTERS = (
    click.option(
        "--set",
        "overrides",
        multiple=True,
        metavar="PATH=JSON",
        callback=parse_overrides,
        shell_complete=key_completion.overrides,
        help="Change a value of the spec: training.epochs=3, network.layers.conv2d_1.filters=8.",
    ),
    _shortcut("--epochs", "training.epochs", IntRange(min=1), "Passes over the data"),
    _shortcut("--lr", "training.optimizer.learning_rate", FloatRange(), "Learning rate"),
)


def set_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--set`` and its shortcuts ``--epochs`` and ``--lr`` to a command."""
    for option in reversed(_SETTERS):
        command = option(command)
    return command


spec_argument = click.argument("spec", type=click.Path(), shell_complete=completion.specs)

run_or_checkpoint_argument = click.argument(
    "path",
    metavar="RUN_OR_CHECKPOINT",
    type=click.Path(),
    shell_complete=completion.checkpoints,
)

run_argument = click.argument("run", type=click.Path(), shell_complete=completion.runs)
