"""Confusion matrices as text."""

from dataclasses import dataclass

from tinynet.commands.pages.charts.svg import shorten, text_width
from tinynet.commands.report.content import ConfusionMatrix

MAX_NAME = 20
"""Most characters of the name of a class."""

CELL = 34
"""The width of a column in pixels, in which a name is not turned upright."""


LARGE = 12
"""Number of classes beyond which zeros are left out."""


@dataclass(frozen=True)
class MatrixCell:
    """A count, its share of the true class in percent, and the strength of its color."""

    count: str
    percent: str
    heat: float


@dataclass(frozen=True)
class MatrixRow:
    """The predictions of one true class."""

    name: str
    cells: tuple[MatrixCell, ...]


@dataclass(frozen=True)
class MatrixView:
    """A confusion matrix; the names of its columns are upright if one is too wide."""

    classes: tuple[str, ...]
    rows: tuple[MatrixRow, ...]
    upright: bool
    note: str


def matrix_view(confusion: ConfusionMatrix) -> MatrixView:
    """Return the cells of a confusion matrix as text."""
    names = tuple(shorten(name, MAX_NAME) for name in confusion.classes)
    large = len(names) > LARGE
    rows = []
    for name, counts in zip(names, confusion.counts, strict=True):
        total = sum(counts)
        shares = [count / total if total else 0.0 for count in counts]
        cells = (
            MatrixCell("", "", 0.0)
            if not count and large
            else MatrixCell(f"{count:,}", f"{100 * share:.1f}", round(share, 3))
            for count, share in zip(counts, shares, strict=True)
        )
        rows.append(MatrixRow(name, tuple(cells)))
    limit = CELL if len(names) > 4 else 4 * CELL
    upright = any(text_width(name) > limit for name in names)
    return MatrixView(names, tuple(rows), upright, confusion.note)
