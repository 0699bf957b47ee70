"""NumPy's two file formats, read without pickle and without believing their headers."""

import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from typing import Any, Literal, cast

import numpy as np

from tinynet.errors import DataError
from tinynet.files.regular import map_array, open_file, promised_size, read_array
from tinynet.text.wording import suggest
from tinynet.types import Array, Shape

_HEADER_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
"""Version 3.0 differs in the names of structured arrays alone, which hold no samples."""


def map_npy(path: str) -> Array:
    """The array of an .npy file, mapped: a file larger than memory opens.

    Raises:
        DataError: if the file is none, holds anything but numbers, or is not as long as it says.
    """
    with open_file(path) as file:
        shape, dtype, order = _read_header(path, file)
        return map_array(path, file, shape, dtype, order)


def read_npz(path: str, names: Iterable[str], *, of_samples: bool = True) -> dict[str, Array]:
    """The named arrays of an .npz file.

    Args:
        path: The file.
        names: Which.
        of_samples: Whether their first axis is that of a dataset's samples.

    Raises:
        DataError: if the file is none, lacks a name, or an array is not as long as it says.
    """
    with _members(path) as members:
        return {name: members.read(name, of_samples) for name in names}


def read_npz_headers(path: str) -> dict[str, tuple[Shape, np.dtype[Any]]]:
    """Shape and dtype of every array of an .npz file, by name, as they are promised.

    Raises:
        DataError: if the file is none, or holds anything but numbers.
    """
    with _members(path) as members:
        return {name: members.header(name) for name in members}


@contextmanager
def _members(path: str) -> Iterator["_Members"]:
    with open_file(path) as file:
        try:
            with zipfile.ZipFile(file) as archive:
                yield _Members(path, archive)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError) as error:
            raise DataError(f"{path} is no .npz file, or a damaged one: {error}") from error


class _Members:
    """The arrays of an open .npz file."""

    def __init__(self, path: str, archive: zipfile.ZipFile) -> None:
        self._path = path
        self._archive = archive
        self._infos = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}

    def __iter__(self) -> Iterator[str]:
        return iter(self._infos)

    def read(self, name: str, of_samples: bool) -> Array:
        with self._opened(name) as (place, stream):
            file_size = os.path.getsize(self._path)
            shape, dtype, order = _read_header(place, stream)
            return read_array(place, stream, file_size, shape, dtype, order, of_samples=of_samples)

    def header(self, name: str) -> tuple[Shape, np.dtype[Any]]:
        with self._opened(name) as (place, stream):
            shape, dtype, _ = _read_header(place, stream)
            promised_size(place, shape, dtype, of_samples=False)
            return shape, dtype

    @contextmanager
    def _opened(self, name: str) -> Iterator[tuple[str, BufferedIOBase]]:
        if name not in self._infos:
            raise DataError(f"{self._path} has no array {name!r}; {suggest(name, self._infos)}")
        info = self._infos[name]
        place = f"{self._path}, array {name!r}"
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DataError(f"{place} is compressed in a way that NumPy never uses")
        with cast(zipfile.ZipExtFile, self._archive.open(info)) as stream:
            yield place, stream


def _read_header(
    place: str, stream: BufferedIOBase
) -> tuple[Shape, np.dtype[Any], Literal["C", "F"]]:
    # NumPy parses the header as a Python literal, so a damaged one can raise almost anything.
    try:
        version = np.lib.format.read_magic(stream)
        shape, fortran, dtype = _HEADER_READERS[version](stream)
    except (OSError, zipfile.BadZipFile, zlib.error):
        raise
    except Exception as error:
        raise DataError(f"{place} has no header that NumPy could have written") from error
    return shape, dtype, "F" if fortran else "C"
