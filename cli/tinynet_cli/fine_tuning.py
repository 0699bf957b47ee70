"""The options of `tinynet train --from`, and its plan."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tinynet_cli.output import echo, print_json, short

if TYPE_CHECKING:
    from tinynet.checkpoint.transfer import TensorTransfer, TransferPlan

Command = TypeVar("Command", bound=Callable[..., Any])


def _pairs(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, str | list[str]]:
    pairs: dict[str, list[str]] = {}
    for value in values:
        old, _, new = value.partition("=")
        if not old or not new:
            raise click.BadParameter(f"{value!r} is not of the form OLD=NEW")
        if new in pairs.setdefault(old, []):
            raise click.BadParameter(f"{value!r} is given twice; leave out one of the two")
        pairs[old].append(new)
    return {old: new if len(new) > 1 else new[0] for old, new in pairs.items()}


def _shared_options(needs: str = "") -> dict[str, Callable[[Any], Any]]:
    """Return the options of `train` and `import`; ``needs`` is the option that they need."""

    def explained(text: str) -> str:
        return f"With {needs}: {text[0].lower()}{text[1:]}" if needs else text

    return {
        "layout": click.option(
            "--layout",
            type=click.Choice(["torch", "keras"]),
            help=explained(
                "The framework whose names and axes the file of weights has; they are converted."
            ),
        ),
        "map": click.option(
            "--map",
            multiple=True,
            metavar="OLD=NEW",
            callback=_pairs,
            help=explained(
                "Load node NEW from node OLD of the checkpoint, or layer OLD of a file with"
                " --layout; for blocks, load every node in them. Or load one parameter NEW"
                " (NODE/PARAMETER) from parameter OLD, from array OLD of a file of weights, or"
                " from its transpose OLD.T. Repeat it with the same OLD to load several from one."
            ),
        ),
        "allow_new": click.option(
            "--allow-new",
            multiple=True,
            metavar="PATTERN",
            help=explained("Tensors, such as 'dense_2/*', that may be initialized."),
        ),
        "allow_dropped": click.option(
            "--allow-dropped",
            multiple=True,
            metavar="PATTERN",
            help=explained("Tensors of the checkpoint or file that may be left out."),
        ),
        "overlap": click.option(
            "--overlap",
            multiple=True,
            metavar="PATTERN",
            help=explained("Tensors that may change shape; the overlapping part is copied."),
        ),
        "plan": click.option(
            "--plan",
            "plan_only",
            is_flag=True,
            help=explained("Print which tensors would be loaded, and exit."),
        ),
    }


_FROM = click.option(
    "--from",
    "source",
    type=click.Path(),
    metavar="RUN|CHECKPOINT|WEIGHTS",
    help="Start with the parameters of this checkpoint, or of a file of weights (.npz,"
    " .safetensors); of a run, the best if it keeps one, else the last.",
)

_KEEP = click.option(
    "--keep-preprocessing",
    is_flag=True,
    help="With --from: keep the checkpoint's fitted transforms instead of refitting them.",
)

_RULES = ("map", "allow_new", "allow_dropped", "overlap", "keep_preprocessing")
"""The settings that are fields of the rules."""


def fine_tuning_options(command: Command) -> Command:
    """Add ``--from`` and the options that need it; see `take_rules`."""
    *shared, plan = _shared_options("--from").values()
    for option in reversed((_FROM, *shared, _KEEP, plan)):
        command = option(command)
    return command


def import_options(command: Command) -> Command:
    """Add the options of `tinynet import` that are also those of ``train --from``."""
    for option in reversed(list(_shared_options().values())):
        command = option(command)
    return command


def take_rules(source: str | None, plan_only: bool, settings: dict[str, Any]) -> dict[str, Any]:
    """Remove the rules from a command's settings.

    Returns:
        Arguments of `tinynet.train`; empty without ``--from``.

    Raises:
        click.UsageError: for rules without ``--from``.
    """
    rules = {name: settings.pop(name) for name in _RULES}
    layout = settings.pop("layout")
    if source is not None:
        from tinynet.checkpoint.transfer_rules import TransferRules

        return {"source": source, "rules": TransferRules(**rules), "layout": layout}
    given = {"layout": layout, **rules, "plan": plan_only}
    if names := [name for name, value in given.items() if value]:
        raise click.UsageError(f"--{names[0].replace('_', '-')} needs --from")
    return {}


def print_plan(
    path: Path, plan: "TransferPlan", as_json: bool, error: Exception | None = None
) -> None:
    """Print what would be taken over.

    Args:
        path: The checkpoint.
        plan: The plan.
        as_json: True to print it as data.
        error: The reason why the plan is refused.
    """
    if as_json:
        tensors = [_as_data(move) for move in plan.moves]
        answer: dict[str, Any] = {"checkpoint": str(path), "tensors": tensors, "notes": plan.notes}
        answer["warnings"] = plan.warnings
        if error is not None:
            answer["options"] = plan.options
            answer["error"] = {"type": type(error).__name__, "message": str(error)}
        print_json(answer)
        return
    echo(f"from {short(path)}: {plan.summary}")
    for line in plan.lines:
        echo(line)
    for warning in plan.warnings:
        echo(f"{'warning':<10}  {warning}")
    if plan.options:
        echo(f"to allow this, add: {' '.join(plan.options)}")


def _as_data(move: "TensorTransfer") -> dict[str, Any]:
    sides = {"source": move.source, "target": move.target}
    return {
        "action": move.action,
        **{
            side: facts
            and {
                "address": facts.address,
                "shape": facts.shape,
                "dtype": facts.dtype,
                **({"conversion": facts.origin} if facts.origin != facts.label else {}),
            }
            for side, facts in sides.items()
        },
    }
