"""The cells of a table before any interpretation, from whatever source."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Self, TypeAlias

import numpy as np

from tinynet.files.number_cells import NumberFormat
from tinynet.types import Array

ChooseColumns: TypeAlias = Callable[[Sequence[str]], Sequence[str]]
"""A function from the names of all columns to those that are read; it may raise DataError."""


class ChosenColumns(tuple[str, ...]):
    """Names of columns to read, some of which may be read as numbers.

    Attributes:
        numbers: The columns whose text does not matter if all cells are finite numbers.
    """

    numbers: frozenset[str]

    def __new__(cls, names: Iterable[str], numbers: Iterable[str]) -> Self:
        """Return the names, with `numbers` as an attribute."""
        self = super().__new__(cls, names)
        self.numbers = frozenset(numbers)
        return self


@dataclass(frozen=True)
class RawTable:
    """The cells of a table, before any interpretation.

    A column of a text file is an array of NumPy's ``StringDType`` (N,): its items are `str`,
    without white space around them; `parse_numbers` converts them. It is float64 instead where
    `ChosenColumns` allows it and all cells are finite numbers. A column of a typed
    source is an array (N,) of float64 (NaN is missing), int64, bool, datetime64[us] (NaT is
    missing), or object (`str`; None is missing).

    Attributes:
        place: File, pattern, or ``the DataFrame``, for messages.
        columns: The columns that were read, by name, in the order of the source. Without a header,
            names are positions: ``"0"``, ``"1"``.
        rows: Number of rows.
        header: Names of all columns, also of those that were not read.
        lines: Line of each row in its text file; None if rows are counted from 0.
        files: Each file with the number of its first row; empty if ``place`` is the only one.
        typed: True if the source has types of its own.
        numbers: The form of numbers in a text file.
        underscores: False if no cell contains one.
        start: Number of the first row in its file or object, for a part of a table.
        zones: The time zone of columns of times that have one; the times are in UTC.
    """

    place: str
    columns: Mapping[str, Array]
    rows: int
    header: tuple[str, ...]
    lines: Sequence[int] | None = None
    files: Sequence[tuple[str, int]] = ()
    typed: bool = False
    numbers: NumberFormat = field(default_factory=NumberFormat)
    underscores: bool = True
    start: int = 0
    zones: Mapping[str, tzinfo] = field(default_factory=dict)

    def __len__(self) -> int:
        return self.rows

    def parse_numbers(self, name: str) -> tuple[Array, Array]:
        """Convert a column of text.

        Returns:
            The numbers, (N,), float64: NaN for a cell that is not a number, and for the text
            ``nan``; and True for each cell that is not a number, (N,).
        """
        cells = self.columns[name]
        if cells.dtype.kind == "f":
            return cells, np.zeros(len(cells), bool)
        return self.numbers.parse(cells, underscores=self.underscores)

    def where(self, row: int) -> str:
        """Return the place of a row: ``a.csv, line 7``, ``the DataFrame, row 3 (...)``."""
        place, first = self.place, 0
        if self.files:
            starts = [start for _, start in self.files]
            place, first = self.files[bisect_right(starts, row) - 1]
        if self.lines is not None:
            return f"{place}, line {self.lines[row]}"
        return f"{place}, row {self.start + row - first} (counted from 0)"
