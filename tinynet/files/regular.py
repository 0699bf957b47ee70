"""Reading what a spec names: regular files only, and never more of them than they promise.

The size that a header promises is compared with the size of the file before memory is taken, so a
header that lies costs nothing.
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
from tinynet.text.wording import closest, quote
from tinynet.types import Array, Shape

MAX_DEFLATE_RATIO = 1032
"""Bytes that one byte of a deflate stream (gzip, zip) can stand for at most."""

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
"""The way to save an array that is not read, by the kind of its dtype."""


@contextmanager
def open_file(path: str) -> Iterator[BufferedReader]:
    """The file at ``path``, open for reading bytes.

    Raises:
        DataError: if it does not exist, is no regular file (opening a pipe could wait for ever),
            may not be read, or fails while it is read.
    """
    try:
        _require_regular(path, os.stat(path).st_mode)
        with open(path, "rb", opener=_open_without_waiting) as file:
            _require_regular(path, os.fstat(file.fileno()).st_mode)
            yield file
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DataError(
            f"no such file: {path}{_similar(path)} (relative paths start at the spec's folder or"
            " --data-root)"
        ) from error
    except MemoryError as error:
        raise DataError(f"{path} does not fit into memory") from error
    except OSError as error:
        if error.errno == errno.ENOMEM:
            raise DataError(f"{path} does not fit into memory") from error
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    except (EOFError, zlib.error) as error:
        raise DataError(f"{path} is truncated or damaged: {error}") from error
    except ValueError as error:
        if "null byte" in str(error) or isinstance(error, UnicodeEncodeError):
            raise DataError(f"{path!r} cannot be the name of a file") from error
        raise


def _similar(path: str) -> str:
    """A hint that names a file of a similar name in the same folder, or nothing."""
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
    # The path may have become a pipe since it was looked at; opening one could wait for ever.
    return os.open(path, flags | os.O_NONBLOCK)


def promised_size(
    place: str, shape: Shape, dtype: np.dtype[Any], *, of_samples: bool = True
) -> int:
    """Bytes of an array that a header describes.

    Args:
        place: The file (and array), for messages.
        shape: Of the array.
        dtype: Of one element.
        of_samples: Whether its first axis is that of a dataset's samples.

    Raises:
        DataError: if it holds no numbers, has an impossible shape, or should hold samples and
            has none.
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
    elif len(shape) > MAX_AXES or min(shape, default=0) < 0:
        raise DataError(f"{place} has shape {shape}, which no array of at most {MAX_AXES} axes has")
    return math.prod(shape) * dtype.itemsize


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
    """Require the same number of samples everywhere.

    Args:
        counts: Number of samples by the place that holds them: the file, and the array in it.

    Raises:
        DataError: naming the first place and one that differs from it.
    """
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
    """The array that fills an uncompressed file from here to its end, mapped and never loaded.

    Raises:
        DataError: if the file is not exactly as long as that.
    """
    start = file.tell()
    _compare_sizes(
        place, promised_size(place, shape, dtype), os.fstat(file.fileno()).st_size - start
    )
    return np.asarray(np.memmap(file, dtype, "r", start, shape, order))


def unpacked_size(
    place: str,
    compressed_size: int,
    shape: Shape,
    dtype: np.dtype[Any],
    *,
    of_samples: bool = True,
) -> int:
    """Bytes of an array that the header of a compressed file describes.

    Raises:
        DataError: as `promised_size`, and if the file is too small to hold so much.
    """
    size = promised_size(place, shape, dtype, of_samples=of_samples)
    if size > MAX_DEFLATE_RATIO * compressed_size:
        raise DataError(
            f"{place}: the header promises {size:,} bytes (shape {shape}, {dtype}), and the"
            f" {compressed_size:,} bytes of the file cannot hold so much"
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
    """The array that fills a compressed stream from here to its end.

    Reads one byte more than the header promises, whatever the stream would unpack to.

    Raises:
        DataError: if the stream does not hold exactly that.
    """
    size = unpacked_size(place, compressed_size, shape, dtype, of_samples=of_samples)
    raw = np.empty(size, np.uint8)
    memory = raw.data
    filled = 0
    while filled < size:
        count = stream.readinto(memory[filled : filled + _BLOCK])
        if not count:
            _compare_sizes(place, size, filled)
        filled += count
    if stream.read(1):
        raise DataError(f"{place} has data after the {size:,} bytes that its header promises")
    return raw.view(dtype).reshape(shape, order=order)


def _compare_sizes(place: str, promised: int, found: int) -> None:
    if promised != found:
        raise DataError(
            f"{place}: the header promises {promised:,} bytes of data, and {found:,} are there"
        )
