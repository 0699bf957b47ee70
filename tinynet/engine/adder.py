"""Sums of arrays, computed in pieces that fit the cache, by several threads if they are large."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from tinynet.engine.threads import ThreadPool
from tinynet.engine.tree import Additions
from tinynet.kernels.memory import aligned_empty
from tinynet.types import Array

PIECE = 2**16
"""Elements that are added at a time: few enough for the cache, and enough to hide the calls."""

LARGE_SUMS = 2**20
"""Bytes of sums above which several threads compute them faster."""


class Sum(NamedTuple):
    """A sum to be computed.

    Attributes:
        additions: Its additions.
        parts: Arrays of one shape.
        out: The array for the sum, C-contiguous, of the same shape. It may be one of two parts.
    """

    additions: Additions
    parts: Sequence[Array]
    out: Array


class Adder:
    """Computes sums, and keeps the memory for temporary arrays."""

    def __init__(self, pool: ThreadPool, dtype: DTypeLike) -> None:
        """Allocate nothing yet.

        Args:
            pool: The threads.
            dtype: Type of the elements of all sums.
        """
        self._pool, self._dtype = pool, dtype
        self._temporaries: list[list[Array]] = [[] for _ in range(pool.size)]

    def run(self, sums: Sequence[Sum]) -> None:
        """Compute some sums."""
        threads = self._pool.size
        if threads == 1 or sum([item.out.nbytes for item in sums]) < LARGE_SUMS:
            self._run(sums, 0)
            return
        self._pool.run(
            [partial(self._run, share, n) for n, share in enumerate(_shares(sums, threads))]
        )

    def _run(self, sums: Sequence[Sum], thread: int) -> None:
        temporaries = self._temporaries[thread]
        for item in sums:
            # A single addition passes over its arrays only once, in pieces or not.
            if item.out.size <= PIECE or len(item.additions.steps) < 2:
                self._add(item, temporaries)
                continue
            for piece in _cut(item, PIECE):
                self._add(piece, temporaries)

    def _add(self, item: Sum, temporaries: list[Array]) -> None:
        additions, parts, out = item
        needed = additions.temporaries
        if not needed:
            additions.run(parts, out, ())
        elif out.size > PIECE:
            additions.run(parts, out, [np.empty_like(out) for _ in range(needed)])
        else:
            while len(temporaries) < needed:
                temporaries.append(aligned_empty((PIECE,), self._dtype))
            shaped = [array[: out.size].reshape(out.shape) for array in temporaries[:needed]]
            additions.run(parts, out, shaped)


def _shares(sums: Sequence[Sum], threads: int) -> list[list[Sum]]:
    """Divide sums among threads, so that each adds about the same number of elements."""
    size = -(-sum([item.out.size for item in sums]) // threads)
    pieces = [piece for item in sums for piece in _cut(item, size)]
    shares: list[list[Sum]] = [[] for _ in range(threads)]
    loads = [0] * threads
    for piece in sorted(pieces, key=lambda piece: -piece.out.size):
        thread = loads.index(min(loads))
        shares[thread].append(piece)
        loads[thread] += piece.out.size
    return shares


def _cut(item: Sum, size: int) -> Iterator[Sum]:
    """Yield the sums of pieces of the arrays of some size.

    Arrays whose elements have another order in memory, which no layer of tinynet returns as
    gradients, are one piece.
    """
    additions, parts, out = item
    if out.size <= size or not all(part.flags.c_contiguous for part in parts):
        yield item
        return
    flat, out = [part.reshape(-1) for part in parts], out.reshape(-1)
    for start in range(0, out.size, size):
        piece = slice(start, start + size)
        yield Sum(additions, [part[piece] for part in flat], out[piece])
