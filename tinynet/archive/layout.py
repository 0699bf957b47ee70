"""The positions of the parts in an archive: the document, then each tensor."""

from collections.abc import Iterator

import numpy as np

from tinynet.archive.header import Directory
from tinynet.kernels.memory import ALIGNMENT
from tinynet.types import Array

MAX_CHUNK = 2**30
"""Bytes of a tensor in one msgpack object, which every language can hold in one."""

PIECE = 2**22
"""Bytes that are hashed while they are still in the processor's cache."""


def frame(position: int, length: int) -> bytes:
    """Return the bytes between ``position`` and the content of the next bin 32."""
    zeros = -(position + 7) % ALIGNMENT
    return b"\xc4" + bytes([zeros]) + bytes(zeros) + b"\xc6" + length.to_bytes(4, "big")


def file_size(start: int, directory: Directory) -> int:
    """Return the length of the file whose parts begin after ``start`` bytes."""
    end = start
    for size in (directory.document[0], *(entry.nbytes for entry in directory.tensors.values())):
        if size:
            # A full chunk ends at a multiple of 64, so the frame behind it takes 64 bytes.
            between = ALIGNMENT * ((size - 1) // MAX_CHUNK)
            end += len(frame(end, 0)) + size + between
    return end


def cut(view: memoryview, size: int) -> Iterator[memoryview]:
    """Iterate over slices of ``size`` bytes; the last one is the rest."""
    for start in range(0, len(view), size):
        yield view[start : start + size]


def bytes_of(array: Array) -> memoryview:
    """Return the bytes of an array that is C-contiguous."""
    return array.reshape(-1).view(np.uint8).data
