"""Random streams, derived from a key that names their purpose: (seed, step, node, ...).

No generator state has to be saved: the same key gives the same stream in any process, in any order.
"""

from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.random.bit_generator import ISeedSequence


class _Key(ISeedSequence):
    """The key of a generator; one given as ``key=`` costs entropy from the system besides."""

    def __init__(self, digest: bytes) -> None:
        self._words = np.frombuffer(digest, "<u8").astype(np.uint64)

    def generate_state(self, n_words: int, dtype: Any = np.uint64) -> Any:
        """Return the two words of the key."""
        return self._words


def derive(*key: int | str) -> np.random.Generator:
    """Return the random stream of a key.

    Streams of different keys are independent. The generator is Philox, which is counter-based
    (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", 2011).
    """
    text = "\x1f".join([f"{type(part).__name__}:{part}" for part in key])
    digest = blake2b(text.encode(), digest_size=16).digest()
    words: Any = _Key(digest)  # whose kind NumPy accepts, but does not declare
    return np.random.Generator(np.random.Philox(words))
