"""Raw inputs from files, and what a model says of them."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from tinynet.dataset import Field
from tinynet.errors import DataError, explaining_io
from tinynet.files.atomic import replacing_output
from tinynet.files.csv_rows import number_fault, numbers, read_rows
from tinynet.files.npy import map_npy, read_npz
from tinynet.run.model import Model
from tinynet.types import Array

IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp")


@dataclass(frozen=True, eq=False)
class Answer:
    """What one output of a model says of some samples.

    Attributes:
        values: What the loss predicts, (N, *out_shape): probabilities, for a classifier.
        classes: Names of the classes, where it tells some apart.
        labels: The likeliest class of each sample, where it tells some apart.
    """

    values: Array
    classes: tuple[str, ...] | None
    labels: tuple[str, ...] | None

    @property
    def columns(self) -> list[str]:
        """Names of the columns of `rows`."""
        if self.classes is not None and self.labels is not None:
            return ["label", *(f"p({name})" for name in self.classes)]
        width = int(np.prod(self.values.shape[1:]))
        return ["value"] if width == 1 else [f"value_{i}" for i in range(width)]

    @property
    def rows(self) -> list[list[Any]]:
        """A row for each sample, in the order of the input."""
        probabilities = self.probabilities
        values = self.values if probabilities is None else probabilities
        numbers: list[list[Any]] = values.reshape(len(values), -1).tolist()
        if self.labels is None:
            return numbers
        return [[label, *row] for label, row in zip(self.labels, numbers, strict=True)]

    @property
    def probabilities(self) -> Array | None:
        """Probability of each class, (N, classes), where it tells some apart."""
        if self.classes is None or self.labels is None:
            return None
        if self.values.shape[1:] == (len(self.classes),):
            return self.values
        positive = self.values.reshape(len(self.values), 1)
        return np.concatenate([1 - positive, positive], axis=1)

    @property
    def shortened(self) -> tuple[list[str], list[list[Any]]]:
        """Columns and rows for reading: of the probabilities, that of the likeliest class alone."""
        probabilities = self.probabilities
        if probabilities is None or self.labels is None:
            return self.columns, self.rows
        best = (f"{value:.4f}" for value in probabilities.max(axis=1))
        return ["label", "probability"], [list(row) for row in zip(self.labels, best, strict=True)]

    @property
    def arrays(self) -> dict[str, Array]:
        """All of it, by name."""
        if self.probabilities is None:
            return {"outputs": self.values}
        return {
            "classes": np.array(self.classes),
            "labels": np.array(self.labels),
            "probabilities": self.probabilities,
        }


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a model says of some samples.

    Attributes:
        samples: How many they are.
        answers: What each output says, by its name.
    """

    samples: int
    answers: dict[str, Answer]

    def named(self, parts: Mapping[str, Iterable[str]]) -> list[str]:
        """Names of parts of the answers: those of several outputs begin with the output's.

        Args:
            parts: What the parts of each answer are called, by the output's name.
        """
        if len(self.answers) == 1:
            return [name for names in parts.values() for name in names]
        return [f"{output}/{name}" for output, names in parts.items() for name in names]

    @property
    def columns(self) -> list[str]:
        """Names of the columns of `rows`."""
        columns = {output: answer.columns for output, answer in self.answers.items()}
        return ["sample", *self.named(columns)]

    def rows(self) -> Iterator[list[Any]]:
        """One row for each sample, in the order of the input."""
        answers = (answer.rows for answer in self.answers.values())
        for index, parts in enumerate(zip(*answers, strict=True)):
            yield [index, *chain(*parts)]

    def table(self) -> tuple[list[str], list[list[Any]]]:
        """Columns and rows for reading: of the probabilities, that of the likeliest class alone."""
        short = {output: answer.shortened for output, answer in self.answers.items()}
        columns = self.named({output: columns for output, (columns, _) in short.items()})
        rows = zip(*(rows for _, rows in short.values()), strict=True)
        return ["sample", *columns], [[i, *chain(*parts)] for i, parts in enumerate(rows)]

    def arrays(self) -> dict[str, Array]:
        """All of it, by name."""
        parts = {output: answer.arrays for output, answer in self.answers.items()}
        values = (array for arrays in parts.values() for array in arrays.values())
        return dict(zip(self.named(parts), values, strict=True))

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        answers = {
            output: {name: array.tolist() for name, array in answer.arrays.items()}
            for output, answer in self.answers.items()
        }
        of_all = {"outputs": answers} if len(answers) > 1 else answers.popitem()[1]
        return {"samples": self.samples, **of_all}


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
    answers = {}
    for output, values in model.predict(inputs, threads).items():
        classes = model.classes[output]
        answers[output] = Answer(values, classes, _labels(values, classes))
    return Predictions(len(next(iter(inputs.values()))), answers)


def _labels(values: Array, classes: tuple[str, ...] | None) -> tuple[str, ...] | None:
    if classes is None:
        return None
    if values.shape[1:] == (len(classes),):
        indices = values.argmax(axis=1)
    elif len(classes) == 2 and values.shape[1:] in ((), (1,)):
        indices = (values.reshape(-1) > 0.5).astype(np.int64)
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
    with explaining_io(path), replacing_output(path) as write_at:
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
    arrays: dict[str, Any] = predictions.arrays()
    np.savez(file, **arrays)
    return file.getvalue()


WRITERS = {".csv": _as_csv, ".jsonl": _as_jsonl, ".npz": _as_npz}
"""How predictions are written, by the ending of the file's name."""
