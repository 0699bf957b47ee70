"""Cells of a table that cannot be used, collected over the whole file for one message."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain

from tinynet.files.csv_rows import FaultKind, quote_cell

MAX_COLUMNS = 20
"""Columns that a message describes."""

MAX_LINES = 3
"""Lines that a message names for one kind of fault in one column."""

MAX_EXAMPLES = 2
"""Different cells that it quotes there."""

_PHRASES: dict[FaultKind, tuple[str, str]] = {
    "text": ("holds text", "holds text"),
    "missing": ("has a missing cell", "has {count:,} missing cells"),
    "infinite": ("has a number that is not finite", "has {count:,} numbers that are not finite"),
}
"""The names of one faulty cell and of several."""


@dataclass
class Fault:
    """The number of faulty cells of one kind in one column, with the first lines and cells."""

    count: int = 0
    lines: list[int] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)

    def add(self, line: int, cell: str) -> None:
        """Count one more cell."""
        self.count += 1
        if len(self.lines) < MAX_LINES:
            self.lines.append(line)
        if len(self.examples) < MAX_EXAMPLES and cell not in self.examples:
            self.examples.append(cell)

    def describe(self, kind: FaultKind) -> str:
        """Return the fault with its first cells and lines."""
        one, several = _PHRASES[kind]
        phrase = one if self.count == 1 else several.format(count=self.count)
        lines = ("line " if self.count == 1 else "lines ") + ", ".join(map(str, self.lines))
        if more := self.count - len(self.lines):
            lines += f" and {more:,} more"
        return f"{phrase} ({', '.join(map(quote_cell, self.examples))}; {lines})"


class FaultyCells:
    """The faulty cells of a table, by the name of the column and the kind of fault."""

    def __init__(self) -> None:
        self.columns: dict[str, dict[FaultKind, Fault]] = {}

    def add(self, column: str, line: int, cell: str, kind: FaultKind) -> None:
        """Record one cell."""
        faults = self.columns.setdefault(column, {})
        faults.setdefault(kind, Fault()).add(line, cell.strip())

    @property
    def have_decimal_commas(self) -> bool:
        """True if a cell seems to be a number with a decimal comma."""
        faults = chain.from_iterable(kinds.values() for kinds in self.columns.values())
        examples = chain.from_iterable(fault.examples for fault in faults)
        return any(re.fullmatch(r"[+-]?[0-9]+,[0-9]+", cell) for cell in examples)

    def are_a_header(self, line: int, columns: Sequence[str]) -> bool:
        """Return True if the faulty cells are text in this line, one in each of the columns."""
        return set(columns) <= self.columns.keys() and all(
            list(faults) == ["text"] and faults["text"].lines == [line]
            for faults in self.columns.values()
        )

    def count(self, column: str) -> int:
        """Return how many cells of a column are faulty."""
        return sum(fault.count for fault in self.columns.get(column, {}).values())

    def message(
        self, path: str, order: Sequence[str], roles: dict[str, str], remedies: Sequence[str]
    ) -> str:
        """Return one text about all columns, in the ``order`` of the file.

        ``roles`` holds the role of each column that is not a feature, such as ``"the target"``;
        the remedies are clauses.
        """
        described = [
            f"column {name!r}{f' ({roles[name]})' if name in roles else ''} "
            + " and ".join(fault.describe(kind) for kind, fault in self.columns[name].items())
            for name in order
            if name in self.columns
        ]
        advice = "; ".join(remedies)
        if len(described) == 1:
            return f"{path}: {described[0]}; {advice}"
        rest = len(described) - MAX_COLUMNS
        lines = described[:MAX_COLUMNS] + ([f"and {rest:,} more columns"] if rest > 0 else [])
        return "\n  ".join(
            [f"{path}: {len(described):,} columns have cells that cannot be used:", *lines, advice]
        )


def show_list(values: Sequence[str | int]) -> str:
    """Return the values as a list in JSON, to be copied into a spec."""
    return json.dumps(values, ensure_ascii=False)
