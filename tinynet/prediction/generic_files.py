"""Files that tinynet reads for any model: folders of images, and tables of numbers."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tinynet.builtin.datasets.csv import CSV
from tinynet.dataset import Field
from tinynet.errors import DataError
from tinynet.prediction import images
from tinynet.text.wording import format_list
from tinynet.types import Array


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


def read_csv(path: str, field: Field) -> Array:
    """Read a table for a model that was not trained on one.

    Columns go by name, in any order, if the model's features have names; else by position, and
    the file has no header.
    """
    if len(field.shape) != 1:
        expected = "x".join(map(str, field.shape)) or "single"
        raise DataError(f"{path} is a table, but the model expects {expected} inputs")
    named = field.names is not None
    positions = tuple(map(str, range(field.shape[0])))
    config = CSV.Config(path=path, target=0, header=named)
    fields = {"input": field if named else replace(field, names=positions)}
    return CSV.read_inputs(config, path, fields)["input"]
