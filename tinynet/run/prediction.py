"""Raw inputs from files, and what a model says of them."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tinynet.dataset import Field
from tinynet.errors import DataError, explaining_io
from tinynet.files.atomic import replacing
from tinynet.files.csv_rows import number_fault, numbers, read_rows
from tinynet.files.npy import map_npy, read_npz
from tinynet.run.model import Model
from tinynet.types import Array

IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp")


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a model says of some samples.

    Attributes:
        outputs: What the loss predicts, (N, *out_shape): probabilities, for a classifier.
        classes: Names of the classes, where it tells some apart.
        labels: The likeliest class of each sample, where it tells some apart.
    """

    outputs: Array
    classes: tuple[str, ...] | None
    labels: tuple[str, ...] | None

    @property
    def columns(self) -> list[str]:
        """Names of the columns of `rows`."""
        if self.classes is not None and self.labels is not None:
            return ["sample", "label", *(f"p({name})" for name in self.classes)]
        width = int(np.prod(self.outputs.shape[1:]))
        return ["sample", *(["value"] if width == 1 else [f"value_{i}" for i in range(width)])]

    def rows(self) -> Iterator[list[Any]]:
        """One row for each sample, in the order of the input."""
        probabilities = self.probabilities
        values = self.outputs if probabilities is None else probabilities
        for index, row in enumerate(values.reshape(len(values), -1).tolist()):
            label = [] if self.labels is None else [self.labels[index]]
            yield [index, *label, *row]

    @property
    def probabilities(self) -> Array | None:
        """Probability of each class, (N, classes), where it tells some apart."""
        if self.classes is None or self.labels is None:
            return None
        if self.outputs.shape[1:] == (len(self.classes),):
            return self.outputs
        positive = self.outputs.reshape(len(self.outputs), 1)
        return np.concatenate([1 - positive, positive], axis=1)

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        found: dict[str, Any] = {"samples": len(self.outputs)}
        probabilities = self.probabilities
        if probabilities is None:
            return {**found, "outputs": self.outputs.tolist()}
        return {
            **found,
            "classes": list(self.classes or ()),
            "labels": list(self.labels or ()),
            "probabilities": probabilities.tolist(),
        }


def predict_files(
    model: Model,
    paths: Sequence[str | Path],
    *,
    resize: bool = False,
    threads: int | None = None,
) -> Predictions:
    """What a model says of the samples in some files.

    Args:
        model: The model.
        paths: Files with raw inputs: .npy, .npz, .csv, or images, a sample each.
        resize: Bring images to the size the model was trained on.
        threads: How many compute; see `Model.predict`.

    Raises:
        DataError: for files that cannot be read, or do not hold what the model was trained on.
    """
    parts = [_read(model, Path(path), resize) for path in paths]
    inputs = {name: np.concatenate([part[name] for part in parts]) for name in model.inputs}
    if not len(next(iter(inputs.values()))):
        raise DataError(f"{paths[0]} holds no samples")
    outputs = model.predict(inputs, threads)
    return Predictions(outputs, model.classes, _labels(outputs, model.classes))


def _labels(outputs: Array, classes: tuple[str, ...] | None) -> tuple[str, ...] | None:
    if classes is None:
        return None
    if outputs.shape[1:] == (len(classes),):
        indices = outputs.argmax(axis=1)
    elif len(classes) == 2 and outputs.shape[1:] in ((), (1,)):
        indices = (outputs.reshape(-1) > 0.5).astype(np.int64)
    else:
        return None
    return tuple(classes[index] for index in indices)


# Reading -------------------------------------------------------------------------------------


