"""Safe reading of data files: regular files only, and never more bytes than promised.

The size that a header promises is compared with the size of the file before memory is allocated, so
a false header costs nothing.
"""

import errno
import math
import os
import stat
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from io import BufferedIOBase, BufferedReader
from typing import Any, Literal

import numpy as np

from tinynet.errors import DataError
from tinynet.text.options import option
from tinynet.text.wording import closest, quote
from tinynet.types import Array, Shape

MAX_DEFLATE_RATIO = 1032
"""The most bytes that one byte of a deflate stream (gzip, zip) can unpack to."""

MAX_AXES = 32
"""Axes of an array; NumPy 2 allows 64."""

_BLOCK = 1 << 20

_LABELS = "; save labels as indices: names, y = numpy.unique(labels, return_inverse=True)"
_REMEDIES = {
    "U": _LABELS,
    "S": _LABELS,
    "M": '; save times as numbers: times.astype("int64")',
    "m": '; save times as numbers: times.astype("int64")',
    "f": '; save it in float64: array.astype("float64")',
}
"""Remedies for arrays that are not read, by the kind of dtype."""


@contextmanager
def open_file(path: str) -> Iterator[BufferedReader]:
    """Open a regular file for reading bytes; opening a pipe could wait forever.

    `DataError` stands for every error in the block that is one of the file or of memory.
    """
    try:
        _require_regular(path, os.stat(path).st_mode)
        with open(path, "rb", opener=_open_without_waiting) as file:
            _require_regular(path, os.fstat(file.fileno()).st_mode)
            yield file
    except (FileNotFoundError, NotADirectoryError) as error:
        if os.path.islink(path):
            raise DataError(
                f"{path} is a link to {os.readlink(path)}, which does not exist; no such file"
            ) from error
        raise DataError(
            f"no such file: {path}{_similar(path)} (relative paths start at the spec's folder or"
            f" {option('--data-root', 'data_root')})"
        ) from error
    except (MemoryError, OSError) as error:
        if isinstance(error, MemoryError) or error.errno == errno.ENOMEM:
            raise DataError(f"{path} does not fit into memory") from error
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    except (EOFError, zlib.error) as error:
        raise DataError(f"{path} is truncated or damaged: {error}") from error
    except ValueError as error:
        if "null byte" in str(error) or isinstance(error, UnicodeEncodeError):
            raise DataError(f"{path!r} cannot be the name of a file") from error
        raise


def _similar(path: str) -> str:
    """Return a hint at a file with a similar name in the same folder; it may be empty."""
    folder, name = os.path.split(path)
    with suppress(OSError, ValueError):
        meant = closest(name, os.listdir(folder or "."))
        return f"; did you mean {quote(meant)}?" if meant else ""
    return ""


def _require_regular(path: str, mode: int) -> None:
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "a pipe or a device"
        raise DataError(f"{path} is {kind}; a regular file is expected")


def _open_without_waiting(path: str, flags: int) -> int:
    # The path may have become a pipe meanwhile; opening one could wait forever.
    return os.open(path, flags | os.O_NONBLOCK)


def promised_size(
    place: str, shape: Shape, dtype: np.dtype[Any], *, of_samples: bool = True
) -> int:
    """Return the size in bytes of an array that a header describes.

    ``place`` is the file (and array), for messages; ``of_samples`` is True if the first axis is the
    samples of a dataset. `DataError` is raised for anything but numbers, for an impossible shape,
    and for no samples.
    """
    if dtype.hasobject:
        raise DataError(
            f"{place} holds Python objects, which only a pickle can hold, and unpickling runs code;"
            " save it as numbers"
        )
    if dtype.kind not in "biuf" or dtype.itemsize > 8:
        raise DataError(
            f"{place} has dtype {dtype}; integers or floats of at most 64 bits are expected"
            f"{_REMEDIES.get(dtype.kind, '')}"
        )
    if of_samples:
        _check_samples(place, shape)
    else:
        require_shape(place, shape)
    return math.prod(shape) * dtype.itemsize


def require_shape(place: str, shape: Shape) -> None:
    """Raise a `DataError` for a negative axis, and for too many axes."""
    if len(shape) > MAX_AXES or min(shape, default=0) < 0:
        raise DataError(f"{place} has the invalid shape {shape}; the limit is {MAX_AXES} axes")


def _check_samples(place: str, shape: Shape) -> None:
    if not 1 <= len(shape) <= MAX_AXES:
        raise DataError(
            f"{place} has {len(shape)} axes; between 1 and {MAX_AXES} are expected, samples first"
        )
    if shape[0] == 0:
        raise DataError(f"{place} has no samples: its shape is {shape}")
    if min(shape) < 1:
        raise DataError(f"{place} has shape {shape}; every axis must be at least 1")


def compare_counts(counts: Mapping[str, int]) -> None:
    """Raise `DataError` unless all numbers of samples, by file and array, are equal."""
    (first, count), *others = counts.items()
    for place, other in others:
        if other != count:
            raise DataError(
                f"{first} has {count:,} samples and {place} has {other:,}; they belong together,"
                " so both need the same number"
            )


def map_array(
    place: str,
    file: BufferedReader,
    shape: Shape,
    dtype: np.dtype[Any],
    order: Literal["C", "F"] = "C",
) -> Array:
    """Return the array that fills an uncompressed file from its position to its end, mapped."""
    require_filled(place, file, shape, dtype)
    return np.asarray(np.memmap(file, dtype, "r", file.tell(), shape, order))


def require_filled(place: str, file: BufferedReader, shape: Shape, dtype: np.dtype[Any]) -> int:
    """Return the bytes of an array that fills an uncompressed file from its position to its end.

    Raises:
        DataError: if it does not.
    """
    size = promised_size(place, shape, dtype)
    _compare_sizes(place, size, os.fstat(file.fileno()).st_size - file.tell())
    return size


def unpacked_size(
    place: str,
    compressed_size: int,
    shape: Shape,
    dtype: np.dtype[Any],
    *,
    of_samples: bool = True,
) -> int:
    """Return `promised_size`, unless a compressed file is too small for it: a `DataError`."""
    size = promised_size(place, shape, dtype, of_samples=of_samples)
    if size > MAX_DEFLATE_RATIO * compressed_size:
        raise DataError(
            f"{place} is damaged: its header declares {size:,} bytes (shape {shape}, {dtype}),"
            f" more than {compressed_size:,} compressed bytes can hold"
        )
    return size


def read_array(
    place: str,
    stream: BufferedIOBase,
    compressed_size: int,
    shape: Shape,
    dtype: np.dtype[Any],
    order: Literal["C", "F"] = "C",
    *,
    of_samples: bool = True,
) -> Array:
    """Return the array that fills a compressed stream from its position to its end.

    At most one byte more than the header promises is unpacked.
    """
    size = unpacked_size(place, compressed_size, shape, dtype, of_samples=of_samples)
    raw = np.empty(size, np.uint8)
    filled = 0
    while filled < size:
        count = stream.readinto(raw.data[filled : filled + _BLOCK])
        if not count:
            _compare_sizes(place, size, filled)
        filled += count
    if stream.read(1):
        raise DataError(f"{place} has data after the {size:,} bytes that its header promises")
    return raw.view(dtype).reshape(shape, order=order)


def _compare_sizes(place: str, promised: int, actual: int) -> None:
    if promised != actual:
        raise DataError(
            f"{place} is damaged: its header declares {promised:,} bytes, but {actual:,} follow"
        )
