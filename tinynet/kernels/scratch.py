"""Memory for the temporary arrays of a kernel, which the thread's next kernel uses again.

Arrays from ``empty`` stay in use until the end of a pass. In the same few buffers, temporary arrays
lie in the cache, and a step allocates nothing large.
"""

import math
import sys
import threading

import numpy as np
from numpy.typing import DTypeLike

from tinynet.kernels.memory import ALIGNMENT
from tinynet.types import Array, Shape

LARGEST = 2**25
"""Bytes of the largest buffer that is kept. They are never released, unlike larger arrays."""

_UNUSED = 2
"""References to a buffer that no array uses: that of the list, and that of the call that counts."""


class _Buffers(threading.local):
    """The buffers of a thread: as many as arrays were in use at a time."""

    def __init__(self) -> None:
        self._buffers: list[Array] = []

    def take(self, size: int) -> Array:
        """Return a buffer of at least so many bytes that no array uses."""
        # A kernel that runs between two lines of another one, in a handler of a signal, finds the
        # buffers of that one in use.
        for number in range(len(self._buffers)):
            if sys.getrefcount(self._buffers[number]) == _UNUSED:
                if self._buffers[number].size < size:
                    self._buffers[number] = np.empty(size, np.uint8)
                return self._buffers[number]
        buffer = np.empty(size, np.uint8)
        self._buffers.append(buffer)
        return buffer


_BUFFERS = _Buffers()


def scratch(shape: Shape, dtype: DTypeLike) -> Array:
    """Return an uninitialized, aligned array; its memory is used again once nothing refers to it.

    Only for arrays that no kernel returns or keeps.
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    needed = size + ALIGNMENT
    buffer = _BUFFERS.take(needed) if needed <= LARGEST else np.empty(needed, np.uint8)
    start = -buffer.ctypes.data % ALIGNMENT
    return buffer[start : start + size].view(dtype).reshape(shape)
