"""`tinynet plot`."""

import shlex
from typing import Any

import click

from tinynet_cli import completion, options
from tinynet_cli.commands import Command
from tinynet_cli.number_types import FloatRange
from tinynet_cli.output import echo, print_json, short, warn

_MAX_NAMES = 20
"""Figures that are left out, and named."""


def _split(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> tuple[str, ...]:
    return tuple(name.strip() for name in (value or "").split(",") if name.strip())


@click.command(cls=Command)
@click.argument(
    "paths",
    metavar="RUN...",
    nargs=-1,
    required=True,
    type=click.Path(),
    shell_complete=completion.runs,
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(),
    default="curves.png",
    show_default=True,
    help="File to write: .png, .svg or .pdf; an existing one is replaced.",
)
@click.option(
    "--metrics",
    metavar="NAME,...",
    callback=_split,
    help="Figures to show: loss (of both splits), val/accuracy, learning_rate [default: all].",
)
@click.option(
    "--x",
    "axis",
    type=click.Choice(["epoch", "step", "time"]),
    default="epoch",
    show_default=True,
    help="Horizontal axis.",
)
@click.option("--log", is_flag=True, help="Logarithmic axis of losses and learning rates.")
@click.option(
    "--smooth",
    metavar="FACTOR",
    type=FloatRange(0, 1, max_open=True),
    default=0.0,
    help="Also draw a moving average: the weight of the past, such as 0.8.",
)
@options.json_option
@options.debug_option
def plot(paths: tuple[str, ...], as_json: bool, **choice: Any) -> None:
    """Draw losses, metrics and learning rates of runs, with their best epochs, to a file.

    RUN is a run folder, or a folder whose runs are drawn. Needs matplotlib.
    """
    from tinynet.commands.plot import plot_runs

    result = plot_runs(paths, **choice)
    for problem in result.problems:
        warn(problem)
    if as_json:
        facts = {"file": result.path, "runs": result.runs, "figures": result.figures}
        print_json({**facts, "left_out": result.left_out})
    else:
        if left := result.left_out:
            more = f" and {len(left) - _MAX_NAMES:,} more" if len(left) > _MAX_NAMES else ""
            echo(
                f"note: {', '.join(left[:_MAX_NAMES])}{more} {'is' if len(left) == 1 else 'are'}"
                f" left out; name the figures to draw: --metrics {shlex.quote(','.join(left[:3]))}",
                err=True,
            )
        echo(f"plot: {short(result.path)} ({', '.join(result.figures)})")
