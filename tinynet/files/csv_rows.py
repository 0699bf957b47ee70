"""Cells of text tables: numbers, missing values, and everything else."""

import math
from collections.abc import Sequence
from typing import Literal, TypeAlias

MISSING = frozenset(["", "-", "?", "NA", "N/A", "n/a", "#N/A", "<NA>", "NULL", "null", "None"])
"""Cells that stand for a missing value, besides every spelling of NaN."""

FaultKind: TypeAlias = Literal["missing", "text", "infinite"]

_NAN = frozenset(["nan", "+nan", "-nan"])


def parse_numbers(cells: Sequence[str]) -> list[float] | None:
    """Return the cells of one row as numbers, or None if one is not a finite number."""
    try:
        values = [float(cell) for cell in cells]
    except ValueError:
        return None
    # Python parses 1_000 as a thousand; in a table it is an identifier.
    return values if all(map(math.isfinite, values)) and "_" not in "".join(cells) else None


def is_missing(cell: str) -> bool:
    """Return True for a cell that stands for a missing value, such as ``NA``."""
    cell = cell.strip()
    return cell in MISSING or cell.lower() in _NAN


def fault_kind(cell: str) -> FaultKind | None:
    """Return why a cell is not a finite number, or None if it is one."""
    if parse_numbers([cell]) is not None:
        return None
    if is_missing(cell):
        return "missing"
    try:
        float(cell)
    except ValueError:
        return "text"
    return "text" if "_" in cell else "infinite"


def quote_cell(cell: str) -> str:
    """Return a cell in quotes, shortened if it is long."""
    return repr(cell if len(cell) <= 40 else cell[:40] + "…")
