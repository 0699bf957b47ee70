"""The inputs of a table: rows of features, indices of categories, and text."""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Protocol, Self

import numpy as np

from tinynet.builtin.tables.columns import CodedColumn, Column, NumberColumn
from tinynet.builtin.tables.learned import Learned, split_labels
from tinynet.dataset import TEXT, Field
from tinynet.text.labels import LabelIndex
from tinynet.types import Array

UNKNOWN = "[UNK]"
"""The name of the category with index 0: cells that are missing or not a known category."""


class TableInput(Protocol):
    """One input of a table: its columns, and their encoding by learned values."""

    field: Field

    @property
    def columns(self) -> Sequence[Column]:
        """Its columns."""
        ...

    def encoded(self, learned: Mapping[str, Learned]) -> Self:
        """Return the input, encoded by learned values of its columns."""
        ...

    def gather(self, rows: Array) -> Array:
        """Return the samples at ``rows`` (N,), in an array of the caller's own."""
        ...


class Row:
    """A row of features (F,), float64, in the order of the columns.

    A number is one feature, a date one for each part, a category one for each of its categories
    (1 for that of the cell), and an indicator one that is 1 where the cell is missing.
    """

    field: Field

    def __init__(self, columns: Sequence[Column]) -> None:
        numbers = [column for column in columns if isinstance(column, NumberColumn)]
        self._coded = [column for column in columns if isinstance(column, CodedColumn)]
        rows = len(columns[0].missing)
        self._block = np.empty((rows, sum(len(column.names) for column in numbers)))
        views: dict[str, Column] = {}
        start = 0
        for column in numbers:
            view = self._block[:, start : start + len(column.names)]
            view[:] = column.values
            views[column.name] = replace(column, values=view)
            start += len(column.names)
        self.columns: Sequence[Column] = [views.get(c.name, c) for c in columns]
        self._has_gaps = any(column.missing.any() for column in numbers)
        self._codes = np.empty((rows, len(self._coded)), np.int32)
        start = 0
        for place, coded in enumerate(self._coded):
            self._codes[:, place] = coded.codes + start
            start += len(coded.texts) + 1

    @property
    def plain_values(self) -> Array | None:
        """The features (N, F) if they are numbers that need no encoding; else None."""
        indicator = any(column.options.indicator for column in self.columns)
        return None if self._has_gaps or self._coded or indicator else self._block

    def encoded(self, learned: Mapping[str, Learned]) -> "Row":
        """Return the input, encoded by learned values of its columns."""
        result = copy(self)
        result._lay_out(learned)
        return result

    def _lay_out(self, learned: Mapping[str, Learned]) -> None:
        """Assign a place in the row to every feature."""
        names: list[str] = []
        flags: list[bool] = []
        fills, slots = list[float](), list[int]()
        gap_columns, gap_slots = list[int](), list[int]()
        lookups: list[Array] = []
        self._tables: list[tuple[Array, int, int]] = []  # labels of each text, its slot, its column

        def add(new: Sequence[str], flag: bool) -> int:
            names.extend(new)
            flags.extend([flag] * len(new))
            return len(names) - len(new)

        for column in self.columns:
            values = learned.get(column.name, Learned())
            if isinstance(column, NumberColumn):
                first = add(column.names, False)
                if column.options.indicator:
                    gap_columns.append(len(slots))
                    gap_slots.append(add([f"{column.name}.missing"], True))
                slots += range(first, first + len(column.names))
                fill = np.full(len(column.names), np.nan) if values.fill is None else values.fill
                fills += fill.tolist()
                continue
            first = add([f"{column.name}={label}" for label in values.categories], True)
            lookup = np.full(len(column.texts) + 1, -1)
            if column.options.separator is not None:
                place = len(lookups)
                self._tables.append((label_table(column, values.categories), first, place))
            else:
                index = LabelIndex(values.categories)
                places = np.array([index.get(text, -1) for text in column.texts], np.int64)
                lookup[:-1] = np.where(places < 0, -1, first + places)
                if values.default is not None:
                    lookup[-1] = first + values.categories.index(values.default)
            lookups.append(lookup)
            if column.options.indicator:
                self._tables.append(
                    (_gap_table(column), add([f"{column.name}.missing"], True), len(lookups) - 1)
                )
        self._width = len(names)
        self._slots, self._fills = np.array(slots, np.intp), np.array(fills)
        self._gaps = np.array(gap_columns, np.intp), np.array(gap_slots, np.intp)
        self._lookup = np.concatenate(lookups) if lookups else np.empty(0, np.int64)
        self._starts = np.cumsum([0, *map(len, lookups)])
        self._plain = self.plain_values is not None
        self.field = Field(
            (len(names),),
            "float64",
            names=tuple(names),
            indicators=tuple(flags) if any(flags) else None,
        )

    def gather(self, rows: Array) -> Array:
        """Return the samples at ``rows``, (N, F)."""
        numbers = self._block[rows]
        if self._plain:
            return numbers
        samples, width = len(numbers), self._width
        flat = np.zeros(samples * width + 1)  # the last one takes what belongs nowhere
        table = flat[:-1].reshape(samples, width)
        if numbers.size:
            gaps = np.isnan(numbers)
            table[:, self._slots] = np.where(gaps, self._fills, numbers)
            columns, slots = self._gaps
            if len(slots):
                table[:, slots] = gaps[:, columns]
        if self._coded:
            codes = self._codes[rows]
            places = self._lookup[codes]
            starts = np.arange(0, samples * width, width)[:, np.newaxis]
            flat[np.where(places < 0, samples * width, places + starts)] = 1
            for labels, slot, column in self._tables:
                own = codes[:, column] - self._starts[column]
                table[:, slot : slot + labels.shape[1]] = labels[own]
        return table


