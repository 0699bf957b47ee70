"""Numbers in the cells of text tables, with any decimal and thousands separators."""

import re
from dataclasses import dataclass

import numpy as np

from tinynet.types import Array


@dataclass(frozen=True)
class NumberFormat:
    """The form of numbers in a text table.

    Attributes:
        decimal: The character before the fraction.
        thousands: The character between groups of three digits, or None. White space of any kind
            stands for a space.
    """

    decimal: str = "."
    thousands: str | None = None

    def parse(self, cells: Array, *, underscores: bool = True) -> tuple[Array, Array]:
        """Convert cells (N,) of text to numbers.

        ``underscores`` is False if no cell contains one, which saves a check.

        Returns:
            The numbers, (N,), float64: NaN for a cell that is not a number, and for the text
            ``nan``; and True for each cell that is not a number, (N,).
        """
        if (quick := self.parse_all(cells, underscores=underscores)) is not None:
            return quick, np.zeros(len(cells), bool)
        values, wrong = np.full(len(cells), np.nan), np.zeros(len(cells), bool)
        for row, cell in enumerate(cells.tolist()):
            number = self.parse_one(cell)
            if number is None:
                wrong[row] = True
            else:
                values[row] = number
        return values, wrong

    def parse_one(self, cell: str) -> float | None:
        """Return the number in a cell, perhaps NaN or infinite; None if it holds no number."""
        if self.decimal != "." or self.thousands is not None:
            canonical = self._canonical(cell)
            if canonical is None:
                return None
            cell = canonical
        if "_" in cell:  # Python parses 1_000 as a thousand; in a table it is an identifier.
            return None
        try:
            return float(cell)
        except ValueError:
            return None

    def _canonical(self, cell: str) -> str | None:
        """Return the cell as Python writes numbers; None if a separator is out of place."""
        whole, decimal, fraction = cell.partition(self.decimal)
        if self.thousands is not None:
            separator = r"\s" if self.thousands.isspace() else re.escape(self.thousands)
            # A group at the start is never 0 or 012: 0,465 has a decimal comma.
            if re.fullmatch(rf"[+-]?[1-9]\d{{0,2}}({separator}\d{{3}})+", whole):
                whole = re.sub(separator, "", whole)
        if "." in whole or "." in fraction:
            return None
        return f"{whole}.{fraction}" if decimal else whole

    def parse_all(self, cells: Array, *, underscores: bool = True) -> Array | None:
        """Return all cells as numbers; None if one may not be a number. Arguments as of `parse`."""
        if self.thousands is not None or (underscores and _contain(cells, "_")):
            return None
        if self.decimal != ".":
            if _contain(cells, "."):
                return None
            cells = np.strings.replace(cells, self.decimal, ".")
        try:
            return cells.astype(np.float64)
        except (TypeError, ValueError):
            return None


def _contain(cells: Array, character: str) -> bool:
    return bool(np.any(np.strings.find(cells, character) >= 0))
