"""Cells of tables as text, aligned and formatted by column."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tinynet.commands.pages.charts.numbers import (
    column_text,
    decimals_of,
    is_whole,
    share_text,
)
from tinynet.commands.report.charts import Cell, Table

MEDIUM, LONG = 20, 40
"""Characters beyond which a text is wrapped, in a column of at least medium or large width."""


@dataclass(frozen=True)
class ColumnView:
    """A column: its name, and True if its cells are numbers."""

    name: str
    numeric: bool


@dataclass(frozen=True)
class CellView:
    """A cell.

    Attributes:
        text: The text.
        classes: The classes of style.css.
        share: The length of the bar behind a share, from 0 to 1.
        value: The number by which the column is sorted.
    """

    text: str
    classes: str = ""
    share: float | None = None
    value: float | None = None


@dataclass(frozen=True)
class TableView:
    """A table as text."""

    columns: tuple[ColumnView, ...]
    rows: tuple[tuple[CellView, ...], ...]
    totals: tuple[tuple[CellView, ...], ...]  # the last rows, which sum up the others


def view_of(table: Table) -> TableView:
    """Return the cells of a table as text; the numbers of a column have the same decimals."""
    columns, views = [], []
    for index, name in enumerate(table.columns):
        cells = [row[index] for row in table.rows]
        filled = [cell for cell in cells if cell not in ("", None)]
        numeric = bool(filled) and all(map(_is_number, filled))
        columns.append(ColumnView(name, numeric))
        views.append(_column(cells, numeric, name in table.shares))
    rows = tuple(zip(*views, strict=True))
    end = len(rows) - table.totals
    return TableView(tuple(columns), rows[:end], rows[end:])


def _is_number(cell: Cell) -> bool:
    """Return True for a number, also for one that is a text, such as a value of a file."""
    try:
        float(cell or 0.0)
    except ValueError:
        return False
    return True


def _width(text: str) -> str:
    """Return the class of a text that may be wrapped."""
    return "long" if len(text) > LONG else "medium" if len(text) > MEDIUM else ""


def _column(cells: Sequence[Cell], numeric: bool, share: bool) -> list[CellView]:
    """Return the cells of a column."""
    floats = [c for c in cells if isinstance(c, float) and not share]
    decimals, whole = decimals_of(floats), all(map(is_whole, floats))
    views = []
    for cell in cells:
        if cell is None:
            views.append(CellView("", "number" if numeric else ""))
        elif isinstance(cell, str):
            views.append(CellView(cell, "number" if numeric else _width(cell)))
        elif share:
            length = round(min(max(cell, 0.0), 1.0), 3) if math.isfinite(cell) else None
            views.append(CellView(share_text(cell), "number share", length, cell))
        else:
            views.append(
                CellView(
                    column_text(cell, decimals, whole), "number" if numeric else "", value=cell
                )
            )
    return views
