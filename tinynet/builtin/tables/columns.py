"""Columns in the compact form that samples are encoded from."""

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from tinynet.builtin.tables.cells import SourceColumn
from tinynet.builtin.tables.config import ColumnConfig
from tinynet.builtin.tables.dates import MISSING, default_parts, features_of, parse_date
from tinynet.builtin.tables.faults import Faults
from tinynet.types import Array


@dataclass(frozen=True)
class NumberColumn:
    """A column of numbers, or the parts of a column of dates.

    Attributes:
        name: Name of the column.
        options: Its options, with the kind.
        values: (N, parts), float64; NaN where the cell is missing.
        names: Names of the features, one for each part.
    """

    name: str
    options: ColumnConfig
    values: Array
    names: tuple[str, ...]

    @property
    def missing(self) -> Array:
        """True for each missing cell, (N,)."""
        return np.isnan(self.values[:, 0])

    @property
    def distinct(self) -> int:
        """The number of different values."""
        values = self.values[~self.missing]
        return len(np.unique(values[:, 0] if len(self.names) == 1 else values, axis=0))

    def take(self, rows: Array) -> "NumberColumn":
        """Return the column with some of its rows."""
        return replace(self, values=self.values[rows])


@dataclass(frozen=True)
class CodedColumn:
    """A column of categories or text.

    Attributes:
        name: Name of the column.
        options: Its options, with the kind.
        texts: The different cells that are not missing.
        codes: Index of each cell in ``texts``, (N,), int32; ``len(texts)`` where it is missing.
    """

    name: str
    options: ColumnConfig
    texts: tuple[str, ...]
    codes: Array

    @property
    def names(self) -> tuple[str, ...]:
        """The name of the column."""
        return (self.name,)

    @property
    def missing(self) -> Array:
        """True for each missing cell, (N,)."""
        missing: Array = self.codes == len(self.texts)
        return missing

    @property
    def distinct(self) -> int:
        """The number of different values."""
        return len(np.unique(self.codes[~self.missing]))

    def take(self, rows: Array) -> "CodedColumn":
        """Return the column with some of its rows."""
        return replace(self, codes=self.codes[rows])


Column: TypeAlias = NumberColumn | CodedColumn


def parse_column(source: SourceColumn, options: ColumnConfig, faults: Faults) -> Column:
    """Return a column in the form of its kind, and record the cells that do not fit it.

    Missing cells are recorded only if the options do not handle them.
    """
    column = _parsed(source, options, faults)
    assert options.kind is not None
    if options.strategy(options.kind) == "error":
        as_text = source.is_coded or (options.kind == "date" and source.dates is None)
        unparsed = isinstance(column, NumberColumn) and as_text  # faulty cells are NaN as well
        missing = source.where(source.is_missing) if unparsed else column.missing
        faults.add(source, "missing", missing)
    return column


def _parsed(source: SourceColumn, options: ColumnConfig, faults: Faults) -> Column:
    if options.kind == "number":
        values = _numbers(source, faults)
        return NumberColumn(source.name, options, values[:, np.newaxis], (source.name,))
    if options.kind == "date":
        return _dates(source, options, faults)
    texts, codes = source.coded
    missing = [source.is_missing(text) and text not in (options.categories or ()) for text in texts]
    index = np.cumsum(~np.array(missing, bool), dtype=np.int32) - 1
    kept = tuple(text for text, absent in zip(texts, missing, strict=True) if not absent)
    index[missing] = len(kept)
    return CodedColumn(source.name, options, kept, index[codes])


def _numbers(source: SourceColumn, faults: Faults) -> Array:
    """Return the numbers of a column (N,); NaN for missing and for faulty cells."""
    values = source.numbers
    if values is None:
        texts, codes = source.coded
        missing = np.array(list(map(source.is_missing, texts)), bool)
        numbers = [source.format.parse_one(text) for text in texts]
        is_text = np.array([number is None for number in numbers], bool) & ~missing
        faults.add(source, "text", is_text[codes])
        table = np.array([np.nan if number is None else number for number in numbers], np.float64)
        faults.add(source, "infinite", (~np.isfinite(table) & ~missing & ~is_text)[codes])
        table[missing] = np.nan
        return table[codes]
    faults.add(source, "infinite", np.isinf(values))
    return values


def date_numbers(source: SourceColumn, options: ColumnConfig) -> Array:
    """Return the dates of a column in microseconds since 1970, (N,); `MISSING` for other cells."""
    if source.dates is not None:
        return source.dates
    texts, codes = source.coded
    dates = [parse_date(text, options.format) for text in texts]
    return np.array([MISSING if date is None else date for date in dates], np.int64)[codes]


def _dates(source: SourceColumn, options: ColumnConfig, faults: Faults) -> NumberColumn:
    dates = date_numbers(source, options)
    if source.dates is None:
        wrong = (dates == MISSING) & ~source.where(source.is_missing)
        faults.add(source, "not_a_date", wrong)
    parts = options.parts or default_parts(dates)
    names = tuple(f"{source.name}.{part}" for part in parts)
    options = options.model_copy(update={"parts": parts})
    return NumberColumn(source.name, options, features_of(dates, parts), names)
