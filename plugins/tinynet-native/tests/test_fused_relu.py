"""A convolution or dense layer with a fused ReLU has the bits of one with a ReLU after it.

Otherwise a network would depend on whether tinynet fuses them.
"""

import numpy as np
import pytest
from tinynet_native import NativeKernels

from tinynet.kernels import Window

from .arrays import poisoned

pytestmark = pytest.mark.usefixtures("level")

KERNELS = NativeKernels()
EVERY = (True, True, True)


def some(rng, *shape):
    """Return numbers, a few of which are NaN, infinite or zero."""
    array = rng.normal(size=shape)
    odd = rng.choice([np.nan, np.inf, -np.inf, 0.0, -0.0], size=shape)
    return np.where(rng.random(shape) < 0.002, odd, array).astype("float32")


def same(one, other, case):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b, err_msg=str(case))
        assert (np.signbit(a) == np.signbit(b))[~np.isnan(b)].all(), case


@pytest.mark.parametrize("seed", range(20))
def test_convolutions(seed):
    rng = np.random.default_rng(seed)
    samples, groups = int(rng.choice([1, 2, 9])), int(rng.choice([1, 1, 2, 5]))
    channels = groups * int(rng.integers(1, 8))
    filters = channels if groups == 5 else groups * int(rng.integers(1, 40))
    groups = channels if groups == 5 else groups
    padding = tuple(tuple(int(n) for n in rng.integers(0, 2, 2)) for _ in range(2))
    window = Window((3, 3), tuple(int(n) for n in rng.integers(1, 3, 2)), padding)
    x = some(rng, samples, int(rng.integers(4, 20)), int(rng.integers(4, 20)), channels)
    weight, bias = some(rng, 3, 3, channels // groups, filters), some(rng, filters)
    y, saved = KERNELS.conv2d(x, weight, bias, window, poisoned, True, True)
    plain, plain_saved = KERNELS.conv2d(x, weight, bias, window, poisoned, True)
    expected = KERNELS.relu(plain, poisoned)
    dy = some(rng, *y.shape)
    relu_dy = KERNELS.relu_backward(dy, expected, poisoned)
    same(
        (y, *KERNELS.conv2d_backward(dy, saved, weight, window, poisoned, EVERY)),
        (expected, *KERNELS.conv2d_backward(relu_dy, plain_saved, weight, window, poisoned, EVERY)),
        (x.shape, weight.shape, window),
    )


@pytest.mark.parametrize("seed", range(20))
def test_dense_layers(seed):
    rng = np.random.default_rng(seed)
    rows, units = int(rng.choice([1, 1, 2, 30])), int(rng.integers(1, 90))
    inputs = int(rng.choice([1, 7, 8, 100, 256, 300, 700]))  # sums are cut every 8 or 256 terms
    x, weight, bias = some(rng, rows, inputs), some(rng, inputs, units), some(rng, units)
    y = KERNELS.dense(x, weight, bias, poisoned, True)
    expected = KERNELS.relu(KERNELS.dense(x, weight, bias, poisoned), poisoned)
    dy = some(rng, rows, units)
    relu_dy = KERNELS.relu_backward(dy, expected, poisoned)
    same(
        (y, *KERNELS.dense_backward(dy, x, weight, poisoned, EVERY, y)),
        (expected, *KERNELS.dense_backward(relu_dy, x, weight, poisoned, EVERY)),
        (rows, inputs, units),
    )
