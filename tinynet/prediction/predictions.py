"""Predictions of a model: labels, probabilities and values, as arrays, tables and JSON."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from tinynet.errors import DataError, explaining_io
from tinynet.files.atomic import replacing_output
from tinynet.prediction.inputs import InputFile
from tinynet.types import Array

MAX_SHOWN_VALUES = 8
"""Values, or labels, of a sample that a table for reading shows."""


@dataclass(frozen=True, eq=False)
class OutputPredictions:
    """Predictions of one output.

    Attributes:
        values: The network's output in the units of the data, (N, *out_shape): probabilities for
            a classifier.
        classes: The names of the classes, if the output distinguishes classes.
        labels: The most probable class of each sample, (N,), or of each position of each sample,
            (N, T) or (N, H, W); None without classes.
        probabilities: The probability of each class, (*labels.shape, classes); None unless the
            loss predicts probabilities.
    """

    values: Array
    classes: tuple[str, ...] | None = None
    labels: Array | None = None
    probabilities: Array | None = None

    @property
    def scores(self) -> Array:
        """The probabilities, or the values if there are none."""
        return self.values if self.probabilities is None else self.probabilities

    @property
    def has_positions(self) -> bool:
        """True if each sample has several labels, one per position."""
        return self.labels is not None and self.labels.ndim > 1

    @property
    def columns(self) -> list[str]:
        """Names of the columns of `rows`."""
        if self.labels is None or self.classes is None:
            return _numbered("value", self.values.shape[1:])
        if self.has_positions:
            return _numbered("label", self.labels.shape[1:])
        if self.probabilities is not None:
            return ["label", *(f"p({name})" for name in self.classes)]
        return ["label", *(f"value({name})" for name in self.classes)]

    @property
    def rows(self) -> list[list[Any]]:
        """One row per sample; if a sample has several labels, the labels alone."""
        samples = len(self.values)
        numbers: list[list[Any]] = self.scores.reshape(samples, -1).tolist()
        if self.labels is None:
            return numbers
        labels: list[list[Any]] = self.labels.reshape(samples, -1).tolist()
        if self.has_positions:
            return labels
        return [label + row for label, row in zip(labels, numbers, strict=True)]

    @property
    def shortened(self) -> tuple[list[str], list[list[Any]]]:
        """Columns and rows that fit a screen."""
        if self.labels is None or self.has_positions:
            columns, rows = self.columns, self.rows
            if len(columns) <= MAX_SHOWN_VALUES:
                return columns, rows
            shown = columns[:MAX_SHOWN_VALUES]
            rest = f"{len(columns) - MAX_SHOWN_VALUES:,} more"
            return [*shown, "..."], [[*row[:MAX_SHOWN_VALUES], rest] for row in rows]
        best = (f"{value:.4f}" for value in self.scores.max(axis=-1))
        name = "value" if self.probabilities is None else "probability"
        return ["label", name], [list(row) for row in zip(self.labels.tolist(), best, strict=True)]

    @property
    def arrays(self) -> dict[str, Array]:
        """All predictions as arrays by name."""
        if self.labels is None or self.classes is None:
            return {"outputs": self.values}
        named = {"classes": np.array(self.classes), "labels": self.labels}
        if self.probabilities is None:
            return {**named, "outputs": self.values}
        return {**named, "probabilities": self.probabilities}

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield a dict of plain data for each sample."""
        if self.labels is not None and self.has_positions:
            name = "outputs" if self.probabilities is None else "probabilities"
            for label, number in zip(self.labels.tolist(), self.scores.tolist(), strict=True):
                yield {"labels": label, name: number}
        else:
            columns = self.columns
            yield from (dict(zip(columns, row, strict=True)) for row in self.rows)


