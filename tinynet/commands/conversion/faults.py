"""Cells that cannot be converted, collected over the whole table for one message."""

import shlex
from collections.abc import Sequence
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
    """The number of faulty cells of one column, how many of them are missing, and the first."""

    text: str
    place: str
    count: int = 0
    missing: int = 0


@dataclass
class FaultyColumns:
    """The columns with cells that are not finite numbers."""

    columns: dict[str, _Fault] = field(default_factory=dict)

    def add(self, table: RawTable, name: str, faulty: Array, missing: Array | None = None) -> None:
        """Record the faulty cells (N,) of a column in a part of the table."""
        count = int(np.count_nonzero(faulty))
        if not count:
            return
        if name not in self.columns:
            row = int(np.argmax(faulty))
            cell = table.columns[name][row]
            text = "" if cell is None or cell != cell else str(cell)
            self.columns[name] = _Fault(quote_cell(text), table.where(row))
        fault = self.columns[name]
        fault.count += count
        if missing is not None:
            fault.missing += int(np.count_nonzero(faulty & missing))

    def require_none(self, path: str, features: Sequence[str], target: str | None) -> None:
        """Raise a `DataError` that lists all columns, with the options that solve each problem."""
        if not self.columns:
            return
        lines = [
            f"column {name!r}: {fault.count:,} cell{'s' if fault.count > 1 else ''}, the first is"
            f" {fault.text} ({fault.place})"
            for name, fault in self.columns.items()
        ]
        if (rest := len(lines) - MAX_COLUMNS) > 0:
            lines = [*lines[:MAX_COLUMNS], f"and {rest:,} more columns"]
        remedy = "; ".join(self._remedies(features, target))
        head = f"{path}: .npy files hold finite numbers alone:"
        raise DataError("\n  ".join([head, *lines, remedy]))

    def _remedies(self, features: Sequence[str], target: str | None) -> list[str]:
        faulty = {name: fault for name, fault in self.columns.items() if name != target}
        text = [name for name, fault in faulty.items() if fault.missing < fault.count]
        kept = [name for name in features if name not in self.columns]
        remedies = []
        if any(fault.missing for fault in faulty.values()):
            remedies.append("to replace missing numbers: --fill 0")
        if text:
            remedies.append(f"if they are categories: --one-hot {_list(text)}")
        if faulty and kept:
            remedies.append(f"to leave columns out: --columns {_list(kept)}")
        if target in self.columns:
            remedies.append(f"correct the target {target!r}, or remove its rows")
        return [*remedies, "a .parquet file holds any column"]


def _list(names: Sequence[str]) -> str:
    return shlex.quote(",".join(names))
