"""Rows of an array in a large file, read without readahead and without a memory map.

A page fault in a mapped file makes the kernel read up to 128 KiB around it, so gathering rows at
random reads far more than the rows. Here rows that are consecutive are one `os.preadv`, and
``posix_fadvise`` turns readahead off and starts all reads of a batch at once. macOS has no such
call: there the system may read ahead.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from math import prod
from typing import Any, Protocol, Self

import numpy as np

from tinynet.errors import DataError
from tinynet.files.regular import open_file
from tinynet.types import Array, Shape

LARGE = 1 << 28
"""Bytes from which an array is not mapped: smaller ones stay in the page cache anyway."""


@dataclass(frozen=True)
class FileVersion:
    """The path, size and times of a file, which change when it is written.

    Attributes:
        path: The absolute path.
        size: Bytes.
        modified: Time of the last change of the content, in ns.
        changed: Time of the last change of the content or of the file's attributes, in ns.
    """

    path: str
    size: int
    modified: int
    changed: int

    @classmethod
    def of(cls, path: str, status: os.stat_result) -> Self:
        """Return the version of an open file."""
        path = os.path.abspath(path)
        return cls(path, status.st_size, status.st_mtime_ns, status.st_ctime_ns)

    @classmethod
    def read(cls, path: str) -> Self:
        """Return the version of a file, or raise `OSError`."""
        return cls.of(path, os.stat(path))


class Rows(Protocol):
    """The part of an array (N, *shape) that reading it row by row needs; arrays have it."""

    @property
    def shape(self) -> Shape:
        """(N, *shape)."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype."""

    @property
    def ndim(self) -> int:
        """The number of axes."""

    @property
    def nbytes(self) -> int:
        """The bytes of all rows."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Any, /) -> Any:
        """Return one row, a slice of the rows, or those at indices (M,)."""


class FileRows:
    """The rows (N, *shape) of an array in a file, in C order; indexed as an array is.

    The file is opened for each read, so that any number of pieces may be used together.

    Attributes:
        shape: (N, *shape).
        dtype: The dtype in the file.
        version: The version of the file that the header was read from.
    """

    def __init__(self, path: str, file: BufferedReader, shape: Shape, dtype: np.dtype[Any]) -> None:
        """Describe the array that starts at the position of an open file; nothing is read."""
        self.shape, self.dtype = shape, dtype
        self.version = FileVersion.of(path, os.fstat(file.fileno()))
        self._path, self._start = path, file.tell()
        self._row_bytes = prod(shape[1:]) * dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def nbytes(self) -> int:
        """The bytes of all rows."""
        return len(self) * self._row_bytes

    def __getitem__(self, rows: Any, /) -> Array:
        """Return a copy of one row, of a slice of step 1, or of the rows at indices (M,)."""
        if isinstance(rows, slice):
            start, stop, step = rows.indices(len(self))
            if step != 1:
                return self[np.arange(start, stop, step)]
            return self._gather(np.arange(start, max(start, stop)))
        indices = np.asarray(rows)
        if not indices.ndim:
            row: Array = self._gather(indices[np.newaxis])[0]
            return row
        return self._gather(indices)

    def _gather(self, indices: Array) -> Array:
        """Return the rows at ``indices`` (M,), which may repeat and count from the end."""
        outside = (indices < -len(self)) | (indices >= len(self))
        if outside.any():
            raise IndexError(f"row {indices[outside][0]} of {self._path}, which has {len(self):,}")
        indices = np.where(indices < 0, indices + len(self), indices)
        rows = np.empty((len(indices), *self.shape[1:]), self.dtype)
        if len(rows):
            self._fill(rows, indices)
        return rows

    def _fill(self, rows: Array, indices: Array) -> None:
        """Read the rows at ``indices`` (M,); consecutive ones are read together."""
        buffer = rows.reshape(-1).view(np.uint8).data
        reads = self._reads(indices)
        with self._opened() as descriptor:
            if len(reads) > 1:
                # The kernel starts all reads at once, and does not wait for one after the other.
                self._announce(descriptor, reads)
            for start, end, offset in reads:
                self._read(descriptor, buffer[start:end], offset)

    def read_ahead(self, indices: Array) -> None:
        """Start to read the rows at ``indices`` (M,), and do not wait for them."""
        if len(indices):
            with self._opened() as descriptor:
                self._announce(descriptor, self._reads(indices))

    def _reads(self, indices: Array) -> list[tuple[int, int, int]]:
        """Return start and end of each read in the bytes of the rows, and its place in the file."""
        firsts = np.flatnonzero(np.diff(indices, prepend=-2) != 1)
        starts = (firsts * self._row_bytes).tolist()
        offsets = (self._start + indices[firsts] * self._row_bytes).tolist()
        ends = [*starts[1:], len(indices) * self._row_bytes]
        return list(zip(starts, ends, offsets, strict=True))

    def _announce(self, descriptor: int, reads: list[tuple[int, int, int]]) -> None:
        if hasattr(os, "posix_fadvise"):
            for start, end, offset in reads:
                os.posix_fadvise(descriptor, offset, end - start, os.POSIX_FADV_WILLNEED)

    @contextmanager
    def _opened(self) -> Iterator[int]:
        with open_file(self._path) as file:
            descriptor = file.fileno()
            if FileVersion.of(self._path, os.fstat(descriptor)) != self.version:
                raise DataError(
                    f"{self._path} was changed while it was in use; start the command again"
                )
            if hasattr(os, "posix_fadvise"):
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_RANDOM)
            yield descriptor

    def _read(self, descriptor: int, buffer: memoryview, offset: int) -> None:
        """Fill a buffer with the bytes of the file from an offset."""
        count = os.preadv(descriptor, [buffer], offset)
        while count < len(buffer):
            more = os.preadv(descriptor, [buffer[count:]], offset + count)
            if not more:
                raise DataError(f"{self._path} was truncated while it was in use")
            count += more
