"""Memory for arrays: aligned to a cache line, and handed out again instead of allocated anew."""

import math
from typing import Any, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import DTypeLike

from tinynet.types import Array, Shape

ALIGNMENT = 64
"""Bytes: a cache line, and the widest vector register there is."""

MOST_GROWTHS = 8
"""Passes that allocate memory until the arrays that none of them used are released. Batches of a
few sizes allocate nothing more after their first passes; of many sizes, only the last ones stay."""

MOST_KEPT = 16
"""Most objects that are kept for each owner: passes over the shapes of as many batches."""

CHUNK = 2**24
"""Bytes of a chunk of memory for several arrays."""

FIRST_BYTES = 2**23
"""Bytes of arrays that have memory of their own, since most of a chunk might stay unused."""

_Kind: TypeAlias = tuple[Shape, DTypeLike]

_T = TypeVar("_T")


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


class Chunks:
    """Memory for arrays, from large chunks after the first arrays.

    For 4 MiB and more, NumPy requests pages of 2 MiB from Linux. Most arrays of a large network are
    smaller, but exceed the caches together: in small pages, a step takes up to a tenth longer.
    """

    def __init__(self) -> None:
        self._allocated = 0
        self._rest = np.empty(0, np.uint8)  # of the last chunk

    def empty(self, shape: Shape, dtype: DTypeLike) -> Array:
        """Return an uninitialized, aligned array; see `aligned_empty`."""
        size = math.prod(shape) * np.dtype(dtype).itemsize
        self._allocated += size
        if self._allocated <= FIRST_BYTES or size > CHUNK // 4:
            return aligned_empty(shape, dtype)
        if size > len(self._rest):
            self._rest = aligned_empty((CHUNK,), np.uint8)
        own, self._rest = self._rest[:size], self._rest[size + -size % ALIGNMENT :]
        return own.view(dtype).reshape(shape)


class Workspace:
    """Memory that one pass after another uses again, so that a step allocates nothing large.

    Arrays from ``empty`` stay valid until ``reset``; after it they may be handed out again, those
    of each shape in the same order. Arrays of shapes that did not come for long are released.

    Attributes:
        generation: Number of resets.
        kept: Objects that passes keep for later ones, by a key whose first part is their owner.
        chunks: The memory of its arrays.
    """

    def __init__(self, chunks: Chunks | None = None) -> None:
        self.generation = 0
        self.chunks = Chunks() if chunks is None else chunks
        self.kept: dict[tuple[Any, ...], Any] = {}
        self._all: dict[_Kind, list[Array]] = {}
        self._older: dict[_Kind, list[Array]] = {}  # not used since `_growths` was 0
        self._free: dict[_Kind, list[Array]] = {}
        self._growths, self._grows = 0, False

    def empty(self, shape: Shape, dtype: DTypeLike) -> Array:
        """Return an uninitialized, aligned array; see `aligned_empty`."""
        kind = shape, dtype
        free = self._free.get(kind)
        if free is None:  # the first since `reset`, which so takes no time for unused kinds
            arrays = self._all.get(kind)
            if arrays is None:
                arrays = self._all[kind] = self._older.pop(kind, [])
            free = self._free[kind] = arrays[::-1]
        if free:
            return free.pop()
        array = self.chunks.empty(shape, dtype)
        self._all[kind].append(array)
        self._grows = True
        return array

    def keep(self, key: tuple[Any, ...], kept: _T) -> _T:
        """Keep an object and return it; the oldest of its owner is dropped if these are too many.

        Args:
            key: The key. Its first part is the owner.
            kept: The object.
        """
        of_owner = [other for other in self.kept if other[0] is key[0]]
        if len(of_owner) >= MOST_KEPT:
            del self.kept[of_owner[0]]
        self.kept[key] = kept
        return kept

    @property
    def arrays(self) -> list[Array]:
        """All arrays, in use or not."""
        return [
            array for kinds in (self._all, self._older) for each in kinds.values() for array in each
        ]

    def reset(self) -> None:
        """Take back everything that was handed out."""
        self._free.clear()
        self.generation += 1
        if self._grows:
            self._growths, self._grows = self._growths + 1, False
            if self._growths == MOST_GROWTHS:
                self._growths, self._older, self._all = 0, self._all, {}
                self.chunks = Chunks()  # Memory is only released in whole chunks.

    def forget(self) -> None:
        """Leave the arrays to those that use them, and hand out none of them again."""
        self._free.clear()
        self._all.clear()
        self._older.clear()
