"""Tables whose columns are chosen by the width of the terminal."""

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tinynet_cli.output import cut_middle, echo, printable

_GAP = "  "

_WIDEST = 40
"""The most characters of a cell on a terminal."""

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
        cells = [_cut(printable(cell), widest) for cell in self.cells]
        return Column(_cut(printable(self.head), widest), cells, self.right)


def fitting(
    columns: Sequence[Column], priority: Iterable[int], width: int | None
) -> tuple[list[Column], list[str]]:
    """Choose the columns that fit.

    Args:
        columns: The columns in their order.
        priority: The indices of the columns, the most important first, which is always shown.
        width: Columns of the terminal; None shows all.

    Returns:
        The escaped columns, and the names of those that are left out.
    """
    if width is None:
        return [column.escaped() for column in columns], []
    escaped = [column.escaped(_WIDEST) for column in columns]
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
    rest = [column.escaped(None if width is None else _WIDEST) for column in columns]
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
    return max(width // 2, 34)


def _cut(text: str, widest: int | None) -> str:
    """Return a text without its middle if it is longer than ``widest``."""
    return text if widest is None else cut_middle(text, widest)


def wrapped(text: str, width: int | None) -> list[str]:
    """Return a text in lines of at most ``width`` characters."""
    return [text] if width is None else textwrap.wrap(text, width, subsequent_indent="  ")