@dataclass(frozen=True, eq=False, repr=False)
class Predictions:
    """Predictions of a model.

    `labels`, `probabilities`, `values` and `classes` are those of the only output, or dicts of
    them by the output's name; see `OutputPredictions`.

    Attributes:
        samples: The number of samples.
        outputs: The predictions of each output, by its name.
        files: The files of the samples; empty for arrays in memory.
    """

    samples: int
    outputs: dict[str, OutputPredictions]
    files: tuple[InputFile, ...] = ()

    def __len__(self) -> int:
        return self.samples

    def __repr__(self) -> str:
        return f"<Predictions of {self.samples:,} samples: {', '.join(self.columns[:8])}>"

    @property
    def labels(self) -> Any:
        """The most probable classes, (N,) of text; None for an output without classes."""
        return self._of_outputs("labels")

    @property
    def probabilities(self) -> Any:
        """The probability of each class, (N, classes); None unless the loss predicts them."""
        return self._of_outputs("probabilities")

    @property
    def values(self) -> Any:
        """The network's output in the units of the data, (N, *out_shape)."""
        return self._of_outputs("values")

    @property
    def classes(self) -> Any:
        """The names of the classes; None for an output without classes."""
        return self._of_outputs("classes")

    def _of_outputs(self, attribute: str) -> Any:
        parts = {name: getattr(part, attribute) for name, part in self.outputs.items()}
        return parts if len(parts) > 1 else next(iter(parts.values()))

    # Tables -----------------------------------------------------------------------------------

    @property
    def columns(self) -> list[str]:
        """Names of the columns of `rows`."""
        columns = {output: part.columns for output, part in self.outputs.items()}
        return [*self._identities()[0], *self._named(columns)]

    def rows(self) -> Iterator[list[Any]]:
        """Yield one row for each sample, in the order of the input."""
        parts = (part.rows for part in self.outputs.values())
        for identity, *row in zip(self._identities()[1], *parts, strict=True):
            yield [*identity, *chain(*row)]

    def table(self) -> tuple[list[str], list[list[Any]]]:
        """Return columns and rows that fit a screen."""
        short = {output: part.shortened for output, part in self.outputs.items()}
        columns, identities = self._identities()
        columns += self._named({output: names for output, (names, _) in short.items()})
        rows = zip(identities, *(rows for _, rows in short.values()), strict=True)
        return columns, [[*identity, *chain(*parts)] for identity, *parts in rows]

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield a dict of plain data for each sample."""
        columns, identities = self._identities()
        parts = (part.records() for part in self.outputs.values())
        for identity, *records in zip(identities, *parts, strict=True):
            merged = dict(zip(columns, identity, strict=True))
            for output, record in zip(self.outputs, records, strict=True):
                names = self._named({output: record})
                merged |= dict(zip(names, record.values(), strict=True))
            yield merged

    def arrays(self) -> dict[str, Array]:
        """All predictions as arrays by name."""
        parts = {output: part.arrays for output, part in self.outputs.items()}
        values = (array for arrays in parts.values() for array in arrays.values())
        files = {"files": np.array(self._file_names())} if self._names_files else {}
        return {**files, **dict(zip(self._named(parts), values, strict=True))}

    def to_json(self) -> dict[str, Any]:
        """Return all predictions as plain data."""
        parts = {
            output: {name: array.tolist() for name, array in part.arrays.items()}
            for output, part in self.outputs.items()
        }
        files = {"files": self._file_names()} if self._names_files else {}
        of_all = {"outputs": parts} if len(parts) > 1 else parts.popitem()[1]
        return {"samples": self.samples, **files, **of_all}

    def _named(self, parts: Mapping[str, Iterable[str]]) -> list[str]:
        """Return the names of the outputs' parts, with the output's name if there are several."""
        if len(self.outputs) == 1:
            return [name for names in parts.values() for name in names]
        return [f"{output}/{name}" for output, names in parts.items() for name in names]

    # Samples ----------------------------------------------------------------------------------

    @property
    def _names_files(self) -> bool:
        """True if samples are identified by their files: images, and samples of several files."""
        return len(self.files) > 1 or any(file.is_image for file in self.files)

    def _file_names(self) -> list[str]:
        return [file.name for file in self.files for _ in range(file.samples)]

    def _identities(self) -> tuple[list[str], list[list[Any]]]:
        """Return the columns that identify a sample (file, number), and their values."""
        if not self._names_files:
            return ["sample"], [[sample] for sample in range(self.samples)]
        if all(file.is_image for file in self.files):
            return ["file"], [[file.name] for file in self.files]
        numbered = [[file.name, i] for file in self.files for i in range(file.samples)]
        return ["file", "sample"], numbered


def _numbered(name: str, shape: tuple[int, ...]) -> list[str]:
    """Name the columns of an array's elements: ``value``, ``value_0``, or ``label_0_3``."""
    if np.prod(shape, dtype=int) == 1:
        return [name]
    return [f"{name}_{'_'.join(map(str, position))}" for position in np.ndindex(shape)]


# Files ----------------------------------------------------------------------------------------


def write_predictions(predictions: Predictions, path: Path) -> None:
    """Write predictions to a .csv, .jsonl or .npz file, by its name's ending.

    Raises:
        DataError: for another ending.
        CheckpointIOError: if the file cannot be written; an existing file is then unchanged.
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
    # Names of files may be invalid Unicode.
    return text.getvalue().encode(errors="backslashreplace")


def _as_jsonl(predictions: Predictions) -> bytes:
    lines = (json.dumps(record, allow_nan=False) for record in predictions.records())
    return "".join(line + "\n" for line in lines).encode()


def _as_npz(predictions: Predictions) -> bytes:
    file = io.BytesIO()
    arrays: dict[str, Any] = predictions.arrays()
    np.savez(file, **arrays)
    return file.getvalue()


WRITERS = {".csv": _as_csv, ".jsonl": _as_jsonl, ".npz": _as_npz}
"""The encoder by the ending of the file's name."""
