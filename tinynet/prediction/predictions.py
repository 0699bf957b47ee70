"""Predictions of a model: labels, probabilities and values, as arrays, tables and JSON."""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from itertools import chain
from typing import Any

import numpy as np

from tinynet.errors import UsageError
from tinynet.prediction.raw_inputs import InputFile
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
        lengths: The number of positions of each sample that count, (N,); those after them are
            padding. None if all count.
    """

    values: Array
    classes: tuple[str, ...] | None = None
    labels: Array | None = None
    probabilities: Array | None = None
    lengths: Array | None = None

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
            width = self.labels[0].size
            return [row + [""] * (width - len(row)) for row in self._counted(labels)]
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

    def _counted(self, rows: list[list[Any]]) -> list[list[Any]]:
        """Return lists of the positions of each sample without those that are padding."""
        if self.lengths is None:
            return rows
        return [row[:length] for row, length in zip(rows, self.lengths.tolist(), strict=True)]

    @property
    def arrays(self) -> dict[str, Array]:
        """The predictions of each sample as arrays by name, (N, ...) each."""
        if self.labels is None or self.classes is None:
            return {"outputs": self.values}
        named = {"labels": self.labels}
        if self.lengths is not None:
            named["lengths"] = self.lengths
        if self.probabilities is None:
            return {**named, "outputs": self.values}
        return {**named, "probabilities": self.probabilities}

    def to_json(self) -> dict[str, Any]:
        """Return all predictions as plain data, without padding."""
        classes = {} if self.labels is None or self.classes is None else {"classes": self.classes}
        lists = {name: array.tolist() for name, array in self.arrays.items() if name != "lengths"}
        if self.lengths is not None:
            lists = {name: self._counted(rows) for name, rows in lists.items()}
        return {**{name: list(names) for name, names in classes.items()}, **lists}

    @property
    def record_names(self) -> list[str]:
        """The keys of `records`."""
        if not self.has_positions:
            return self.columns
        return [name for name in self.arrays if name != "lengths"]

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield a dict of plain data for each sample."""
        if self.has_positions:
            parts, names = self.to_json(), self.record_names
            for values in zip(*(parts[name] for name in names), strict=True):
                yield dict(zip(names, values, strict=True))
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
        files: The files of the samples; empty for objects in memory.
        row_numbers: Number of each sample in its file or object, counted from 0, (N,); samples
            that a strategy for missing values drops are left out.
        kept: The columns of the source that were asked for, by name.
        identity: The columns that identify a sample: ``file`` or ``sample``, or both.
    """

    samples: int
    outputs: dict[str, OutputPredictions]
    files: tuple[InputFile, ...]
    row_numbers: Array
    kept: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    identity: tuple[str, ...] = ("sample",)

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
        predicted = self._named(columns)
        return [*self._sources(predicted), *predicted]

    def rows(self) -> Iterator[list[Any]]:
        """Yield one row for each sample, in the order of the input."""
        parts = (part.rows for part in self.outputs.values())
        for source, *row in zip(self._source_rows(), *parts, strict=True):
            yield [*source, *chain(*row)]

    def table(self) -> tuple[list[str], list[list[Any]]]:
        """Return columns and rows that fit a screen."""
        short = {output: part.shortened for output, part in self.outputs.items()}
        predicted = self._named({output: names for output, (names, _) in short.items()})
        rows = zip(self._source_rows(), *(rows for _, rows in short.values()), strict=True)
        return [*self._sources(predicted), *predicted], [
            [*source, *chain(*parts)] for source, *parts in rows
        ]

    def to_pandas(self) -> Any:
        """Return a DataFrame of pandas with `columns` and `rows`.

        Raises:
            UsageError: if pandas is not installed.
        """
        try:
            pandas = import_module("pandas")
        except ImportError as error:
            raise UsageError("to_pandas() needs pandas: pip install pandas") from error
        return pandas.DataFrame([*self.rows()], columns=self.columns)

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield a dict of plain data for each sample."""
        parts = (part.records() for part in self.outputs.values())
        columns = self._sources(self._named({n: p.record_names for n, p in self.outputs.items()}))
        for source, *records in zip(self._source_rows(), *parts, strict=True):
            merged = dict(zip(columns, map(_plain, source), strict=True))
            for output, record in zip(self.outputs, records, strict=True):
                names = self._named({output: record})
                merged |= dict(zip(names, record.values(), strict=True))
            yield merged

    def arrays(self) -> dict[str, Array]:
        """All predictions as arrays by name."""
        return {**self.classes_by_name(), **self.sample_arrays()}

    def classes_by_name(self) -> dict[str, Array]:
        """The names of classes as arrays by name."""
        parts = {
            output: {"classes": np.array(part.classes)}
            for output, part in self.outputs.items()
            if part.labels is not None and part.classes is not None
        }
        return self._merged(parts)

    def sample_arrays(self) -> dict[str, Array]:
        """The predictions of each sample as arrays by name, (N, ...) each."""
        files = {"files": np.array(self._file_names())} if "file" in self.identity else {}
        predicted = self._merged({name: part.arrays for name, part in self.outputs.items()})
        kept = {f"kept/{name}": _as_array(column) for name, column in self.kept.items()}
        return {**files, "rows": self.row_numbers, **kept, **predicted}

    def to_json(self) -> dict[str, Any]:
        """Return all predictions as plain data."""
        parts = {output: part.to_json() for output, part in self.outputs.items()}
        files = {"files": self._file_names()} if "file" in self.identity else {}
        rows = {"rows": self.row_numbers.tolist()} if self._dropped else {}
        kept = {name: [*map(_plain, column)] for name, column in self.kept.items()}
        of_all = {"outputs": parts} if len(parts) > 1 else parts.popitem()[1]
        of_rows = {**files, **rows, **({"kept": kept} if kept else {})}
        return {"samples": self.samples, **of_rows, **of_all}

    @property
    def _dropped(self) -> bool:
        """True if some rows of the only source have no prediction."""
        return self.identity == ("sample",) and len(self) <= int(self.row_numbers[-1])

    def _merged(self, parts: Mapping[str, Mapping[str, Array]]) -> dict[str, Array]:
        arrays = (array for part in parts.values() for array in part.values())
        return dict(zip(self._named(parts), arrays, strict=True))

    def _named(self, parts: Mapping[str, Iterable[str]]) -> list[str]:
        """Return the names of the outputs' parts, with the output's name if there are several."""
        if len(self.outputs) == 1:
            return [name for names in parts.values() for name in names]
        return [f"{output}/{name}" for output, names in parts.items() for name in names]

    # Samples ----------------------------------------------------------------------------------

    def _file_names(self) -> list[str]:
        return [file.name for file in self.files for _ in range(file.samples)]

    def _sources(self, predicted: Collection[str]) -> list[str]:
        """Return the names of the columns that describe the source of each sample."""
        taken = {*self.identity, *predicted}
        return [*self.identity, *(f"{n} (input)" if n in taken else n for n in self.kept)]

    def _source_rows(self) -> Iterator[tuple[Any, ...]]:
        """Yield the cells of the columns that describe the source of each sample."""
        cells = {"file": self._file_names, "sample": self.row_numbers.tolist}
        columns = [*(cells[name]() for name in self.identity), *self.kept.values()]
        return zip(*columns, strict=True)


def _plain(cell: Any) -> Any:
    """Return a cell of a source as plain data."""
    if hasattr(cell, "item"):
        cell = cell.item()
    if isinstance(cell, float) and not math.isfinite(cell):
        return None
    return cell if cell is None or isinstance(cell, str | bool | int | float) else str(cell)


def _as_array(column: Sequence[Any]) -> Array:
    """Return a column of a source as an array of numbers or text."""
    array = np.asarray(column)
    if array.dtype.kind in "biufU":
        return array
    return np.array(["" if _plain(cell) is None else str(cell) for cell in column])


def _numbered(name: str, shape: tuple[int, ...]) -> list[str]:
    """Name the columns of an array's elements: ``value``, ``value_0``, or ``label_0_3``."""
    if np.prod(shape, dtype=int) == 1:
        return [name]
    return [f"{name}_{'_'.join(map(str, position))}" for position in np.ndindex(shape)]
