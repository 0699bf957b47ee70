"""`tinynet evaluate`."""

from typing import Any

import click

from tinynet_cli import options
from tinynet_cli.commands import Command
from tinynet_cli.output import echo, print_figures, print_json, short


def _checked_split(context: click.Context, parameter: click.Parameter, value: str) -> str:
    from tinynet.run.arguments import split_fault

    if fault := split_fault(value):
        raise click.BadParameter(f"{value!r} {fault}")
    return value


@click.command(cls=Command)
@click.argument("path", metavar="RUN_OR_CHECKPOINT", type=click.Path())
@click.option(
    "--split",
    metavar="test|val|train",
    callback=_checked_split,
    default="test",
    show_default=True,
    help="Part of the data; validation is the same as val.",
)
@options.checkpoint_option
@options.strict_finite_option
@options.data_root_option
@options.verify_data_option
@options.max_params_option
@options.threads_option
@options.kernels_option
@options.json_option
@options.quiet_option
@options.debug_option
def evaluate(path: str, as_json: bool, quiet: bool, **settings: Any) -> None:
    """Compute the loss and the metrics of a trained network."""
    from tinynet.run.models import evaluate as evaluate_split
    from tinynet_cli.progress import Display

    with Display(quiet=quiet or as_json) as display:
        result = evaluate_split(path, observer=display, **settings)
    if as_json:
        print_json(vars(result))
        return
    print_figures(f"{result.split} ({result.samples:,} samples):", result.metrics)
    echo(f"checkpoint: {short(result.checkpoint)}")
