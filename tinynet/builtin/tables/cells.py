"""The cells of one column of a source, before its kind is decided."""

from collections.abc import Callable, Collection
from functools import cached_property

import numpy as np

from tinynet.files.csv_rows import MISSING
from tinynet.files.number_cells import NumberFormat
from tinynet.types import Array

_NAN = frozenset(["nan", "+nan", "-nan"])


class MissingMarkers:
    """The texts that stand for a missing value: those of a spec, or the usual ones.

    An empty cell is always missing.
    """

    def __init__(self, texts: Collection[str] | None, format: NumberFormat) -> None:
        self._texts = MISSING if texts is None else {"", *(text.strip() for text in texts)}
        self._any_nan = texts is None
        parsed = map(format.parse_one, texts or ())
        self._numbers = [number for number in parsed if number is not None]

    def __call__(self, text: str) -> bool:
        return text in self._texts or (self._any_nan and text.lower() in _NAN)

    def remove(self, numbers: Array) -> Array:
        """Return numbers (N,) with NaN for those that are markers."""
        if not self._numbers:
            return numbers
        return np.where(np.isin(numbers, self._numbers), np.nan, numbers)


class SourceColumn:
    """One column of a source.

    Attributes:
        name: Its name.
        typed: True if its source has types of its own, so that text is never a number.
        is_missing: The test for texts that stand for a missing value.
        format: The form of numbers.
    """

    def __init__(
        self,
        name: str,
        cells: Array,
        format: NumberFormat,
        is_missing: MissingMarkers,
        *,
        typed: bool = False,
        underscores: bool = True,
    ) -> None:
        self.name, self._cells, self.format = name, cells, format
        self.is_missing, self.typed = is_missing, typed
        self._underscores = underscores

    def __len__(self) -> int:
        return len(self._cells)

    @cached_property
    def numbers(self) -> Array | None:
        """The cells as numbers (N,), NaN for missing ones; None if there are other cells.

        The cells of a text file are numbers if all are finite.
        """
        if self._cells.dtype.kind in "biuf":
            return self.is_missing.remove(self._cells.astype(np.float64))
        if self.is_text and not self.typed:
            values = self.format.parse_all(self._cells, underscores=self._underscores)
            if values is not None and np.isfinite(values).all():
                return self.is_missing.remove(values)
        return None

    @property
    def dates(self) -> Array | None:
        """The cells of a typed column of dates in microseconds since 1970 (N,); None otherwise."""
        if self._cells.dtype.kind != "M":
            return None
        return self._cells.astype("M8[us]").astype(np.int64)

    @property
    def is_boolean(self) -> bool:
        """True if the cells are booleans of a typed source."""
        return self._cells.dtype.kind == "b"

    @property
    def is_coded(self) -> bool:
        """True if the cells are read as text: they are neither all numbers nor typed dates."""
        return self.numbers is None and self.dates is None

    @property
    def is_text(self) -> bool:
        """True if the cells are text."""
        return self._cells.dtype.kind in "TUO"

    @cached_property
    def coded(self) -> tuple[list[str], Array]:
        """The distinct cells as text, and the index of each cell in them, (N,), int32."""
        index: dict[str, int] = {}
        places = (index.setdefault(cell, len(index)) for cell in self._texts())
        codes = np.fromiter(places, np.int32, len(self._cells))
        return [*index], codes

    @cached_property
    def counts(self) -> Array:
        """The number of each of the distinct cells."""
        texts, codes = self.coded
        return np.bincount(codes, minlength=len(texts))

    @cached_property
    def present(self) -> list[str]:
        """The distinct cells that are not missing."""
        return [text for text in self.coded[0] if not self.is_missing(text)]

    def where(self, chosen: Callable[[str], bool]) -> Array:
        """Return True for each cell whose text is chosen, (N,)."""
        texts, codes = self.coded
        return np.fromiter(map(chosen, texts), bool, len(texts))[codes]

    def text(self, row: int) -> str:
        """Return one cell as text."""
        return _text(self._cells[row])

    def _texts(self) -> list[str]:
        if self._cells.dtype.kind in "TU":
            texts: list[str] = self._cells.tolist()
            return texts
        return [_text(cell) for cell in self._cells]


def _text(cell: object) -> str:
    """Return the text of a cell, as a table in a text file has it; empty for a missing one."""
    if cell is None or cell != cell:  # NaN and NaT differ from themselves
        return ""
    if isinstance(cell, float | np.floating):
        number = float(cell)
        return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)
    if isinstance(cell, np.datetime64):
        return str(cell).removesuffix("T00:00:00.000000")
    return str(cell).strip()
