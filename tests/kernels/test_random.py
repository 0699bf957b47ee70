"""Random streams: the key alone decides the numbers."""

import copy
import pickle
from hashlib import blake2b

import numpy as np
import pytest

from tinynet.kernels.random import Streams, derive


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


def test_streams_of_samples_are_those_of_their_keys():
    """Augmentation must not depend on the way in which its numbers are drawn."""
    numbers = np.array([7, 0, 2**62, 7])
    streams = Streams(("sample", 5), numbers, (2, "x"))
    whole = streams.random(9)
    for i, number in enumerate(numbers.tolist()):
        right = derive("sample", 5, number, 2, "x").random(9)
        np.testing.assert_array_equal(streams(i).random(9), right)
        np.testing.assert_array_equal(whole[i], right)
    assert np.array_equal(streams.random(3), whole[:, :3]), "streams start anew"
