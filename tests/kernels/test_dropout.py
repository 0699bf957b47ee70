"""Dropout must drop what the random numbers say, or a resumed run is another run."""

import numpy as np
import pytest

from tinynet.kernels.memory import aligned_empty
from tinynet.kernels.numpy import NumpyKernels
from tinynet.layer.context import Context


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_it_drops_what_lies_below_the_rate_and_scales_the_rest(dtype):
    x = np.array([1, 2, 3, 4], dtype)
    uniform = np.array([0.0, 0.2, 0.25, 0.9], np.float32)
    y, mask = NumpyKernels().dropout(x, uniform, 0.25, aligned_empty)
    np.testing.assert_allclose(mask, [0, 0, 4 / 3, 4 / 3], rtol=1e-6)
    np.testing.assert_array_equal(y, x * mask)
    assert y.dtype == mask.dtype == dtype


def test_the_random_numbers_of_a_pass_are_one_stream():
    """A layer that draws in two ways would otherwise use the same numbers twice."""
    one, expected = (Context(seed=3, node="dropout_1") for _ in range(2))
    for shape in ((5,), (2, 3)):
        drawn = expected.rng.random(shape, dtype=np.float32)
        np.testing.assert_array_equal(one.uniform(shape), drawn)
    np.testing.assert_array_equal(one.rng.normal(size=4), expected.rng.normal(size=4))
    np.testing.assert_array_equal(one.uniform((3,)), expected.rng.random(3, dtype=np.float32))
