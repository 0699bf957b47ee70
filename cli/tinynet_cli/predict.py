"""`tinynet predict`."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tinynet_cli import options
from tinynet_cli.commands import Command
from tinynet_cli.output import echo, print_json, print_table

if TYPE_CHECKING:
    from tinynet.prediction.model import Model
    from tinynet.prediction.predictions import Predictions


def _columns(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    return tuple(name for value in values for part in value.split(",") if (name := part.strip()))


@click.command(cls=Command)
@options.run_or_checkpoint_argument
@click.argument("inputs", metavar="INPUT...", type=click.Path(), nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    type=click.Path(),
    help="Write a .csv, .jsonl or .npz file instead, or a folder (masks/) of class maps as PNG.",
)
@click.option(
    "--keep",
    metavar="COLUMN,...",
    multiple=True,
    callback=_columns,
    help="Columns of the input to print, too.",
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
    keep: tuple[str, ...],
    resize: bool,
    checkpoint: str | None,
    threads: int | None,
    as_json: bool,
    quiet: bool,
    **settings: Any,
) -> None:
    """Predict labels, probabilities and values for INPUT.

    INPUT is an .npy, .npz or .csv file of raw inputs, any other file or folder that the dataset of
    the network can read, an image, a folder of images, which are read in the order of their names,
    or - for standard input. Files are read and checked as in training, and the saved preprocessing
    is applied. With -o, large files are read and predicted part by part.

    Images are decoded to 8 bits as a viewer shows them: 16-bit gray is scaled, the EXIF
    orientation is applied, transparent parts are drawn on white, and color becomes gray for a
    network of one channel. Images of several frames, of floats, of 32-bit integers and of CIELAB
    colors are refused.
    """
    from tinynet.prediction.class_maps import OriginalSize, write_class_maps
    from tinynet.prediction.standard_input import from_stream
    from tinynet.prediction.writing import WRITERS, write_predictions
    from tinynet.run.models import load_model
    from tinynet_cli.progress import Display

    is_folder = output is not None and (output.endswith("/") or Path(output).is_dir())
    if output is not None and not is_folder and Path(output).suffix.lower() not in WRITERS:
        raise click.BadParameter(
            f"{output}: the name ends in {', '.join(WRITERS)}, or in / for a folder of class maps",
            param_hint="-o",
        )
    if "-" in inputs and len(inputs) > 1:
        raise click.BadParameter("- (standard input) is the only input", param_hint="INPUT")
    streamed = "-" in inputs
    if streamed and output is not None and _is_standard_input(output):
        raise click.BadParameter(f"{output} is the input, and would be replaced", param_hint="-o")
    folders = [Path(path) for path in inputs if Path(path).is_dir()]
    name_files = from_stream if streamed and not is_folder else lambda part: part
    with Display(quiet=quiet or as_json) as display:
        model = load_model(path, checkpoint, observer=display, **settings)
        write: Callable[[Iterable[Predictions], Path], int] = write_predictions
        if is_folder:
            size = OriginalSize.of(model.inputs, model.spec.data)
            write = partial(write_class_maps, sources=folders, original=size)
        with _opened(model, inputs) as (model, paths):
            options: dict[str, Any] = {"keep": keep, "resize": resize, "threads": threads}
            if output is not None and not as_json:
                parts = model.predict_chunks(paths, **options)
                samples = write(map(name_files, parts), Path(output))
            else:
                predictions = name_files(model.predict(paths, **options))
    if output is not None and not as_json:
        if not quiet:
            echo(f"{output}: {samples:,} predictions")
        return
    if output is not None:
        write([predictions], Path(output))
    if as_json:
        print_json({**predictions.to_json(), **({"output": output} if output else {})})
    else:
        print_table(*predictions.table())


def _is_standard_input(path: str) -> bool:
    """Return True if standard input is read from a file."""
    with suppress(OSError, ValueError):
        return os.path.samestat(os.stat(path), os.fstat(sys.stdin.fileno()))
    return False


@contextmanager
def _opened(model: "Model", inputs: tuple[str, ...]) -> Iterator[tuple["Model", list[Path]]]:
    """Return the model, and the paths of the inputs; for standard input that of a copy."""
    from tinynet.prediction.standard_input import as_file, naming_stream

    if inputs != ("-",):
        yield model, [Path(path) for path in inputs]
        return
    with as_file(sys.stdin.buffer, model.input_endings) as copy:
        yield replace(model, warn=naming_stream(model.warn, copy)), [copy]
