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
@click.option(
    "--resize",
    is_flag=True,
    help="Resize images to the size of the training images; the aspect ratio is not kept.",
)
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
    """Predict labels, probabilities and values for INPUT.

    INPUT is an .npy, .npz or .csv file of raw inputs, any other file that the dataset of the
    network can read, an image, or a folder of images, which are read in the order of their names.
    Files are read and checked as in training, and the saved preprocessing is applied.

    Images are decoded to 8 bits as a viewer shows them: 16-bit gray is scaled, the EXIF
    orientation is applied, transparent parts are drawn on white, and color becomes gray for a
    network of one channel. Images of several frames, of floats, of 32-bit integers and of CIELAB
    colors are refused.
    """
    from tinynet.prediction.predictions import WRITERS, write_predictions
    from tinynet.run.models import load_model
    from tinynet_cli.progress import Display

    if output is not None and Path(output).suffix.lower() not in WRITERS:
        raise click.BadParameter(
            f"{output}: the name ends in {', '.join(WRITERS)}", param_hint="-o"
        )
    with Display(quiet=quiet or as_json) as display:
        model = load_model(path, checkpoint, observer=display, **settings)
        predictions = model.predict(inputs, resize=resize, threads=threads)
    if output is not None:
        write_predictions(predictions, Path(output))
    if as_json:
        print_json({**predictions.to_json(), **({"output": output} if output else {})})
    elif output is not None:
        if not quiet:
            echo(f"{output}: {predictions.samples:,} predictions")
    else:
        print_table(*predictions.table())