class Index:
    """One column of categories as an index (), int64; 0 is the unknown category."""

    field: Field
    _lookup: Array

    def __init__(self, column: CodedColumn) -> None:
        self._column = column
        self.columns: Sequence[Column] = [column]

    def encoded(self, learned: Mapping[str, Learned]) -> "Index":
        """Return the input, encoded by learned values of its column."""
        result = copy(self)
        column, values = self._column, learned[self._column.name]
        index = LabelIndex(values.categories)
        lookup = [index.get(text, -1) + 1 for text in column.texts]
        missing = 0 if values.default is None else values.categories.index(values.default) + 1
        result._lookup = np.array([*lookup, missing], np.int64)
        result.field = Field((), "int64", classes=(UNKNOWN, *values.categories))
        return result

    def gather(self, rows: Array) -> Array:
        """Return the samples at ``rows``, (N,)."""
        indices: Array = self._lookup[self._column.codes[rows]]
        return indices


class Text:
    """One column of text (), as `str`; a missing text is empty."""

    def __init__(self, column: CodedColumn) -> None:
        self._codes = column.codes
        self.columns: Sequence[Column] = [column]
        missing = str(column.options.fill) if column.options.missing == "constant" else ""
        self._texts = np.array([*column.texts, missing], object)
        self.field = Field((), TEXT)

    def encoded(self, learned: Mapping[str, Learned]) -> "Text":
        """Return the input itself: text is not encoded."""
        return self

    def gather(self, rows: Array) -> Array:
        """Return the samples at ``rows``, (N,)."""
        texts: Array = self._texts[self._codes[rows]]
        return texts


def make_input(columns: Column | Sequence[Column]) -> TableInput:
    """Return the input of some columns, or of one in its own form.

    One column alone is an index or a text if it holds categories or text, and a row otherwise.
    """
    if isinstance(columns, NumberColumn):
        return Row([columns])
    if not isinstance(columns, CodedColumn):
        return Row(columns)
    if columns.options.kind == "text":
        return Text(columns)
    return Row([columns]) if columns.options.separator is not None else Index(columns)


def label_table(column: CodedColumn, categories: Sequence[str]) -> Array:
    """Return the labels of each text of a column, and of a missing cell: (texts + 1, labels)."""
    index = LabelIndex(categories)
    table = np.zeros((len(column.texts) + 1, len(categories)), np.uint8)
    separator = column.options.separator
    assert separator is not None
    for row, text in enumerate(column.texts):
        for label in split_labels(text, separator):
            if (position := index.get(label, -1)) >= 0:
                table[row, position] = 1
    return table


def _gap_table(column: CodedColumn) -> Array:
    """Return 1 for a missing cell, 0 for each text of a column: (texts + 1, 1)."""
    table = np.zeros((len(column.texts) + 1, 1), np.uint8)
    table[-1] = 1
    return table
