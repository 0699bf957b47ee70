"""Random streams, derived from a key that names their purpose: (seed, step, node, ...).

No generator state has to be saved: the same key gives the same stream in any process, in any order.
"""

from hashlib import blake2b

import numpy as np


def derive(*key: int | str) -> np.random.Generator:
    """Return the random stream of a key.

    Streams of different keys are independent. The generator is Philox, which is counter-based
    (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", 2011).
    """
    text = "\x1f".join([f"{type(part).__name__}:{part}" for part in key])
    digest = blake2b(text.encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest, "little")))
