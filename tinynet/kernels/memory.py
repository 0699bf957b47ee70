"""Memory for arrays: aligned to a cache line, and handed out again instead of allocated anew."""

import math
from collections import defaultdict
from typing import Any, Protocol, TypeAlias

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

    Arrays from ``empty`` stay valid until ``reset``; after it they may be handed out again, those
    of each shape in the same order.

    Attributes:
        generation: Number of resets.
        kept: Objects that passes keep for later ones, by any key.
    """

    def __init__(self) -> None:
        self.generation = 0
        self.kept: dict[Any, Any] = {}
        self._all: defaultdict[_Kind, list[Array]] = defaultdict(list)
        self._free: dict[_Kind, list[Array]] = {}

    def empty(self, shape: Shape, dtype: DTypeLike) -> Array:
        """Return an uninitialized, aligned array; see `aligned_empty`."""
        kind = shape, dtype
        free = self._free.get(kind)
        if free is None:  # the first since `reset`, which so takes no time for unused kinds
            free = self._free[kind] = self._all[kind][::-1]
        if free:
            return free.pop()
        array = aligned_empty(shape, dtype)
        self._all[kind].append(array)
        return array

    @property
    def arrays(self) -> list[Array]:
        """All arrays, in use or not."""
        return [array for arrays in self._all.values() for array in arrays]

    def reset(self) -> None:
        """Take back everything that was handed out."""
        self._free.clear()
        self.generation += 1

    def forget(self) -> None:
        """Leave the arrays to those that use them, and hand out none of them again."""
        self._free.clear()
        self._all.clear()
