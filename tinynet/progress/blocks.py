"""Evaluations as blocks: a line for each metric, where a row of a table would need many lines."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from tinynet.progress.evaluations import EvaluationTable
from tinynet.text.printing import figure, printable

_MOST_LINES = 2
"""Lines of a row of a table from which blocks are easier to read."""

_CELL = 10
"""Columns of a figure, with the space before it."""


class Evaluations(Protocol):
    """A layout of evaluations."""

    @property
    def head(self) -> list[str]:
        """The lines above the first evaluation."""

    def row(
        self, label: str, figures: Mapping[str, float], last: str, *, improved: bool
    ) -> list[str]:
        """Return the lines of an evaluation; see `EvaluationTable.row`."""


def evaluations(
    unit: str, names: Sequence[str], width: int | None, *, last: str = "samples/s"
) -> Evaluations:
    """Return a table, or blocks if its rows would need more than two lines.

    If the rows fit one line without the last column, or with less space too, they have one.

    Args:
        unit: The name of a label: ``epoch`` or ``step``.
        names: The figures' names.
        width: Columns of the terminal; None for one line, however long.
        last: The name of the last column.
    """
    table = EvaluationTable(unit, names, width, last=last)
    if width is None or len(table.head) == 1:
        return table
    for gap in (2, 1):
        narrow = EvaluationTable(unit, names, width, last=None, gap=gap)
        if len(narrow.head) == 1:
            return narrow
    if len(table.head) <= _MOST_LINES:
        return table
    return EvaluationBlocks(unit, names, width, last=last)


class EvaluationBlocks:
    """Blocks of lines: the metrics in rows, the splits of the data in columns."""

    def __init__(self, unit: str, names: Sequence[str], width: int, *, last: str) -> None:
        """Place the columns; see `evaluations`."""
        self._unit, self._last = unit, last
        parts = [_parts(name) for name in names]
        self._splits = list(dict.fromkeys(split for split, _ in parts))
        self._metrics = list(dict.fromkeys(metric for _, metric in parts))
        self._cells = [max(_CELL, 2 + len(printable(split))) for split in self._splits]
        widest = max((len(printable(metric)) for metric in self._metrics), default=0)
        self._room = max(min(2 + widest, width - sum(self._cells)), 0)

    @property
    def head(self) -> list[str]:
        """Nothing, since each block has its own head."""
        return []

    def row(
        self, label: str, figures: Mapping[str, float], last: str, *, improved: bool
    ) -> list[str]:
        """Return the lines of an evaluation; see `EvaluationTable.row`."""
        title = f"{self._unit} {label}  {self._last} {last}{'  best' if improved else ''}"
        lines = [title, self._line("", [printable(split) for split in self._splits])]
        values = {_parts(name): figure(value) for name, value in figures.items()}
        for metric in self._metrics:
            name = f"  {printable(metric)}"
            if len(name) > self._room:
                lines.append(name)
                name = ""
            lines.append(self._line(name, [values.get((s, metric), "") for s in self._splits]))
        return lines

    def _line(self, name: str, cells: Sequence[str]) -> str:
        sized = (cell.rjust(size) for cell, size in zip(cells, self._cells, strict=True))
        return (name.ljust(self._room) + "".join(sized)).rstrip()


def _parts(name: str) -> tuple[str, str]:
    """Return the split and the metric of a figure; the split is empty if it has none."""
    split, slash, metric = name.partition("/")
    return (split, metric) if slash else ("", name)
