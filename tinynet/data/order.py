"""The order of samples in an epoch, and of the rows of a dataset in a split by blocks."""

from functools import cached_property
from typing import Protocol

import numpy as np

from tinynet.data.bijection import Bijection
from tinynet.kernels.random import derive
from tinynet.types import Array


class Order(Protocol):
    """An order of the numbers 0 to N - 1."""

    def positions(self, start: int, stop: int) -> Array:
        """Return the numbers at the places ``start`` to ``stop`` - 1 of the order, (M,), int64."""
        ...


class Shuffle:
    """A random permutation, computed as a whole."""

    def __init__(self, size: int, *key: int | str) -> None:
        self._size, self._key = size, key

    @cached_property
    def _permutation(self) -> Array:
        return derive(*self._key).permutation(self._size)

    def positions(self, start: int, stop: int) -> Array:
        """Return a part of the permutation."""
        return self._permutation[start:stop]


class BlockOrder:
    """A random order of blocks of neighbors; memory and time do not depend on their number.

    A block is the numbers k to k + ``block`` - 1, where k is a multiple of ``block``; the last one
    may be shorter. Its place in the order is known (see `Bijection.inverse`), so the first place of
    any other block is a multiplication.
    """

    def __init__(self, size: int, block: int, *key: int | str) -> None:
        """Derive the order of 0 to ``size`` - 1 from a key."""
        self.size, self._block = size, block
        count = -(-size // block)
        self._blocks = Bijection(count, *key)
        self._missing = count * block - size  # of the last block
        last = int(self._blocks.inverse(np.array([count - 1]))[0]) if count else 0
        self._gap = (last + 1) * block - self._missing  # the first place after the last block

    def window(self, place: int, blocks: int) -> tuple[int, int]:
        """Return the first place of a window of ``blocks`` blocks, and that after its last place.

        The window is the one with ``place``.
        """
        width = blocks * self._block
        number = self._full(place) // width
        start, stop = (self._cut(full) for full in (number * width, (number + 1) * width))
        return start, min(stop, self.size)

    def later(self, place: int, blocks: int) -> int:
        """Return the place some complete blocks later, at most the size."""
        return min(self._cut(self._full(place) + blocks * self._block), self.size)

    def at(self, places: Array) -> Array:
        """Return the numbers at some places of the order, of the same shape."""
        full = places + np.where(places >= self._gap, self._missing, 0)
        numbers: Array = self._blocks(full // self._block) * self._block + full % self._block
        return numbers

    def positions(self, start: int, stop: int) -> Array:
        """Return the numbers at some consecutive places."""
        return self.at(np.arange(start, min(stop, self.size)))

    def _full(self, place: int) -> int:
        """Return the place if all blocks were complete."""
        return place + self._missing if place >= self._gap else place

    def _cut(self, full: int) -> int:
        """Return the place from that in complete blocks; the next one for a missing row."""
        return max(self._gap, full - self._missing) if full > self._gap else full


class WindowedBlocks:
    """A random order of blocks, with the rows of each window of blocks in random order.

    So consecutive places lie in few blocks, which a file larger than memory needs, and every place
    is computed in constant time and memory, which a resumed run needs.

    Attributes:
        width: The most rows in a window.
    """

    def __init__(self, size: int, block: int, window: int, *key: int | str) -> None:
        """Derive the order of 0 to ``size`` - 1 from a key.

        Args:
            size: Number of rows.
            block: Rows in a block.
            window: Blocks in a window.
            key: The key.
        """
        self._blocks = BlockOrder(size, block, *key)
        self._window, self._key = window, key
        self.width = block * window

    def positions(self, start: int, stop: int) -> Array:
        """Return the rows at some consecutive places."""
        parts = [np.empty(0, np.int64)]
        stop = min(stop, self._blocks.size)
        while start < stop:
            first, end = self._blocks.window(start, self._window)
            rows = Bijection(end - first, *self._key, "window", first)
            places = np.arange(start, min(stop, end)) - first
            parts.append(self._blocks.at(first + rows(places)))
            start = end
        return np.concatenate(parts)

    def upcoming(self, start: int, stop: int) -> Array:
        """Return the rows to read ahead, in few runs, when those at some places are read.

        They are those of the next window, as many. A window is complete before it begins.
        """
        first, end = (self._blocks.later(place, self._window) for place in (start, stop))
        return self._blocks.positions(first, end)
