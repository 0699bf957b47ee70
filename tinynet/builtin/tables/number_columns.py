"""Columns of a text table that are read as numbers, which takes less time and memory than text."""

from collections.abc import Mapping, Sequence

import numpy as np

from tinynet.builtin.tables.raw_table import ChosenColumns
from tinynet.files.csv_blocks import Block
from tinynet.types import Array

_MAX_RESTARTS = 2
"""Times that a table is read again with more columns as text; then all are."""


class TextAmongNumbersError(Exception):
    """A cell that is not a number, in a column whose earlier cells were read as numbers."""


class NumberColumns:
    """The columns that are read as numbers, as long as all of their cells are finite numbers.

    A cell that is not, after others were read, means that the table is read again.
    """

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._texts: set[str] = set()  # columns that turned out to be text
        self._restarts, self._started = 0, False

    def choose(self, chosen: Sequence[str]) -> None:
        """Start with the columns of one file."""
        if self._restarts < _MAX_RESTARTS and isinstance(chosen, ChosenColumns):
            self._names = {*chosen.numbers} - self._texts

    def restart(self) -> None:
        """Prepare to read the table again, with more columns of text."""
        self._restarts, self._started, self._names = self._restarts + 1, False, set()

    def convert(self, block: Block, start: int, position: Mapping[str, int]) -> dict[str, Array]:
        """Return the columns of a block that are numbers; others are text from now on.

        Args:
            block: The rows.
            start: The first row to convert.
            position: The position of each column.

        Raises:
            TextAmongNumbersError: if earlier cells of such a column were read as numbers.
        """
        places = {name: position[name] for name in self._names}
        columns = _parse_together(block, start, [*places.values()])
        if columns is None:
            columns = {i: _parse(block.column(i)[start:], block) for i in places.values()}
        wrong = {name for name, place in places.items() if columns[place] is None}
        self._texts |= wrong
        if wrong and self._started:
            raise TextAmongNumbersError
        self._names -= wrong
        self._started |= len(block) > start
        found = ((name, columns[place]) for name, place in places.items())
        return {name: numbers for name, numbers in found if numbers is not None}


def _parse_together(block: Block, start: int, places: list[int]) -> dict[int, Array | None] | None:
    """Return columns as numbers, which is faster for many of them; None if not all are."""
    if block.underscores or 2 * len(places) < block.width:
        return None
    cells = block.cells[start * block.width :]
    for other in {*range(block.width)}.difference(places):
        cells[other :: block.width] = ["0"] * (len(block) - start)
    try:
        values = np.array(list(map(float, cells)), np.float64).reshape(-1, block.width)
    except ValueError:
        return None
    return {i: values[:, i] for i in places} if np.isfinite(values).all() else None


def _parse(cells: list[str], block: Block) -> Array | None:
    """Return the cells of a column as numbers (N,), or None if one is not a finite number."""
    if block.underscores and any("_" in cell for cell in cells):
        return None
    try:
        values = np.array(list(map(float, cells)), np.float64)
    except ValueError:
        return None
    return values if np.isfinite(values).all() else None
