"""Cells of a table that cannot be used, collected over the whole file for one message."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np

from tinynet.builtin.tables.cells import SourceColumn
from tinynet.builtin.tables.raw_table import RawTable
from tinynet.files.csv_rows import quote_cell
from tinynet.types import Array

MAX_COLUMNS = 20
"""Columns that a message describes."""

MAX_LINES = 3
"""Lines that a message names for one kind of fault in one column."""

MAX_EXAMPLES = 2
"""Different cells that it quotes there."""

_EXAMINED = 1_000
"""Faulty cells that are searched for different examples."""

FaultKind: TypeAlias = Literal["missing", "text", "infinite", "not_a_date"]

_PHRASES: dict[FaultKind, tuple[str, str]] = {
    "text": ("holds text", "holds text"),
    "missing": ("has a missing cell", "has {count:,} missing cells"),
    "infinite": ("has a number that is not finite", "has {count:,} numbers that are not finite"),
    "not_a_date": ("has a cell that is not a date", "has {count:,} cells that are not dates"),
}
"""The names of one faulty cell and of several."""


@dataclass(frozen=True)
class Fault:
    """The faulty cells of one kind in one column: their number, first rows and first texts."""

    count: int
    rows: tuple[int, ...]
    examples: tuple[str, ...]

    def describe(self, kind: FaultKind, table: RawTable) -> str:
        """Return the fault with its first cells and places."""
        one, several = _PHRASES[kind]
        phrase = one if self.count == 1 else several.format(count=self.count)
        places = _places(self.rows, self.count, table)
        return f"{phrase} ({', '.join(map(quote_cell, self.examples))}; {places})"


@dataclass
class Faults:
    """The faulty cells of a table, by the name of the column and the kind of fault."""

    table: RawTable
    columns: dict[str, dict[FaultKind, Fault]] = field(default_factory=dict)
    _found: list[tuple[SourceColumn, FaultKind, Array]] = field(default_factory=list)

    def add(self, source: SourceColumn, kind: FaultKind, faulty: Array) -> None:
        """Note the cells of a column where ``faulty`` (N,) is True."""
        if faulty.any():
            self._found.append((source, kind, faulty))

    def settle(self, dropped: Array) -> None:
        """Record the noted cells, but for those in rows that are dropped, (N,)."""
        for source, kind, faulty in self._found:
            rows = np.flatnonzero(faulty & ~dropped)
            if not len(rows):
                continue
            examples = dict.fromkeys(source.text(row) for row in rows[:_EXAMINED].tolist())
            self.columns.setdefault(source.name, {})[kind] = Fault(
                len(rows), tuple(rows[:MAX_LINES].tolist()), tuple(examples)[:MAX_EXAMPLES]
            )
        self._found.clear()

    def count(self, column: str) -> int:
        """Return how many cells of a column are faulty."""
        return sum(fault.count for fault in self.columns.get(column, {}).values())

    def are_a_header(self, columns: Sequence[str]) -> bool:
        """Return True if the faults are one text in the first row of each of the columns."""
        return (
            bool(self.columns)
            and set(columns) <= self.columns.keys()
            and all(
                list(kinds) == ["text"] and (kinds["text"].count, kinds["text"].rows) == (1, (0,))
                for kinds in self.columns.values()
            )
        )

    def message(
        self, roles: Mapping[str, str], remedies: Mapping[str, str], together: str = ""
    ) -> str:
        """Return one text about all columns, in the order of the table.

        Args:
            roles: The role of each column that is not a feature, such as ``"the target"``.
            remedies: The remedy for each column.
            together: The setting that solves the problems of several columns.
        """
        described = [
            f"column {name!r}{f' ({roles[name]})' if name in roles else ''} "
            + " and ".join(
                fault.describe(kind, self.table) for kind, fault in self.columns[name].items()
            )
            + f"; {remedies[name]}"
            for name in sorted(self.columns, key=self._position)
        ]
        if len(described) == 1:
            return f"{self.table.place}: {described[0]}"
        rest = len(described) - MAX_COLUMNS
        lines = described[:MAX_COLUMNS] + ([f"and {rest:,} more columns"] if rest > 0 else [])
        heading = f"{self.table.place}: {len(described):,} columns have cells that cannot be used:"
        return "\n  ".join([heading, *lines, *([together] if together else [])])

    def _position(self, column: str) -> int:
        """Return the position of a column; without a header, a column's name is that."""
        header = self.table.header
        return header.index(column) if column in header else int(column)


def _places(rows: Sequence[int], count: int, table: RawTable) -> str:
    """Return the first places of some faulty cells, and the number of the others."""
    if table.files:
        shown = ", ".join(map(table.where, rows))
    else:
        noun = "row" if table.lines is None else "line"
        numbers = [row if table.lines is None else table.lines[row] for row in rows]
        shown = f"{noun}{'s' if count > 1 else ''} {', '.join(map(str, numbers))}"
    more = count - len(rows)
    return shown + (f" and {more:,} more" if more else "")
