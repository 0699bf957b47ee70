"""Indices of the samples of a split, which are computed where an array of all would be large."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from tinynet.types import Array

MANY = 1 << 22
"""Number of indices from which they are computed when they are needed."""


class Indices(Protocol):
    """Indices (N,), ascending or not; arrays are such."""

    def __len__(self) -> int: ...

    def __getitem__(self, positions: Any, /) -> Any:
        """Return the indices at some positions: an array, a slice or a number."""


@dataclass(frozen=True)
class ComputedIndices:
    """Indices that a function computes from their positions.

    Attributes:
        size: Their number.
        compute: Return the indices at positions (M,) from 0 to ``size`` - 1.
    """

    size: int
    compute: Callable[[Array], Array]

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, positions: Any, /) -> Any:
        if isinstance(positions, slice):
            positions = np.arange(*positions.indices(self.size))
        chosen = np.asarray(positions)
        if ((chosen < -self.size) | (chosen >= self.size)).any():
            raise IndexError(f"there are {self.size:,} indices")
        return self.compute(np.where(chosen < 0, chosen + self.size, chosen))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.asarray(self[:], dtype)


def index_range(start: int, stop: int) -> Indices:
    """Return the indices ``start`` to ``stop`` - 1: an array, unless they are many."""
    if stop - start < MANY:
        return np.arange(start, stop)
    return ComputedIndices(stop - start, lambda positions: positions + start)
