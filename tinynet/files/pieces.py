"""Arrays in several files, joined by rows."""

import os
from collections.abc import Iterator, Sequence
from glob import escape, glob, has_magic
from itertools import accumulate
from typing import Any

import numpy as np

from tinynet.errors import DataError
from tinynet.files.file_rows import FileRows, Rows
from tinynet.files.natural_order import natural_key
from tinynet.text.options import option
from tinynet.types import Array, Shape

_MAX_LISTED = 5
"""Pieces that a message names."""


def find_pieces(path: str, ending: str) -> list[str] | None:
    """Return the files of a folder or a pattern in natural order; None if a path is one file.

    In a folder these are the files with the ending. A pattern has ``*``, ``?`` or ``[...]`` in
    names that do not exist as they are.

    Raises:
        DataError: if there are none.
    """
    if is_folder := os.path.isdir(path):
        pattern = os.path.join(escape(path), f"*{ending}")
    else:
        existing, names = path, ""
        while existing and not os.path.lexists(existing):
            existing, _, name = existing.rpartition("/")
            names = f"/{name}{names}"
        if not has_magic(names):
            return None
        pattern = escape(existing) + names if path.startswith("/") or existing else names[1:]
    found = (piece for piece in glob(pattern) if not os.path.isdir(piece))
    pieces = sorted(found, key=natural_key)
    if not pieces and is_folder:
        raise DataError(
            f"{path} is a folder without {ending} files; name a file, or put some there"
        )
    if not pieces:
        raise DataError(
            f"no file matches {path} (relative paths start at the spec's folder or"
            f" {option('--data-root', 'data_root')})"
        )
    return pieces


def compare_pieces(arrays: Sequence[tuple[Sequence[tuple[str, int]], int]]) -> None:
    """Require that arrays in the same number of pieces have equal numbers of rows in each pair.

    Pairs of other lengths are a sign of names that sort differently.

    Args:
        arrays: Place and first row of each piece, and the number of all rows, of each array.

    Raises:
        DataError: listing the pairs that differ.
    """
    (first, rows), *others = arrays
    for pieces, count in others:
        if len(pieces) != len(first) or len(first) < 2:
            continue
        lengths = zip(_lengths(first, rows), _lengths(pieces, count), strict=True)
        wrong = [f"{a} ({n:,} rows) and {b} ({m:,})" for (a, n), (b, m) in lengths if n != m]
        if wrong:
            raise DataError(
                f"pieces of equal position belong together, but {len(wrong):,} of {len(first):,}"
                f" pairs differ in length: {', '.join(wrong[:_MAX_LISTED])}"
                f"{', ...' if len(wrong) > _MAX_LISTED else ''}; rename the files so that both sort"
                " alike (2 before 10), or join the pieces of one array into one file"
            )


def _lengths(pieces: Sequence[tuple[str, int]], rows: int) -> Iterator[tuple[str, int]]:
    """Yield the place and the number of rows of each piece."""
    ends = [*(start for _, start in pieces[1:]), rows]
    for (place, start), end in zip(pieces, ends, strict=True):
        yield place, end - start


class JoinedRows:
    """The rows of several arrays of equal dtype and shape of a row, one array after the other.

    Attributes:
        shape: (N, *shape), where N counts all rows.
        dtype: The dtype.
        starts: The number of the first row of each array.
    """

    def __init__(self, parts: Sequence[Rows], places: Sequence[str]) -> None:
        """Join arrays; ``places`` names them for messages.

        Raises:
            DataError: listing the arrays that differ from the first.
        """
        first = parts[0]
        wrong = [
            f"{place} ({', '.join(('N', *map(str, part.shape[1:])))}; {part.dtype})"
            for part, place in zip(parts, places, strict=True)
            if (part.shape[1:], part.dtype) != (first.shape[1:], first.dtype)
        ]
        if wrong:
            expected = ", ".join(("N", *map(str, first.shape[1:])))
            raise DataError(
                f"all pieces need the shape ({expected}) and the dtype {first.dtype} of the first,"
                f" {places[0]}; {len(wrong):,} of {len(parts):,} differ:"
                f" {', '.join(wrong[:_MAX_LISTED])}{', ...' if len(wrong) > _MAX_LISTED else ''}"
            )
        ends = list(accumulate(len(part) for part in parts))
        self._parts = parts
        self.starts = [0, *ends[:-1]]
        self.shape: Shape = (ends[-1], *first.shape[1:])
        self.dtype = first.dtype

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def nbytes(self) -> int:
        """The bytes of all rows."""
        return sum(part.nbytes for part in self._parts)

    def __getitem__(self, rows: Any, /) -> Array:
        """Return a copy of one row, of a slice, or of the rows at indices (M,)."""
        if isinstance(rows, slice):
            rows = np.arange(*rows.indices(len(self)))
        indices = np.asarray(rows)
        if not indices.ndim:
            row: Array = self[indices[np.newaxis]][0]
            return row
        outside = (indices < -len(self)) | (indices >= len(self))
        if outside.any():
            raise IndexError(f"row {indices[outside][0]} of {len(self):,}")
        indices = np.where(indices < 0, indices + len(self), indices)
        result = np.empty((len(indices), *self.shape[1:]), self.dtype)
        for part, places, own in self._divided(indices):
            result[places] = part[own]
        return result

    def read_ahead(self, indices: Array) -> None:
        """Start to read the rows at ``indices`` (M,) of large files, and do not wait."""
        for part, _, own in self._divided(indices):
            if isinstance(part, FileRows):
                part.read_ahead(own)

    def _divided(self, indices: Array) -> Iterator[tuple[Rows, Array, Array]]:
        """Yield each part with some of the rows: their places in ``indices``, and in the part."""
        owners = np.searchsorted(self.starts, indices, side="right") - 1
        for owner in np.unique(owners).tolist():
            places = np.flatnonzero(owners == owner)
            yield self._parts[owner], places, indices[places] - self.starts[owner]
