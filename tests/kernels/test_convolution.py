"""The reference every other convolution kernel is measured by."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.kernels import Window
from tinynet.kernels.depthwise import MANY_CHANNELS
from tinynet.kernels.numpy import NumpyKernels

from .used_memory import dirty

KERNELS = NumpyKernels()
ALL = (True, True, True)
SIZE = st.integers(1, 3)
PAIR = st.tuples(SIZE, SIZE)
SIDE = st.tuples(st.integers(0, 3), st.integers(0, 3))


@st.composite
def cases(draw, strides=PAIR):
    """(x, weight, bias, window), all numbers small integers, so that sums are exact."""
    window = Window(draw(PAIR), draw(strides), (draw(SIDE), draw(SIDE)), draw(PAIR))
    height, width = (extent + draw(st.integers(0, 4)) for extent in window.extent)
    groups, channels = draw(SIZE), draw(st.integers(1, 5))
    filters = groups * draw(SIZE)
    if draw(st.integers(0, 3)) == 0:  # a filter for each channel
        channels, groups = 1, draw(st.integers(MANY_CHANNELS - 1, MANY_CHANNELS + 1))
        filters = groups
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))

    def numbers(*shape):
        return rng.integers(-4, 5, shape).astype(np.float64)

    x = numbers(draw(SIZE), height, width, groups * channels)
    weight = numbers(*window.kernel_size, channels, filters)
    return x, weight, numbers(weight.shape[3]), window


def by_hand(x, weight, bias, window):
    """Convolution by its definition, one output pixel at a time."""
    (top, bottom), (left, right) = window.padding
    padded = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))
    kernel_height, kernel_width, channels, filters = weight.shape
    groups = x.shape[3] // channels
    rows, columns = window.out_size(*x.shape[1:3])
    y = np.empty((len(x), rows, columns, filters), x.dtype)
    for i, j, f in np.ndindex(rows, columns, filters):
        first = f // (filters // groups) * channels
        field = padded[
            :,
            i * window.strides[0] :: window.dilation[0],
            j * window.strides[1] :: window.dilation[1],
            first : first + channels,
        ][:, :kernel_height, :kernel_width]
        y[:, i, j, f] = (field * weight[..., f]).sum(axis=(1, 2, 3)) + bias[f]
    return y


@settings(deadline=None)
@given(cases())
def test_it_is_convolution(case):
    x, weight, bias, window = case
    y, _ = KERNELS.conv2d(x, weight, bias, window, dirty, True)
    np.testing.assert_array_equal(y, by_hand(x, weight, bias, window))


@settings(deadline=None)
@given(st.one_of(cases(), cases(strides=st.just((1, 1)))))
def test_gradients_are_its_adjoints(case):
    """Convolution is linear in x, in weight and in bias: <dy, conv(v)> = <gradient, v>."""
    x, weight, bias, window = case
    y, saved = KERNELS.conv2d(x, weight, None, window, dirty, True)
    dy = np.random.default_rng(0).integers(-4, 5, y.shape).astype(np.float64)
    dx, dweight, dbias = KERNELS.conv2d_backward(dy, saved, weight, window, dirty, ALL)
    assert np.vdot(dy, y) == np.vdot(dweight, weight)
    for v in (x, x[::-1] + 1):
        image, _ = KERNELS.conv2d(v, weight, None, window, dirty, False)
        assert np.vdot(dy, image) == np.vdot(dx, v)
    assert np.vdot(dbias, bias) == (dy * bias).sum()


@pytest.mark.parametrize("index", range(3))
def test_nothing_is_computed_that_nobody_needs(index):
    x, weight = np.ones((2, 5, 5, 2)), np.ones((3, 3, 2, 4))
    y, saved = KERNELS.conv2d(x, weight, None, Window((3, 3)), dirty, True)
    needs = tuple(number == index for number in range(3))
    gradients = KERNELS.conv2d_backward(y, saved, weight, Window((3, 3)), dirty, needs)
    assert [gradient is not None for gradient in gradients] == list(needs)


@pytest.mark.parametrize("channels", [3, MANY_CHANNELS])
@pytest.mark.parametrize("strides", [(1, 1), (2, 2)])
def test_an_empty_batch_has_gradients_of_zero(channels, strides):
    """A shard may have no samples."""
    window, weight = Window((3, 3), strides, ((1, 1), (1, 1))), np.ones((3, 3, 1, channels))
    y, saved = KERNELS.conv2d(np.ones((0, 5, 4, channels)), weight, None, window, dirty, True)
    dx, dweight, dbias = KERNELS.conv2d_backward(y, saved, weight, window, dirty, ALL)
    assert dx.shape == (0, 5, 4, channels)
    assert not dweight.any()
    assert not dbias.any()


def test_inference_keeps_nothing():
    _, saved = KERNELS.conv2d(
        np.ones((1, 4, 4, 1)), np.ones((2, 2, 1, 1)), None, Window((2, 2)), dirty, False
    )
    assert saved is None


def test_a_pointwise_convolution_copies_no_image():
    taken = []

    def count(shape, dtype):
        taken.append(shape)
        return dirty(shape, dtype)

    x = np.ones((2, 5, 5, 8))
    KERNELS.conv2d(x, np.ones((1, 1, 8, 3)), None, Window((1, 1)), count, True)
    assert taken == [(2, 5, 5, 3)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_stays(dtype):
    x, weight, bias = (np.ones(s, dtype) for s in ((2, 5, 5, 2), (3, 3, 2, 4), (4,)))
    window = Window((3, 3), padding=((1, 1), (1, 1)))
    y, saved = KERNELS.conv2d(x, weight, bias, window, dirty, True)
    gradients = KERNELS.conv2d_backward(y, saved, weight, window, dirty, ALL)
    assert {a.dtype for a in (y, *gradients)} == {np.dtype(dtype)}


def test_images_need_not_be_contiguous():
    rng = np.random.default_rng(0)
    x, weight = rng.random((2, 3, 6, 5)).transpose(0, 3, 2, 1), rng.random((1, 1, 3, 2))
    window = Window((1, 1))
    y, saved = KERNELS.conv2d(x, weight, None, window, dirty, True)
    np.testing.assert_allclose(y, x @ weight[0, 0])
    dy = rng.random((2, 2, 6, 5)).transpose(0, 3, 2, 1)
    dx, *_ = KERNELS.conv2d_backward(dy, saved, weight, window, dirty, ALL)
    np.testing.assert_allclose(dx, dy @ weight[0, 0].T)


@pytest.mark.parametrize("shape", [(2, 9, 9, 3), (2, 40, 40, 3)])
@pytest.mark.parametrize("filters", [2, 8])
def test_a_gradient_has_the_same_bits_without_the_others(shape, filters):
    """Else a frozen layer would change the training of the layer above it."""
    rng = np.random.default_rng(0)
    x, weight = (rng.normal(size=s).astype("f") for s in (shape, (3, 3, 3, filters)))
    window = Window((3, 3), padding=((1, 1), (1, 1)))
    y, saved = KERNELS.conv2d(x, weight, None, window, np.empty, True)
    dy = rng.normal(size=y.shape).astype("f")
    both = KERNELS.conv2d_backward(dy, saved, weight, window, np.empty, (True, True, False))
    for needs in ((True, False, False), (False, True, False)):
        alone = KERNELS.conv2d_backward(dy, saved, weight, window, np.empty, needs)
        for one, other in zip(alone, both, strict=True):
            assert one is None or one.tobytes() == other.tobytes()
