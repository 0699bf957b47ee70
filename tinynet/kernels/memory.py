"""Memory for arrays: aligned to a cache line, and handed out again instead of allocated anew."""

import math
from collections import defaultdict
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from tinynet.types import Array, Shape

ALIGNMENT = 64
"""Bytes: a cache line, and the widest vector register there is."""

_Kind: TypeAlias = tuple[Shape, DTypeLike]


class Empty(Protocol):
    """A source of uninitialized arrays."""

    def __call__(self, shape: Shape, dtype: DTypeLike) -> Array: ...


def aligned_empty(shape: Shape, dtype: DTypeLike) -> Array:
    """Return an uninitialized, C-contiguous array whose first byte lies on a 64-byte boundary."""
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    raw = np.empty(size + ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % ALIGNMENT
    return raw[start : start + size].view(dtype).reshape(shape)


class Workspace:
    """Memory that one pass after another uses again, so that a step allocates nothing large.

    Arrays from ``empty`` stay valid until ``reset``; after it they may be handed out again.
    """

    def __init__(self) -> None:
        self._all: defaultdict[_Kind, list[Array]] = defaultdict(list)
        self._free: defaultdict[_Kind, list[Array]] = defaultdict(list)

    def empty(self, shape: Shape, dtype: DTypeLike) -> Array:
        """Return an uninitialized, aligned array; see `aligned_empty`."""
        try:
            return self._free[shape, dtype].pop()
        except IndexError:
            array = aligned_empty(shape, dtype)
            self._all[shape, dtype].append(array)
            return array

    def reset(self) -> None:
        """Take back everything that was handed out."""
        for kind, arrays in self._all.items():
            self._free[kind][:] = arrays
