"""Tables whose columns are chosen by the width of the terminal."""

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tinynet_cli.output import cut_middle, echo, printable

_GAP = "  "

_WIDEST = 40
"""The most characters of a cell on a terminal."""

_NARROWEST = 12
"""Characters to which the cells of the first column may be shortened."""

_IMPORTANT = 3
"""Columns for which the cells of the first one are shortened."""

_FEW = 5
"""The most columns that stand side by side in a file or a pipe."""


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        head: Its name.
        cells: Its cells, as text.
        right: True to align the cells to the right, as numbers.
    """

    head: str
    cells: Sequence[str]
    right: bool = False

    @property
    def width(self) -> int:
        """The characters of the longest cell."""
        return max(len(text) for text in (self.head, *self.cells))

    def escaped(self, widest: int | None = None) -> "Column":
        """Return the column with escaped text, and with cells of at most ``widest`` characters."""
        cells = [cut_middle(printable(cell), widest) for cell in self.cells]
        return Column(cut_middle(printable(self.head), widest), cells, self.right)


def fitting(
    columns: Sequence[Column], priority: Iterable[int], width: int | None
) -> tuple[list[Column], list[str]]:
    """Choose the columns that fit.

    Args:
        columns: The columns in their order.
        priority: The indices of the columns, the most important first, which is always shown; its
            cells are shortened to make room for the next ones.
        width: Columns of the terminal; None shows all.

    Returns:
        The escaped columns, and the names of those that are left out.
    """
    if width is None:
        return [column.escaped() for column in columns], []
    escaped = [column.escaped(_WIDEST) for column in columns]
    priority = [*priority]
    first, others = priority[0], priority[1 : _IMPORTANT + 1]
    needed = sum(escaped[index].width + len(_GAP) for index in others)
    # A long name is shortened, so that the most important facts are beside it.
    widest = min(max(width - needed, _NARROWEST), width)
    if escaped[first].width > widest:
        escaped[first] = columns[first].escaped(widest)
    kept: set[int] = set()
    room = width + len(_GAP)
    for index in priority:
        size = escaped[index].width + len(_GAP)
        if size <= room or not kept:
            kept.add(index)
            room -= size
    shown = [column for index, column in enumerate(escaped) if index in kept]
    return shown, [columns[i].head for i in range(len(columns)) if i not in kept]


def print_columns(columns: Sequence[Column]) -> None:
    """Print escaped columns."""
    rows = [[column.head for column in columns], *zip(*(c.cells for c in columns), strict=True)]
    widths = [(column.width, column.right) for column in columns]
    for row in rows:
        parts = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, (width, right) in zip(row, widths, strict=True)
        ]
        echo(_GAP.join(parts).rstrip())


def fits_beside(labels: Column, columns: Sequence[Column], width: int | None) -> bool:
    """Return True if `print_side_by_side` prints one table; without a width, of a few columns."""
    if width is None:
        return len(columns) <= _FEW
    parts = [labels.escaped(_widest_label(width)), *(c.escaped(_WIDEST) for c in columns)]
    return sum(part.width + len(_GAP) for part in parts) <= width + len(_GAP)


def print_side_by_side(labels: Column, columns: Sequence[Column], width: int | None) -> None:
    """Print columns beside their labels; those that do not fit follow in further tables.

    Args:
        labels: The first column of each table.
        columns: The other columns.
        width: Columns of the terminal; None prints one table.
    """
    labels = labels.escaped(None if width is None else _widest_label(width))
    # Each table has room for one column at least.
    widest = None if width is None else min(_WIDEST, max(width - labels.width - len(_GAP), 1))
    rest = [column.escaped(widest) for column in columns]
    while rest:
        count, room = 0, None if width is None else width - labels.width
        for column in rest:
            if room is not None and count and column.width + len(_GAP) > room:
                break
            room = None if room is None else room - column.width - len(_GAP)
            count += 1
        print_columns([labels, *rest[:count]])
        rest = rest[count:]
        if rest:
            echo()


def _widest_label(width: int) -> int:
    return max(width // 2, min(34, width - _NARROWEST - len(_GAP)), 1)


def wrapped(text: str, width: int | None) -> list[str]:
    """Return a text in lines of at most ``width`` characters."""
    return [text] if width is None else textwrap.wrap(text, width, subsequent_indent="  ")
