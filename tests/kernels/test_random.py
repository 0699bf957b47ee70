"""Random streams: the key alone decides the numbers."""

import copy
import pickle
from hashlib import blake2b

import numpy as np
import pytest

from tinynet.kernels.random import derive


@pytest.mark.parametrize("key", [(), ("dropout", 7, 3), (2**70, "é")])
def test_a_stream_is_that_of_philox_with_the_digest_as_key(key):
    """Other numbers would change every run that is resumed."""
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in key)
    digest = int.from_bytes(blake2b(text.encode(), digest_size=16).digest(), "little")
    expected = np.random.Generator(np.random.Philox(key=digest))
    np.testing.assert_array_equal(derive(*key).random(99), expected.random(99), strict=True)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda rng: pickle.loads(pickle.dumps(rng))])
def test_a_copy_continues_where_the_stream_is(copied):
    rng = derive("noise", 1)
    rng.random(5)
    assert copied(rng).random() == rng.random()
