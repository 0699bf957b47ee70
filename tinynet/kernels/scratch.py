"""Memory for the temporary arrays of a kernel, which the thread's next kernel uses again.

Arrays from ``empty`` stay in use until the end of a pass. In the same few buffers, temporary arrays
lie in the cache, and a step allocates nothing large.
"""

import math
import threading

import numpy as np
from numpy.typing import DTypeLike

from tinynet.kernels.memory import Empty, aligned_empty
from tinynet.types import Array, Shape


class _Buffers(threading.local):
    """The buffers of a thread: one for each array that a kernel uses at a time."""

    def __init__(self) -> None:
        self._buffers: list[Array] = []
        self._used = 0

    def restart(self) -> None:
        self._used = 0

    def empty(self, shape: Shape, dtype: DTypeLike) -> Array:
        size = math.prod(shape) * np.dtype(dtype).itemsize
        number = self._used
        self._used += 1
        if number == len(self._buffers):
            self._buffers.append(aligned_empty((size,), np.uint8))
        elif self._buffers[number].size < size:
            self._buffers[number] = aligned_empty((size,), np.uint8)
        return self._buffers[number][:size].view(dtype).reshape(shape)


_BUFFERS = _Buffers()


def scratch() -> Empty:
    """Return a source of arrays, which are valid until the next call of this function."""
    _BUFFERS.restart()
    return _BUFFERS.empty
