"""NumPy's two file formats, read without pickle and without believing their headers."""

import os
import zipfile
import zlib
from collections.abc import Iterable
from io import BufferedIOBase
from typing import Any, Literal, cast

import numpy as np

from tinynet.config import suggest
from tinynet.errors import DataError
from tinynet.files.regular import map_array, open_file, read_array
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


def read_npz(path: str, names: Iterable[str]) -> dict[str, Array]:
    """The named arrays of an .npz file.

    Raises:
        DataError: if the file is none, lacks a name, or an array is not as long as it says.
    """
    with open_file(path) as file:
        try:
            with zipfile.ZipFile(file) as archive:
                members = {_array_name(info): info for info in archive.infolist()}
                return {name: _read_member(path, archive, members, name) for name in names}
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError) as error:
            raise DataError(f"{path} is no .npz file, or a damaged one: {error}") from error


def _array_name(info: zipfile.ZipInfo) -> str:
    return info.filename.removesuffix(".npy")


def _read_member(
    path: str, archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], name: str
) -> Array:
    if name not in members:
        raise DataError(f"{path} has no array {name!r}; {suggest(name, members)}")
    info = members[name]
    place = f"{path}, array {name!r}"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise DataError(f"{place} is compressed in a way that NumPy never uses")
    file_size = os.path.getsize(path)
    with cast(zipfile.ZipExtFile, archive.open(info)) as stream:
        shape, dtype, order = _read_header(place, stream)
        return read_array(place, stream, file_size, shape, dtype, order)


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
