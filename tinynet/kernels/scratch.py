"""Memory for the temporary arrays of a kernel, which the thread's next kernel uses again.

Arrays from ``empty`` stay in use until the end of a pass. In the same few buffers, temporary arrays
lie in the cache, and a step allocates nothing large.
"""

import math
import sys
import threading
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from tinynet.kernels.memory import ALIGNMENT
from tinynet.types import Array, Shape

LARGEST = 2**25
"""Bytes of the largest buffer that is kept. They are never released, unlike larger arrays."""

_UNUSED = 2
"""References to memory that no array uses: that of its buffer, and that of the call that counts."""


class _Buffer(NamedTuple):
    """Some memory, of which the bytes from an aligned one on are used.

    Attributes:
        memory: The memory.
        start: Number of the aligned byte.
        size: Bytes from there on.
    """

    memory: Array
    start: int
    size: int

    @classmethod
    def of(cls, size: int) -> "_Buffer":
        """Return new memory for so many bytes."""
        memory = np.empty(size + ALIGNMENT, np.uint8)
        return cls(memory, -memory.ctypes.data % ALIGNMENT, size)


class _Buffers(threading.local):
    """The buffers of a thread: as many as arrays were in use at a time."""

    def __init__(self) -> None:
        self._buffers: list[_Buffer] = []

    def take(self, size: int) -> _Buffer:
        """Return a buffer of at least so many bytes that no array uses."""
        # A kernel that runs between two lines of another one, in a handler of a signal, finds the
        # buffers of that one in use.
        for number, buffer in enumerate(self._buffers):
            if sys.getrefcount(buffer.memory) == _UNUSED:
                if buffer.size < size:
                    buffer = self._buffers[number] = _Buffer.of(size)
                return buffer
        self._buffers.append(_Buffer.of(size))
        return self._buffers[-1]


_BUFFERS = _Buffers()


def scratch(shape: Shape, dtype: DTypeLike) -> Array:
    """Return an uninitialized, aligned array; its memory is used again once nothing refers to it.

    Only for arrays that no kernel returns or keeps.
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    buffer = _BUFFERS.take(size) if size <= LARGEST else _Buffer.of(size)
    return np.ndarray(shape, dtype, buffer.memory, buffer.start)