def _read(model: Model, path: Path, resize: bool) -> dict[str, Array]:
    if not path.exists():
        raise DataError(f"no such file: {path}")
    kind = path.suffix.lower()
    if kind == ".npz":
        return read_npz(str(path), model.inputs)
    if len(model.inputs) != 1:
        raise DataError(
            f"{path}: the model has the inputs {', '.join(model.inputs)}; give an .npz file with"
            " an array of each name"
        )
    name, field = next(iter(model.inputs.items()))
    if kind == ".npy":
        array = map_npy(str(path))
        return {name: array[None] if array.shape == field.shape else array}
    if kind == ".csv":
        return {name: _read_csv(path, field)}
    if kind in IMAGES:
        return {name: _read_image(path, field, resize)}
    raise DataError(f"{path}: inputs are read from .npy, .npz, .csv and image files")


def _read_csv(path: Path, field: Field) -> Array:
    """Rows of features; by name where there is a header, else by position."""
    if len(field.shape) != 1:
        raise DataError(f"{path}: the model's input has the shape {field.shape}; a table has rows")
    (width,) = field.shape
    rows = list(read_rows(str(path), ","))
    if not rows:
        raise DataError(f"{path} has no rows")
    positions = list(range(width))
    names = field.names or tuple(map(str, positions))
    first = [cell.strip() for cell in rows[0][1]]
    if any(number_fault(cell) for cell in first):
        rows = rows[1:]
        if missing := [name for name in names if name not in first]:
            raise DataError(f"{path} has no column {missing[0]!r}; it has {', '.join(first)}")
        positions = [first.index(name) for name in names]
    elif len(first) != width:
        raise DataError(
            f"{path} has {len(first)} columns and no header; the model wants {width}:"
            f" {', '.join(names)}"
        )
    values = [
        numbers(f"{path}, line {line}", names, [cells[i].strip() for i in positions])
        for line, cells in rows
    ]
    return np.array(values, np.float64).reshape(-1, width)


def _read_image(path: Path, field: Field, resize: bool) -> Array:
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as error:
        raise DataError(f"{path}: images need Pillow: pip install pillow") from error
    modes = {1: "L", 3: "RGB", 4: "RGBA"}
    if len(field.shape) != 3 or field.shape[2] not in modes:
        raise DataError(
            f"{path}: the model's input has the shape {field.shape}, which no image has"
        )
    height, width, channels = field.shape
    try:
        with Image.open(path) as opened:
            image = opened.convert(modes[channels])
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError, ValueError) as error:
        raise DataError(f"{path} cannot be read as an image: {error}") from error
    if image.size != (width, height):
        if not resize:
            raise DataError(
                f"{path} is {image.width} x {image.height} pixels; the model was trained on"
                f" {width} x {height} (--resize brings it to that size)"
            )
        image = image.resize((width, height))
    return np.asarray(image).reshape(1, *field.shape)


# Writing -------------------------------------------------------------------------------------


def write_predictions(predictions: Predictions, path: Path) -> None:
    """Write predictions to a .csv, .jsonl or .npz file, by its name's ending.

    Raises:
        DataError: for another ending.
        CheckpointIOError: if the disk refuses; a file that was there is not touched then.
    """
    encode = WRITERS.get(path.suffix.lower())
    if encode is None:
        raise DataError(f"{path}: predictions are written as {', '.join(WRITERS)}")
    with explaining_io(path), replacing(path) as write_at:
        write_at(0, encode(predictions))


def _as_csv(predictions: Predictions) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(predictions.columns)
    writer.writerows(predictions.rows())
    return text.getvalue().encode()


def _as_jsonl(predictions: Predictions) -> bytes:
    columns = predictions.columns
    lines = (json.dumps(dict(zip(columns, row, strict=True))) for row in predictions.rows())
    return "".join(line + "\n" for line in lines).encode()


def _as_npz(predictions: Predictions) -> bytes:
    file = io.BytesIO()
    probabilities = predictions.probabilities
    if probabilities is None:
        np.savez(file, outputs=predictions.outputs)
    else:
        np.savez(
            file,
            probabilities=probabilities,
            labels=np.array(predictions.labels),
            classes=np.array(predictions.classes),
        )
    return file.getvalue()


WRITERS = {".csv": _as_csv, ".jsonl": _as_jsonl, ".npz": _as_npz}
"""How predictions are written, by the ending of the file's name."""
