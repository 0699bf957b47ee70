"""Random streams, derived from a key that names their purpose: (seed, step, node, ...).

No generator state has to be saved: the same key gives the same stream in any process, in any order.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.random.bit_generator import ISeedSequence

from tinynet.kernels.memory import Empty
from tinynet.types import Array, Shape

Key = Sequence[int | str]

_LITTLE_ENDIAN = np.dtype("<u8")


class _Key(ISeedSequence):
    """The key of a generator; one given as ``key=`` costs entropy from the system besides."""

    def __init__(self, words: Array) -> None:
        self._words = words.astype(np.uint64)

    def generate_state(self, n_words: int, dtype: Any = np.uint64) -> Any:
        """Return the two words of the key."""
        return self._words


def derive(*key: int | str) -> np.random.Generator:
    """Return the random stream of a key.

    Streams of different keys are independent. The generator is Philox, which is counter-based
    (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", 2011).
    """
    words: Any = _Key(_words(key))  # whose kind NumPy accepts, but does not declare
    return np.random.Generator(np.random.Philox(words))


def stream_key(*key: int | str) -> Array:
    """Return the key of Philox for the stream of a key, (2,), int64; see `uniform`."""
    return _words(key).astype(np.int64)


def uniform(key: Array, first: int, shape: Shape, empty: Empty) -> Array:
    """See `tinynet.kernels.Kernels.uniform`."""
    words: Any = _Key(key)
    rng, numbers = np.random.Generator(np.random.Philox(words)), empty(shape, np.float32)
    rng.random(first, dtype=np.float32)
    rng.random(dtype=np.float32, out=numbers)
    return numbers


class Streams:
    """The random streams of some samples, whose keys differ in the sample's number only.

    ``streams(i)`` is ``derive(*before, numbers[i], *after)``.
    """

    def __init__(self, before: Key, numbers: Array, after: Key) -> None:
        self._before, self._numbers, self._after = before, numbers, after

    def __call__(self, i: int) -> np.random.Generator:
        return derive(*self._before, int(self._numbers[i]), *self._after)

    def random(self, count: int) -> Array:
        """Return ``streams(i).random(count)`` for every sample, (N, count).

        Of a new generator only the key differs, and to set it is faster than to construct one.
        """
        draws, generator = np.empty((len(self._numbers), count)), derive()
        bits: Any = generator.bit_generator
        state = bits.state
        for row, number in zip(draws, self._numbers.tolist(), strict=True):
            state["state"]["key"] = _words((*self._before, number, *self._after))
            bits.state = state
            generator.random(out=row)
        return draws


def _words(key: Key) -> Array:
    """Return the key of Philox, two integers of 64 bits."""
    text = "\x1f".join([f"{type(part).__name__}:{part}" for part in key])
    return np.frombuffer(blake2b(text.encode(), digest_size=16).digest(), _LITTLE_ENDIAN)
