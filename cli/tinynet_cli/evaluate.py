"""`tinynet evaluate`."""

from typing import Any

import click

from tinynet_cli import completion, options
from tinynet_cli.commands import Command
from tinynet_cli.importing import uncollected
from tinynet_cli.launch import follows, silent_end
from tinynet_cli.output import echo, print_figures, print_json, short


def checked_split(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> str | None:
    """Return the name of a split, or refuse it (a callback of click)."""
    from tinynet.run.arguments import split_fault

    if value is not None and (fault := split_fault(value)):
        raise click.BadParameter(f"{value!r} {fault}")
    return value


@click.command(cls=Command)
@options.run_or_checkpoint_argument
@click.option(
    "--split",
    metavar="test|val|train",
    shell_complete=completion.one_of("test", "val", "train"),
    callback=checked_split,
    help="Part of the run's data; validation is the same as val [default: test].",
)
@click.option(
    "--data",
    type=click.Path(),
    multiple=True,
    help="Evaluate on all of this file, folder or pattern, read as that of the run's spec; can be"
    " given several times.",
)
@options.checkpoint_option
@options.strict_finite_option
@options.data_root_option
@options.verify_data_option
@options.max_params_option
@options.threads_option
@options.kernels_option
@options.fleet_options
@options.json_option
@options.quiet_option
@options.debug_option
def evaluate(
    path: str, split: Any, data: tuple[str, ...], as_json: bool, quiet: bool, **settings: Any
) -> None:
    """Compute the loss and the metrics of a trained network."""
    with uncollected():
        from tinynet.run.evaluation import evaluate as evaluate_samples
        from tinynet_cli.progress import Display

    if split is not None and data:
        raise click.UsageError("--split is a part of the run's own data; leave it out with --data")
    with silent_end(settings["fleet"]), Display(quiet=quiet or as_json) as display:
        result = evaluate_samples(path, split, data=[*data] or None, observer=display, **settings)
    if follows(settings["fleet"]):
        return
    if as_json:
        print_json(vars(result))
        return
    shown = ", ".join(data) or result.split
    print_figures(f"{shown} ({result.samples:,} samples):", result.metrics)
    echo(f"checkpoint: {short(result.checkpoint)}")
