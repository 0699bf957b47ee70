"""Files that tinynet reads for any model: folders of images, and tables of numbers."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from tinynet.builtin.datasets.csv import CSV
from tinynet.dataset import TEXT, Field, InputReader, RowReader
from tinynet.errors import DataError
from tinynet.files.csv_blocks import read_blocks
from tinynet.files.pieces import find_pieces
from tinynet.files.text_files import read_lines
from tinynet.prediction import images
from tinynet.text.wording import format_list
from tinynet.types import Array


def array_files(folder: Path, reader: type[InputReader] | type[RowReader] | None) -> list[Path]:
    """Return the .npy or .npz files of a folder without images; those that the reader reads first.

    The list is empty if there are none.
    """
    endings = reader.input_endings if reader is not None else ()
    names = {entry.suffix.lower() for entry in folder.iterdir() if entry.name[:1] != "."}
    if names & {*images.ENDINGS}:
        return []
    found = [ending for ending in (".npy", ".npz") if ending in names]
    if not found:
        return []
    ending = min(found, key=lambda ending: ending not in endings)
    return [*map(Path, find_pieces(str(folder), ending) or ())]


def images_in(folder: Path, warn: Callable[[str], None]) -> list[Path]:
    """Return the images of a folder, sorted by name."""
    files = [file for file in sorted(folder.iterdir()) if not file.name.startswith(".")]
    pictures = [file for file in files if is_image(file) and file.is_file()]
    others = [file.name for file in files if file not in pictures]
    inside = [file for file in others if any(map(is_image, (folder / file).glob("*")))]
    if not pictures and inside:
        paths = format_list([str(folder / name) for name in inside])
        raise DataError(f"{folder} is a folder without images; its subfolders have some: {paths}")
    if not pictures:
        raise DataError(
            f"{folder} is a folder without images ({', '.join(images.ENDINGS)});"
            f" it holds {format_list(others) or 'nothing'}"
        )
    if others:
        warn(f"{folder}: skipped files that are not images: {format_list(others)}")
    return pictures


def is_image(path: Path) -> bool:
    """Return True if the ending of a path is that of an image."""
    return path.suffix.lower() in images.ENDINGS


def read_csv(path: str, field: Field, warn: Callable[[str], None]) -> Array:
    """Read a table for a model that was not trained on one.

    Columns go by name, in any order, if the model's features have names; else by position. Then
    the table has as many columns as the model has features, and may have a header.
    """
    if len(field.shape) != 1:
        expected = "x".join(map(str, field.shape)) or "single"
        raise DataError(f"{path} is a table, but the model expects {expected} inputs")
    names, header = field.names, True
    if names is None:
        cells = _first_row(path)
        positions = tuple(map(str, range(field.shape[0])))
        if len(cells) != len(positions):
            raise DataError(
                f"{path} has {len(cells)} columns, but the model expects {len(positions)} features,"
                " which have no names; give it exactly these columns, in the order of the training"
            )
        header = cells == positions or not any(map(_is_number, cells))
        names = cells if header else positions
        if header:
            warn(
                f"{path}: the first row is taken as a header, and the columns"
                f" {format_list(names)} as the model's features, in this order"
            )
    config = CSV.Config(path=path, target=0, header=header)
    return CSV.read_inputs(config, path, {"input": replace(field, names=names)})["input"]


def are_of_texts(fields: Mapping[str, Field]) -> bool:
    """Return True if the inputs of a model are a text alone."""
    return [(field.dtype, field.shape) for field in fields.values()] == [(TEXT, ())]


def read_texts(path: str) -> Array:
    """Read a text from each line of a UTF-8 file, (N,), for a model whose dataset reads none."""
    texts = [*read_lines(path)]
    if blank := [number for number, text in enumerate(texts, 1) if not text.strip()]:
        raise DataError(
            f"{path}, line {blank[0]} is blank; a file of texts has one on each line, without"
            " blank lines"
        )
    array = np.empty(len(texts), object)
    array[:] = texts
    return array


def _first_row(path: str) -> tuple[str, ...]:
    """Return the cells of the first row of a text table."""
    first = next(read_blocks(path, CSV.Config(path=path, target=0).dialect), None)
    if first is None:
        raise DataError(f"{path} is empty")
    return tuple(first.cells[: first.width])


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return not cell  # a missing value
    return True
