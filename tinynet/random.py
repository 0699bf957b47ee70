"""Randomness is derived, never stored: a generator follows from what it is for.

There is no generator state to save or to lose. Whoever needs random numbers names the purpose
(seed, step, node, ...) and gets the stream that belongs to it, in any process, in any order.
"""

from hashlib import blake2b

import numpy as np


def derive(*key: int | str) -> np.random.Generator:
    """The random stream that belongs to ``key``.

    Streams of different keys are independent (Philox, a counter-based generator: Salmon et al.,
    2011); the same key gives the same stream on every machine and in every process.
    """
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in key)
    digest = blake2b(text.encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest, "little")))
