"""`tinynet predict`."""

from pathlib import Path
from typing import Any

import click

from tinynet_cli import options
from tinynet_cli.commands import Command
from tinynet_cli.output import echo, print_json, print_table


@click.command(cls=Command)
@click.argument("path", metavar="RUN_OR_CHECKPOINT", type=click.Path())
@click.argument("inputs", metavar="INPUT...", type=click.Path(), nargs=-1, required=True)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False), help="Write .csv, .jsonl or .npz instead."
)
@click.option("--resize", is_flag=True, help="Bring images to the size the network was trained on.")
@options.checkpoint_option
@options.strict_finite_option
@options.max_params_option
@options.threads_option
@options.kernels_option
@options.json_option
@options.quiet_option
@options.debug_option
def predict(
    path: str,
    inputs: tuple[str, ...],
    output: str | None,
    resize: bool,
    checkpoint: str | None,
    threads: int | None,
    as_json: bool,
    quiet: bool,
    **settings: Any,
) -> None:
    """What a trained network says of INPUT: .npy, .npz, .csv or image files of raw inputs.

    The preprocessing that was saved with the network is applied first.
    """
    from tinynet.run.prediction import WRITERS, predict_files, write_predictions
    from tinynet.run.trained import load_model
    from tinynet_cli.progress import Display

    if output is not None and Path(output).suffix.lower() not in WRITERS:
        raise click.BadParameter(
            f"{output}: the name ends in {', '.join(WRITERS)}", param_hint="-o"
        )
    with Display(quiet=quiet or as_json) as display:
        model = load_model(path, checkpoint, observer=display, **settings)
    predictions = predict_files(model, inputs, resize=resize, threads=threads)
    if output is not None:
        write_predictions(predictions, Path(output))
    if as_json:
        print_json({**predictions.to_json(), **({"output": output} if output else {})})
    elif output is not None:
        if not quiet:
            echo(f"{output}: {predictions.samples:,} predictions")
    else:
        print_table(*predictions.table())
