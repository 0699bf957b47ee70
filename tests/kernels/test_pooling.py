"""The reference every other pooling kernel is measured by."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.kernels import Window
from tinynet.kernels.numpy import NumpyKernels

from .used_memory import dirty

KERNELS = NumpyKernels()
SIZE = st.integers(1, 4)
PAIR = st.tuples(SIZE, SIZE)


@st.composite
def cases(draw):
    """(x, dy, window): few different values, so that every window has ties."""
    size, strides = draw(PAIR), draw(PAIR)
    padding = tuple(tuple(draw(st.integers(0, side - 1)) for _ in range(2)) for side in size)
    window = Window(size, strides, padding)
    height, width = (side + draw(st.integers(0, 5)) for side in size)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x = rng.integers(-2, 2, (draw(SIZE), height, width, draw(SIZE))).astype(np.float64)
    x[x == -2] = -np.inf if draw(st.booleans()) else -2
    dy_shape = (len(x), *window.out_size(height, width), x.shape[3])
    return x, rng.integers(-4, 5, dy_shape).astype(np.float64), window


def looks(x, window):
    """For each window its place in the output and the slices of the pixels it holds."""
    for place in np.ndindex(window.out_size(*x.shape[1:3])):
        yield (
            place,
            tuple(
                slice(max(0, at * step - before), at * step - before + size)
                for at, step, (before, _), size in zip(
                    place, window.strides, window.padding, window.kernel_size, strict=True
                )
            ),
        )


def max_by_hand(x, dy, window):
    y, dx = np.empty_like(dy), np.zeros_like(x)
    for (i, j), (rows, columns) in looks(x, window):
        for n, c in np.ndindex(len(x), x.shape[3]):
            field = x[n, rows, columns, c]
            first = np.unravel_index(field.argmax(), field.shape)
            y[n, i, j, c] = field[first]
            dx[n, rows, columns, c][first] += dy[n, i, j, c]
    return y, dx


def mean_by_hand(x, dy, window):
    y, dx = np.empty_like(dy), np.zeros_like(x)
    for (i, j), (rows, columns) in looks(x, window):
        field = x[:, rows, columns]
        count = field.shape[1] * field.shape[2]
        y[:, i, j] = field.sum(axis=(1, 2)) / count
        dx[:, rows, columns] += dy[:, i : i + 1, j : j + 1] / count
    return y, dx


@settings(deadline=None)
@given(cases())
def test_maxima_and_where_their_gradients_go(case):
    x, dy, window = case
    y, saved = KERNELS.max_pool2d(x, window, dirty, True)
    dx = KERNELS.max_pool2d_backward(dy, saved, window, dirty)
    expected_y, expected_dx = max_by_hand(x, dy, window)
    np.testing.assert_array_equal(y, expected_y)
    np.testing.assert_array_equal(dx, expected_dx)
    np.testing.assert_array_equal(KERNELS.max_pool2d(x, window, dirty, False)[0], y)


@settings(deadline=None)
@given(cases())
def test_means_over_pixels_that_are_no_padding(case):
    x, dy, window = case
    y, saved = KERNELS.avg_pool2d(x, window, dirty, True)
    dx = KERNELS.avg_pool2d_backward(dy, saved, window, dirty)
    expected_y, expected_dx = mean_by_hand(x, dy, window)
    np.testing.assert_allclose(y, expected_y, rtol=1e-13)
    np.testing.assert_allclose(dx, expected_dx, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("place", list(np.ndindex(2, 2)))
def test_nan_is_not_hidden_by_a_maximum(place):
    x = np.array([[1.0, 2.0], [3.0, 0.0]])
    x[place] = np.nan
    y, saved = KERNELS.max_pool2d(x.reshape(1, 2, 2, 1), Window((2, 2), (2, 2)), dirty, True)
    assert np.isnan(y).all()
    dx = KERNELS.max_pool2d_backward(np.ones_like(y), saved, Window((2, 2), (2, 2)), dirty)
    assert sorted(dx.ravel()) == [0, 0, 0, 1]


def test_windows_of_more_than_256_pixels():
    window = Window((20, 20), (20, 20))
    x = np.zeros((1, 20, 20, 1))
    x[0, 17, 3, 0] = 1
    y, saved = KERNELS.max_pool2d(x, window, dirty, True)
    np.testing.assert_array_equal(KERNELS.max_pool2d_backward(y, saved, window, dirty), x)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["max_pool2d", "avg_pool2d"])
def test_the_dtype_stays(dtype, kind):
    window = Window((3, 3), (2, 2), ((1, 1), (1, 1)))
    y, saved = getattr(KERNELS, kind)(np.ones((2, 6, 6, 3), dtype), window, dirty, True)
    dx = getattr(KERNELS, f"{kind}_backward")(y, saved, window, dirty)
    assert y.dtype == dx.dtype == dtype
