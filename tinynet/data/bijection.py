"""Keyed permutations that are computed at any position, without the others.

A Feistel network on pairs (x, y) with x < A and y < B permutes the numbers below A B. Cycle walking
restricts it to the numbers below N <= A B: a result from N on is permuted again, until it is below
N. J. Black and P. Rogaway, "Ciphers with arbitrary finite domains", 2002, method 3.
"""

from collections.abc import Callable
from math import isqrt

import numpy as np

from tinynet.kernels.random import derive
from tinynet.types import Array

_ROUNDS = 8


class Bijection:
    """A permutation of the numbers 0 to ``size`` - 1 that follows from a key."""

    def __init__(self, size: int, *key: int | str) -> None:
        """Derive the permutation in constant time and memory."""
        self._size = size
        first = isqrt(max(size - 1, 0)) + 1
        self._sides = first, max(1, -(-size // first))
        # The raw numbers of the generator, which no version of NumPy changes.
        self._keys = derive(*key).bit_generator.random_raw(_ROUNDS)

    def __call__(self, values: Array) -> Array:
        """Return the permuted numbers, int64, of the shape of ``values``."""
        return self._walk(values, self._permute)

    def inverse(self, values: Array) -> Array:
        """Return the numbers that are permuted to ``values``."""
        return self._walk(values, self._permute_back)

    def _walk(self, values: Array, permute: Callable[[Array], Array]) -> Array:
        result = permute(values.astype(np.uint64))
        while (outside := result >= self._size).any():
            result[outside] = permute(result[outside])
        return result.astype(np.int64)

    def _permute(self, values: Array) -> Array:
        first, second = (np.uint64(side) for side in self._sides)
        x: Array = values // second
        y: Array = values % second
        for number in range(0, _ROUNDS, 2):
            x = (x + self._mixed(number, y) % first) % first
            y = (y + self._mixed(number + 1, x) % second) % second
        return x * second + y

    def _permute_back(self, values: Array) -> Array:
        first, second = (np.uint64(side) for side in self._sides)
        x: Array = values // second
        y: Array = values % second
        for number in range(_ROUNDS - 2, -1, -2):
            y = (y + second - self._mixed(number + 1, x) % second) % second
            x = (x + first - self._mixed(number, y) % first) % first
        return x * second + y

    def _mixed(self, number: int, values: Array) -> Array:
        """Return pseudorandom 64-bit numbers: the finalizer of SplitMix64 (Steele et al., 2014)."""
        mixed: Array = (values ^ self._keys[number]) * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(31)
        return mixed
