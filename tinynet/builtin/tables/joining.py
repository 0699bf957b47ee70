"""Parts of a table, from several files or chunks of one, joined into a whole."""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from tinynet.builtin.tables.raw_table import RawTable
from tinynet.errors import DataError
from tinynet.files.available_memory import require_memory
from tinynet.text.wording import format_list
from tinynet.types import Array

_BYTES_PER_CELL = {"f": 20, "T": 34, "O": 80}
"""Bytes of a cell and of the numbers that are made of it, by kind of dtype; else 26."""

_INLINE = 15
"""Characters of a cell that need no memory of their own."""

_SAMPLE = 16
"""Cells whose length is that of all."""

_BYTES_PER_LINE = 8

_TOO_LARGE = (
    "convert it to .npy files, which are read in parts: {command}; or name fewer columns in"
    ' "features"'
)


@dataclass
class MemoryWatch:
    """A check of the memory that a whole table takes, estimated from the part that was read.

    It is called with the fraction of the table that was read.
    """

    path: str
    command: str  # that converts the table
    held: int = 0
    _checked: int = field(default=0, init=False)
    _rows: int = field(default=0, init=False)
    _sampled: int = field(default=0, init=False)
    _bytes_per_row: int = field(default=0, init=False)

    def add(self, part: RawTable) -> None:
        """Count a part that stays in memory."""
        self._rows += part.rows
        if self._rows >= 2 * self._sampled:  # later parts are like the first ones
            self._sampled = self._rows
            width = sum(map(_bytes_per_cell, part.columns.values()))
            self._bytes_per_row = width + (0 if part.typed else _BYTES_PER_LINE)
        self.held += part.rows * self._bytes_per_row

    def __call__(self, fraction: float) -> None:
        # Checking reads system files, so repeat it only after the part has grown by half.
        if 2 * self.held >= 3 * self._checked and fraction > 0:
            self._checked = self.held
            remedy = _TOO_LARGE.format(command=self.command)
            require_memory(self.path, int(self.held / fraction), remedy, self.held)


def _bytes_per_cell(cells: Array) -> int:
    kind = cells.dtype.kind
    if kind not in "TO":
        return _BYTES_PER_CELL.get(kind, 26)
    lengths = [len(cell or "") for cell in cells[:: max(1, len(cells) // _SAMPLE)]]
    long = sum(lengths) // max(1, len(lengths)) - _INLINE
    return _BYTES_PER_CELL[kind] + max(0, 2 * long)


def join_tables(path: str, parts: Iterable[RawTable], watch: MemoryWatch) -> RawTable:
    """Return the rows of all parts, at least one, as the table of a path or a pattern.

    Raises:
        DataError: for parts of different files that hold different types in a column.
    """
    columns: dict[str, list[Array]] = {}
    starts: list[tuple[str, int]] = []
    lines, rows, underscores, last = array("q"), 0, False, None
    for last in parts:
        if not starts or starts[-1][0] != last.place:
            starts.append((last.place, rows))
        watch.add(last)
        rows += last.rows
        underscores |= last.underscores and last.rows > 0
        lines.extend(last.lines or ())
        for name, cells in last.columns.items():
            columns.setdefault(name, []).append(cells)
    assert last is not None
    return replace(
        last,
        place=path,
        columns={name: _join(path, name, columns.pop(name)) for name in [*columns]},
        rows=rows,
        lines=None if last.lines is None else lines,
        files=starts if starts[0][0] != path else (),
        underscores=underscores,
        start=0,
    )


def require_same_header(first: RawTable, other: RawTable) -> None:
    """Raise a `DataError` for a file of a pattern with other columns than the first file."""
    if other.header == first.header:
        return
    place = f"{other.place} and {first.place} belong to one table, but"
    if first.header[0] == other.header[0] == "0":
        raise DataError(f"{place} have {len(other.header)} and {len(first.header)} columns")
    lacking = [name for name in first.header if name not in other.header]
    extra = [name for name in other.header if name not in first.header]
    if not lacking and not extra:
        raise DataError(
            f"{place} their columns are in different orders; write them in this one:"
            f" {_names(first.header)}"
        )
    clauses = [f"the first lacks {_names(lacking)}"] if lacking else []
    clauses += [f"only the first has {_names(extra)}"] if extra else []
    raise DataError(f"{place} {' and '.join(clauses)}; give all files the same columns")


def _names(names: Sequence[str]) -> str:
    return format_list([repr(name) for name in names])


def _join(path: str, name: str, parts: list[Array]) -> Array:
    """Return the parts of a column as one array.

    Missing values decide the dtype of a part: integers with some are floats, booleans with some
    are text, and a column without any value is NaN.
    """
    parts = [part for part in parts if len(part)] or parts[:1]
    kinds = {part.dtype.kind for part in parts}
    if len(parts) == 1 or len(kinds) == 1 or kinds == {"i", "f"}:
        return parts[0] if len(parts) == 1 else np.concatenate(parts)
    values = [part for part in parts if not _is_empty(part)]
    if values and {part.dtype.kind for part in values} <= {"b", "O"}:
        return np.concatenate([_as_text(part) for part in parts])
    if len({part.dtype.kind for part in values}) == 1 and values[0].dtype.kind == "M":
        return np.concatenate([_as_dates(part) for part in parts])
    raise DataError(
        f"{path}: column {name!r} holds different types in different files; write them all with"
        " the same type"
    )


def _is_empty(part: Array) -> bool:
    return part.dtype.kind == "f" and bool(np.isnan(part).all())


def _as_text(part: Array) -> Array:
    if part.dtype.kind == "O":
        return part
    if part.dtype.kind == "b":
        return np.where(part, "True", "False").astype(object)
    return np.full(part.shape, None, object)


def _as_dates(part: Array) -> Array:
    return part if part.dtype.kind == "M" else np.full(part.shape, "NaT", "M8[us]")
