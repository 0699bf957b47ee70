"""Predictions of a model: labels, probabilities and values, as arrays, tables and JSON."""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from itertools import chain
from typing import Any

import numpy as np

from tinynet.errors import UsageError
from tinynet.prediction.output_predictions import OutputPredictions
from tinynet.prediction.raw_inputs import InputFile
from tinynet.types import Array


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
        index: The index of the DataFrame that was predicted; else None.
    """

    samples: int
    outputs: dict[str, OutputPredictions]
    files: tuple[InputFile, ...]
    row_numbers: Array
    kept: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    identity: tuple[str, ...] = ("sample",)
    index: Any = None

    def __len__(self) -> int:
        return self.samples

    def __repr__(self) -> str:
        return f"<Predictions of {self.samples:,} samples: {', '.join(self.columns[:8])}>"

    @property
    def labels(self) -> Any:
        """The most probable classes, (N,) of text; None for an output without classes.

        For a target of several labels, a list of those with a probability above 0.5 for each
        sample. To compare labels with integers or booleans, take `label_values`.
        """
        return self._of_outputs("labels")

    @property
    def label_values(self) -> Any:
        """The labels as int64 or bool, if all classes are written so; else `labels`."""
        return self._of_outputs("label_values")

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
        columns = {output: part.columns for output, part in self._parts_of_rows.items()}
        predicted = self._named(columns)
        return [*self._sources(predicted), *self._token_column, *predicted]

    def rows(self) -> Iterator[list[Any]]:
        """Yield one row for each sample, or for each word that has a label, in order."""
        parts = (part.rows for part in self._parts_of_rows.values())
        for source, *row in zip(self._sources_of_rows(), *parts, strict=True):
            yield [*source, *chain(*row)]

    def table(self) -> tuple[list[str], list[list[Any]]]:
        """Return columns and rows that fit a screen."""
        short = {output: part.shortened for output, part in self._parts_of_rows.items()}
        predicted = self._named({output: names for output, (names, _) in short.items()})
        rows = zip(self._sources_of_rows(), *(rows for _, rows in short.values()), strict=True)
        return [*self._sources(predicted), *self._token_column, *predicted], [
            [*source, *chain(*parts)] for source, *parts in rows
        ]

    def to_pandas(self) -> Any:
        """Return a DataFrame of pandas with `columns` and `rows`.

        It has the index of the DataFrame that was predicted, if any.

        Raises:
            UsageError: if pandas is not installed.
        """
        try:
            pandas = import_module("pandas")
        except ImportError as error:
            raise UsageError("to_pandas() needs pandas: pip install pandas") from error
        index = None if self.index is None else self.index[self.row_numbers[self._samples_of_rows]]
        return pandas.DataFrame([*self.rows()], columns=self.columns, index=index)

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
        """The names of classes, and of values, as arrays by name."""
        parts: dict[str, dict[str, Array]] = {}
        for output, part in self.outputs.items():
            if part.labels is not None and part.classes is not None:
                parts[output] = {"classes": np.array(part.classes)}
            elif part.names is not None:
                parts[output] = {"names": np.array(part.names)}
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
        rows = {} if self._rows_are_consecutive else {"rows": self.row_numbers.tolist()}
        kept = {name: [*map(_plain, column)] for name, column in self.kept.items()}
        of_all = {"outputs": parts} if len(parts) > 1 else parts.popitem()[1]
        of_rows = {**files, **rows, **({"kept": kept} if kept else {})}
        return {"samples": self.samples, **of_rows, **of_all}

    @property
    def _rows_are_consecutive(self) -> bool:
        """True if the samples of each source are its first rows, in order."""
        lengths = [file.samples for file in self.files] or [len(self)]
        return np.array_equal(self.row_numbers, np.concatenate([*map(np.arange, lengths)]))

    def _merged(self, parts: Mapping[str, Mapping[str, Array]]) -> dict[str, Array]:
        arrays = (array for part in parts.values() for array in part.values())
        return dict(zip(self._named(parts), arrays, strict=True))

    def _named(self, parts: Mapping[str, Iterable[str]]) -> list[str]:
        """Return the names of the outputs' parts, with the output's name if there are several."""
        if len(self.outputs) == 1:
            return [name for names in parts.values() for name in names]
        return [f"{output}/{name}" for output, names in parts.items() for name in names]

    # Words ------------------------------------------------------------------------------------

    @property
    def _words(self) -> list[list[str]] | None:
        """The words of each sample, if the labels of all outputs are those of words."""
        words = [part.words for part in self.outputs.values()]
        return words[0] if all(other == words[0] for other in words) else None

    @property
    def _token_column(self) -> list[str]:
        return [] if self._words is None else ["token"]

    @property
    def _parts_of_rows(self) -> dict[str, OutputPredictions]:
        """The outputs with one prediction for each row."""
        if self._words is None:
            return self.outputs
        return {name: part.of_tokens() for name, part in self.outputs.items()}

    @property
    def _samples_of_rows(self) -> list[int]:
        """The sample of each row."""
        words = self._words or [[""]] * len(self)
        return [sample for sample, own in enumerate(words) for _ in own]

    def _sources_of_rows(self) -> Iterator[tuple[Any, ...]]:
        """Yield the cells of each row that describe its source."""
        words = self._words
        if words is None:
            yield from self._source_rows()
            return
        for source, own in zip(self._source_rows(), words, strict=True):
            yield from ((*source, word) for word in own)

    # Samples ----------------------------------------------------------------------------------

    def _file_names(self) -> list[str]:
        return [file.name for file in self.files for _ in range(file.samples)]

    def _sources(self, predicted: Collection[str]) -> list[str]:
        """Return the names of the columns that describe the source of each sample."""
        taken = {*self.identity, *self._token_column, *predicted}
        return [*self.identity, *(f"{n} (input)" if n in taken else n for n in self.kept)]

    def _source_rows(self) -> Iterator[tuple[Any, ...]]:
        """Yield the cells of the columns that describe the source of each sample."""
        cells = {"file": self._file_names, "sample": self.row_numbers.tolist}
        columns = [*(cells[name]() for name in self.identity), *self.kept.values()]
        return zip(*columns, strict=True)


def index_of(x: Any) -> Any:
    """Return the index of a DataFrame or a Series of pandas; None for anything else."""
    return x.index if hasattr(x, "iloc") else None


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
