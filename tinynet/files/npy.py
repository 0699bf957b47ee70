"""NumPy's two file formats, read without pickle and without trust in their headers.

A file that is not valid, does not hold numbers, or has not the promised size is a `DataError`.
"""

import math
import os
import shlex
import zipfile
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import BufferedIOBase, BytesIO
from typing import Any, Literal, cast

import numpy as np

from tinynet.errors import DataError
from tinynet.files.available_memory import require_memory
from tinynet.files.file_rows import LARGE, FileRows, Rows
from tinynet.files.packed import refuse_packed
from tinynet.files.pieces import JoinedRows
from tinynet.files.regular import (
    compare_counts,
    map_array,
    open_file,
    read_array,
    require_filled,
    require_shape,
    unpacked_size,
)
from tinynet.text.wording import suggest
from tinynet.types import Array, Shape

_ZIP = b"PK"

_HEADERS = {
    (1, 0): (2, np.lib.format.read_array_header_1_0),
    (2, 0): (4, np.lib.format.read_array_header_2_0),
}
"""Bytes of the header's length field, and the header's reader, by version.

Version 3.0 differs only for structured arrays, which are not read.
"""

MAX_HEADER = 10_000
"""Bytes of a header; NumPy would read a longer one before it refuses it."""

_MANY = 64
"""Pieces that are mapped, at most."""

_MORE_MEMORY = "use a machine with more memory"


def open_npy(path: str, *, by_row: bool = False) -> Rows:
    """Return the array of an .npy file: read row by row if it is large, mapped otherwise.

    So it may be larger than memory. With ``by_row`` small arrays are not mapped either. Arrays in
    Fortran order, whose rows are spread over the whole file, are always mapped.
    """
    with open_file(path) as file:
        refuse_packed(path, file.peek(8)[:8], gzipped=True)
        shape, dtype, order = _read_header(path, file)
        size = require_filled(path, file, shape, dtype)
        if order == "F" or (size < LARGE and not by_row):
            return map_array(path, file, shape, dtype, order)
        return FileRows(path, file, shape, dtype)


def open_npy_pieces(paths: Sequence[str]) -> JoinedRows:
    """Return the arrays of some .npy files, joined by rows, as `open_npy` does.

    Many files are never mapped, since a process may have only some hundred mapped files.

    Raises:
        DataError: naming the piece that is damaged, or differs from the first.
    """
    size = 0
    for path in paths:
        with open_file(path) as file:
            size += os.fstat(file.fileno()).st_size
    by_row = size >= LARGE or len(paths) > _MANY
    return JoinedRows([open_npy(path, by_row=by_row) for path in paths], paths)


def read_npz(path: str, names: Iterable[str], *, of_samples: bool = True) -> dict[str, Array]:
    """Return arrays of an .npz file by name; their first axis is the samples if ``of_samples``.

    `DataError` is also raised for a missing name, too little memory, or unequal numbers of samples.
    """
    with _members(path) as members:
        required = tuple(dict.fromkeys(names))
        members.check(required, of_samples)
        return {name: members.read(name, of_samples) for name in required}


def npz_names(path: str) -> list[str]:
    """Return the names of the arrays of an .npz file."""
    with _members(path) as members:
        return list(members)


def read_npz_headers(path: str) -> dict[str, tuple[Shape, np.dtype[Any]]]:
    """Return shape and dtype of every array of an .npz file, by name, from the headers.

    The dtype may be one that `read_npz` refuses.
    """
    with _members(path) as members:
        headers = {name: members.header(name) for name in members}
        for name, (shape, _) in headers.items():
            require_shape(members.place(name), shape)
        return headers


def _conversion(what: str, path: str, *others: str) -> str:
    """Return the remedy for a file that does not fit into memory."""
    command = shlex.join(["tinynet", "convert", path, os.path.splitext(path)[0]])
    return f"convert {what} to .npy files, which are read in parts: {command}"


def require_npz_memory(place: str, paths: Sequence[str], names: Collection[str]) -> None:
    """Raise `DataError` unless some arrays of all files together fit into memory.

    The headers are not validated: `read_npz` does.
    """
    size = 0
    for path in paths:
        headers = read_npz_headers(path)
        used = (headers[name] for name in names if name in headers)
        size += sum(math.prod(shape) * dtype.itemsize for shape, dtype in used)
    require_memory(place, size, _conversion("each piece", *paths))


@contextmanager
def _members(path: str) -> Iterator["_Members"]:
    with open_file(path) as file:
        start = file.peek(8)[:8]
        if not start.startswith(_ZIP):
            refuse_packed(path, start, gzipped=True)
        try:
            with zipfile.ZipFile(file) as archive:
                yield _Members(path, archive)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError) as error:
            raise DataError(f"{path} is not an .npz file, or is damaged: {error}") from error


class _Members:
    """The arrays of an open .npz file."""

    def __init__(self, path: str, archive: zipfile.ZipFile) -> None:
        self._path = path
        self._size = os.path.getsize(path)
        self._archive = archive
        self._infos = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}

    def __iter__(self) -> Iterator[str]:
        return iter(self._infos)

    def read(self, name: str, of_samples: bool) -> Array:
        with self._opened(name) as (place, stream):
            shape, dtype, order = _read_header(place, stream)
            return read_array(place, stream, self._size, shape, dtype, order, of_samples=of_samples)

    def check(self, names: Sequence[str], of_samples: bool) -> None:
        """Validate the headers of arrays before any is unpacked."""
        counts, size = {}, 0
        for name in names:
            shape, dtype = self.header(name)
            place = self.place(name)
            size += unpacked_size(place, self._size, shape, dtype, of_samples=of_samples)
            counts[place] = shape[0] if of_samples else 0
        if counts:
            compare_counts(counts)
        remedy = _conversion("it", self._path) if of_samples else _MORE_MEMORY
        require_memory(self._path, size, remedy)

    def header(self, name: str) -> tuple[Shape, np.dtype[Any]]:
        with self._opened(name) as (place, stream):
            shape, dtype, _ = _read_header(place, stream)
            return shape, dtype

    def place(self, name: str) -> str:
        return f"{self._path}, array {name!r}"

    @contextmanager
    def _opened(self, name: str) -> Iterator[tuple[str, BufferedIOBase]]:
        if name not in self._infos:
            raise DataError(f"{self._path} has no array {name!r}; {suggest(name, self._infos)}")
        info = self._infos[name]
        place = self.place(name)
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DataError(f"{place} has a kind of compression that NumPy does not use")
        with cast(zipfile.ZipExtFile, self._archive.open(info)) as stream:
            yield place, stream


def _read_header(
    place: str, stream: BufferedIOBase
) -> tuple[Shape, np.dtype[Any], Literal["C", "F"]]:
    # NumPy parses the header as a Python literal: a damaged one can raise almost any exception.
    try:
        length_bytes, read_header = _HEADERS[np.lib.format.read_magic(stream)]
        length = stream.read(length_bytes)
        announced = int.from_bytes(length, "little")
        if announced > MAX_HEADER:
            raise DataError(
                f"{place} announces a header of {announced:,} bytes; NumPy's have at most"
                f" {MAX_HEADER:,}"
            )
        shape, fortran, dtype = read_header(BytesIO(length + stream.read(announced)))
    except (DataError, OSError, zipfile.BadZipFile, zlib.error):
        raise
    except Exception as error:
        raise DataError(f"{place} has an invalid header; save it with numpy.save") from error
    return shape, dtype, "F" if fortran else "C"
