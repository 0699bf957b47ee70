"""Gradients of all parameters in one vector, which processes exchange in few messages."""

import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from tinynet.kernels.memory import ALIGNMENT
from tinynet.types import Array, Shape

Placed: TypeAlias = tuple[int, list[Array]]
"""1-D arrays of one length, one for each shard, and their start in the vector."""


class FlatLayout:
    """The places of the parameters in a vector.

    Each gradient begins at a multiple of `ALIGNMENT`, with a gap before it if necessary.

    If there is only one shard, the orders of axes follow: its gradients keep their order of
    elements in memory, as in a single process, since it decides on the last bits of their norms.

    Attributes:
        length: Length of the vector without orders of axes.
        full_length: Its length with them.
    """

    def __init__(self, shapes: Mapping[str, Shape], dtype: DTypeLike) -> None:
        """Assign the places.

        Args:
            shapes: Shape of each parameter, by address, in the order of the vector.
            dtype: Type of the elements.
        """
        self._dtype = np.dtype(dtype)
        self._places: dict[str, tuple[int, Shape]] = {}
        self._gaps: list[tuple[int, Array]] = []
        unit, end = ALIGNMENT // self._dtype.itemsize, 0
        for address, shape in shapes.items():
            start = -(-end // unit) * unit
            if start > end:
                self._gaps.append((end, np.zeros(start - end, self._dtype)))
            self._places[address] = start, shape
            end = start + math.prod(shape)
        self.length = end
        self.full_length = end + sum([len(shape) for shape in shapes.values()])

    def place(self, parts: Mapping[str, Sequence[Array]], shards: int) -> list[Placed]:
        """Return the places of gradients, and those of the gaps with zeros.

        Args:
            parts: The gradients of several shards, by address.
            shards: Number of these shards.
        """
        gradients = [
            (start, [np.ascontiguousarray(part).reshape(-1) for part in parts[address]])
            for address, (start, _) in self._places.items()
        ]
        return gradients + [(start, [zeros] * shards) for start, zeros in self._gaps]

    def place_one(self, parts: Mapping[str, Sequence[Array]]) -> list[Placed]:
        """Return the places of the gradients of the only shard, and of their orders of axes."""
        orders = {address: _memory_order(parts[address][0]) for address in self._places}
        ordered = {address: [parts[address][0].transpose(orders[address])] for address in orders}
        axes = np.array([axis for order in orders.values() for axis in order], self._dtype)
        return [*self.place(ordered, 1), (self.length, [axes])]

    def views(self, vector: Array) -> dict[str, Array]:
        """Return the gradients in a vector, by address."""
        return {
            address: vector[start : start + math.prod(shape)].reshape(shape)
            for address, (start, shape) in self._places.items()
        }

    def views_of_one(self, vector: Array) -> dict[str, Array]:
        """Return the gradients of the only shard in a vector, by address."""
        views, axes = {}, vector[self.length : self.full_length].astype(int)
        for address, (start, shape) in self._places.items():
            order, axes = axes[: len(shape)], axes[len(shape) :]
            stored = vector[start : start + math.prod(shape)].reshape([shape[a] for a in order])
            views[address] = stored.transpose(np.argsort(order))
        return views


def _memory_order(array: Array) -> list[int]:
    """Return the axes of an array, those with the largest steps in memory first."""
    if array.flags.c_contiguous:
        return list(range(array.ndim))
    return sorted(range(array.ndim), key=lambda axis: -abs(array.strides[axis]))
