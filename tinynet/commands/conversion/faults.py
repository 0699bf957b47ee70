"""Cells that cannot be converted, collected over the whole table for one message."""

from dataclasses import dataclass, field

import numpy as np

from tinynet.builtin.tables.raw_table import RawTable
from tinynet.errors import DataError
from tinynet.files.csv_rows import quote_cell
from tinynet.types import Array

MAX_COLUMNS = 20
"""Columns that a message describes."""


@dataclass
class _Fault:
    """The number of faulty cells of one column, and the first of them."""

    count: int
    text: str
    place: str


@dataclass
class FaultyColumns:
    """The columns with cells that are not finite numbers."""

    columns: dict[str, _Fault] = field(default_factory=dict)

    def add(self, table: RawTable, name: str, faulty: Array) -> None:
        """Record the faulty cells (N,) of a column in a part of the table."""
        count = int(np.count_nonzero(faulty))
        if not count:
            return
        if name in self.columns:
            self.columns[name].count += count
            return
        row = int(np.argmax(faulty))
        cell = table.columns[name][row]
        text = "" if cell is None or cell != cell else str(cell)
        self.columns[name] = _Fault(count, quote_cell(text), table.where(row))

    def require_none(self, path: str, kept: list[str]) -> None:
        """Raise a `DataError` that lists all columns; ``kept`` has those without a fault."""
        if not self.columns:
            return
        lines = [
            f"column {name!r}: {fault.count:,} cell{'s' if fault.count > 1 else ''}, the first is"
            f" {fault.text} ({fault.place})"
            for name, fault in self.columns.items()
        ]
        if (rest := len(lines) - MAX_COLUMNS) > 0:
            lines = [*lines[:MAX_COLUMNS], f"and {rest:,} more columns"]
        remedy = "convert to a .parquet file, which holds any column"
        if kept:
            remedy = f"convert the other columns: --columns {','.join(kept)}; or {remedy}"
        raise DataError(
            "\n  ".join([f"{path}: .npy files hold finite numbers alone:", *lines, remedy])
        )
