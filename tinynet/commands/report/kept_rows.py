"""A bounded part of many rows, the same in every report of the same data."""

import numpy as np

from tinynet.types import Array


class KeptRows:
    """Rows of several arrays: all of them, or a random part if they are too many.

    Attributes:
        is_part: True if rows were left out.
    """

    def __init__(self, most: int, expected: int) -> None:
        """Keep about ``most`` of ``expected`` rows."""
        self._share = most / max(expected, 1)
        self._random = np.random.default_rng(0)
        self._parts: list[tuple[Array, ...]] = []
        self.is_part = self._share < 1

    def add(self, *arrays: Array) -> None:
        """Add rows, which are the first axis of each array."""
        if self.is_part:
            chosen = self._random.random(len(arrays[0])) < self._share
            arrays = tuple(array[chosen] for array in arrays)
        self._parts.append(tuple(np.array(array) for array in arrays))

    def joined(self) -> tuple[Array, ...]:
        """Return all rows that are kept."""
        return tuple(np.concatenate(arrays) for arrays in zip(*self._parts, strict=True))
