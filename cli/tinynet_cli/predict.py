"""`tinynet predict`."""

import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tinynet_cli import options
from tinynet_cli.commands import Command
from tinynet_cli.importing import uncollected
from tinynet_cli.launch import silent_end
from tinynet_cli.output import echo, print_json, print_table

if TYPE_CHECKING:
    from tinynet.engine.process_group import ProcessGroup
    from tinynet.prediction.computed import Computed
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
@options.fleet_options
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
    with uncollected():
        from tinynet.prediction.standard_input import from_stream
        from tinynet.run.ending_together import processes
        from tinynet.run.options import threads as threads_of
        from tinynet.run.shared_model import load_model_together
        from tinynet_cli.progress import Display

    if "-" in inputs and len(inputs) > 1:
        raise click.BadParameter("- (standard input) is the only input", param_hint="INPUT")
    options: Any = {"keep": keep, "resize": resize}
    here: Any = {**settings, "threads": threads}
    call = {"path": path, "output": output, "checkpoint": checkpoint, **options, "settings": here}
    with (
        silent_end(settings["fleet"]),
        Display(quiet=quiet or as_json) as display,
        processes("predict", here, call) as group,
    ):
        joins = group is not None and not group.first
        is_folder = not joins and output is not None and _checked_output(output, inputs)
        here["observer"] = display
        model = load_model_together(path, checkpoint, here, group)
        options["threads"] = threads_of(here, group)
        with _opened(model, inputs, group) as (model, paths):
            computed = _computed(model, paths, group, options)
            if joins:
                deque(computed, maxlen=0)  # The first process gets and prints the predictions.
                return
            write = _writer(model, inputs, is_folder=is_folder)
            name_files = from_stream if "-" in inputs and not is_folder else lambda part: part
            if output is not None and not as_json:
                parts = model.predictions_of_chunks(paths, computed)
                samples = write(map(name_files, parts), Path(output))
            else:
                predictions = name_files(model.predictions_of(paths, computed))
        if output is not None and as_json:
            write([predictions], Path(output))
    if as_json:
        print_json({**predictions.to_json(), **({"output": output} if output else {})})
    elif output is None:
        print_table(*predictions.table())
    elif not quiet:
        echo(f"{output}: {samples:,} predictions")


def _checked_output(output: str, inputs: tuple[str, ...]) -> bool:
    """Return True if the output is a folder of class maps; refuse one that cannot be written."""
    from tinynet.prediction.writing import WRITERS

    is_folder = output.endswith("/") or Path(output).is_dir()
    if not is_folder and Path(output).suffix.lower() not in WRITERS:
        raise click.BadParameter(
            f"{output}: the name ends in {', '.join(WRITERS)}, or in / for a folder of class maps",
            param_hint="-o",
        )
    if "-" in inputs and _is_standard_input(output):
        raise click.BadParameter(f"{output} is the input, and would be replaced", param_hint="-o")
    return is_folder


def _computed(
    model: "Model", paths: list[Path], group: "ProcessGroup | None", options: dict[str, Any]
) -> "Iterator[Computed]":
    """Return the outputs of the model, computed by all processes."""
    if group is None:
        return model.computed(paths, **options)
    from tinynet.prediction.rounds import compute_together

    return compute_together(model, group, paths, **options)


def _writer(
    model: "Model", inputs: tuple[str, ...], *, is_folder: bool
) -> "Callable[[Iterable[Predictions], Path], int]":
    """Return the function that writes predictions to a file, or class maps to a folder."""
    from tinynet.prediction.class_maps import OriginalSize, write_class_maps
    from tinynet.prediction.writing import write_predictions

    if not is_folder:
        return write_predictions
    folders = [Path(path) for path in inputs if Path(path).is_dir()]
    size = OriginalSize.of(model.inputs, model.spec.data)
    return partial(write_class_maps, sources=folders, original=size)


def _is_standard_input(path: str) -> bool:
    """Return True if standard input is read from a file."""
    with suppress(OSError, ValueError):
        return os.path.samestat(os.stat(path), os.fstat(sys.stdin.fileno()))
    return False


@contextmanager
def _opened(
    model: "Model", inputs: tuple[str, ...], group: "ProcessGroup | None"
) -> Iterator[tuple["Model", list[Path]]]:
    """Return the model, and the paths of the inputs; for standard input that of a copy."""
    from tinynet.prediction.shared_stream import shared_stream
    from tinynet.prediction.standard_input import as_file, naming_stream

    if inputs != ("-",):
        yield model, [Path(path) for path in inputs]
        return
    with as_file(shared_stream(sys.stdin.buffer, group), model.input_endings) as copy:
        yield replace(model, warn=naming_stream(model.warn, copy)), [copy]
