"""The transposed convolution of the reference kernels is the adjoint of its convolution."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.kernels import Window
from tinynet.kernels.numpy import NumpyKernels

from .used_memory import dirty

KERNELS = NumpyKernels()
ALL = (True, True, True)
SIZE = st.integers(1, 3)
PAIR = st.tuples(SIZE, SIZE)
SIDE = st.tuples(st.integers(0, 3), st.integers(0, 3))


@st.composite
def cases(draw):
    """(x, weight, bias, window, out_shape), all numbers small integers, so that sums are exact."""
    window = Window(draw(PAIR), draw(PAIR), (draw(SIDE), draw(SIDE)), draw(PAIR))
    height, width = (extent + draw(st.integers(0, 4)) for extent in window.extent)
    groups = draw(SIZE)
    channels, filters = groups * draw(SIZE), groups * draw(SIZE)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))

    def numbers(*shape):
        return rng.integers(-4, 5, shape).astype(np.float64)

    x = numbers(draw(SIZE), *window.out_size(height, width), channels)
    weight = numbers(*window.kernel_size, filters // groups, channels)
    return x, weight, numbers(filters), window, (height, width, filters)


@settings(deadline=None)
@given(cases(), st.booleans())
def test_it_is_the_input_gradient_of_the_convolution(case, relu):
    x, weight, bias, window, out_shape = case
    y, saved = KERNELS.conv2d_transpose(x, weight, bias, window, out_shape, dirty, True, relu)
    image = np.zeros((len(x), *out_shape))
    _, conv_saved = KERNELS.conv2d(image, weight, None, window, dirty, True)
    expected, *_ = KERNELS.conv2d_backward(x, conv_saved, weight, window, dirty, ALL)
    expected = expected + bias
    np.testing.assert_array_equal(y, np.maximum(expected, 0) if relu else expected)

    dy = np.random.default_rng(0).integers(-4, 5, y.shape).astype(np.float64)
    passed = np.where(expected > 0, dy, 0) if relu else dy
    dx, dweight, dbias = KERNELS.conv2d_transpose_backward(dy, saved, weight, window, dirty, ALL)
    expected_dx, conv_saved = KERNELS.conv2d(passed, weight, None, window, dirty, True)
    np.testing.assert_array_equal(dx, expected_dx)
    _, expected_dweight, _ = KERNELS.conv2d_backward(x, conv_saved, weight, window, dirty, ALL)
    np.testing.assert_array_equal(dweight, expected_dweight)
    np.testing.assert_array_equal(dbias, passed.sum(axis=(0, 1, 2)))


@pytest.mark.parametrize("index", range(3))
def test_nothing_is_computed_that_nobody_needs(index):
    x, weight, window = np.ones((2, 3, 3, 4)), np.ones((3, 3, 2, 4)), Window((3, 3))
    y, saved = KERNELS.conv2d_transpose(x, weight, None, window, (5, 5, 2), dirty, True)
    needs = tuple(number == index for number in range(3))
    gradients = KERNELS.conv2d_transpose_backward(y, saved, weight, window, dirty, needs)
    assert [gradient is not None for gradient in gradients] == list(needs)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_stays(dtype):
    x, weight, bias = (np.ones(s, dtype) for s in ((2, 3, 3, 4), (3, 3, 2, 4), (2,)))
    window = Window((3, 3))
    y, saved = KERNELS.conv2d_transpose(x, weight, bias, window, (5, 5, 2), dirty, True)
    gradients = KERNELS.conv2d_transpose_backward(y, saved, weight, window, dirty, ALL)
    assert {a.dtype for a in (y, *gradients)} == {np.dtype(dtype)}


def test_inference_keeps_nothing():
    x, weight, window = np.ones((2, 3, 3, 4)), np.ones((3, 3, 2, 4)), Window((3, 3))
    _, saved = KERNELS.conv2d_transpose(x, weight, None, window, (5, 5, 2), dirty, False)
    assert saved is None
