"""Convolutions that are computed in tiles: those of 3 x 3 cells, and of 3 or 5 cells of a row."""

import numpy as np
import pytest
from tinynet_native import NativeKernels

from tinynet.kernels import Window
from tinynet.kernels.numpy import NumpyKernels

from .arrays import normal, poisoned

pytestmark = pytest.mark.usefixtures("level")

NATIVE, REFERENCE = NativeKernels(), NumpyKernels()
TOLERANCE = {"float32": 2e-5, "float64": 1e-12}
EVERY = (True, True, True)


@pytest.fixture(params=[(3, 3), (1, 3), (1, 5)], ids=str)
def kernel(request):
    return request.param


def drawn(seed, dtype, kernel):
    """Return x, weight, bias, window and needs of a convolution with enough channels for tiles."""
    rng = np.random.default_rng(seed)
    alone = kernel[0] == 1
    dilation = (1, int(rng.choice([1, 2, 5]))) if alone else (1, 1)
    extent = (kernel[1] - 1) * dilation[1] + 1
    padding = tuple(tuple(int(n) for n in rng.integers(0, extent, 2)) for _ in range(2))
    if alone:
        padding = ((0, 0), padding[1])
    channels, filters = (int(n) for n in rng.choice([16, 17, 31, 32, 40], 2))
    height, width = (10 + int(n) for n in rng.integers(0, 9, 2))
    width += 10 * extent if alone else 0
    samples = 12 if seed == 0 else int(rng.integers(1, 4))  # 12: several shares of tiles
    shapes = (samples, height, width, channels), (*kernel, channels, filters)
    x, weight, bias = normal(rng, dtype, *shapes, (filters,))
    needs = tuple(bool(needed) for needed in rng.integers(0, 2, 3)) if seed % 2 else EVERY
    window = Window(kernel, padding=padding, dilation=dilation)
    return x, weight, bias if rng.integers(2) else None, window, needs


def convolved(kernels, x, weight, bias, window, needs, relu=False):
    y, saved = kernels.conv2d(x, weight, bias, window, poisoned, True, relu)
    dy = np.cos(np.arange(y.size)).reshape(y.shape).astype(y.dtype)
    return y, *kernels.conv2d_backward(dy, saved, weight, window, poisoned, needs)


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_tiles_give_the_results_of_the_reference(seed, relu, dtype, kernel):
    x, weight, bias, window, needs = drawn(seed, dtype, kernel)
    if relu:
        x, weight = abs(x), abs(weight)  # so that no output is within rounding of 0
    results = [convolved(k, x, weight, bias, window, needs, relu) for k in (NATIVE, REFERENCE)]
    windows = x[..., 0].size
    cells = weight.shape[0] * weight.shape[1]
    counts = cells * x.shape[3], cells * weight.shape[3], windows, windows
    for terms, a, b in zip(counts, *results, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            scale = TOLERANCE[dtype] * (1 + np.sqrt(terms)) * max(1, abs(b).max())
            np.testing.assert_allclose(a, b, rtol=0, atol=scale)


@pytest.mark.parametrize("seed", range(3))
def test_any_number_of_threads_gives_the_same_bits(seed, dtype, kernel):
    case = drawn(2 * seed, dtype, kernel)
    with NATIVE.on_threads(1):
        expected = [array.tobytes() for array in convolved(NATIVE, *case)]
    for count in (2, 3, 8):
        with NATIVE.on_threads(count):
            assert [array.tobytes() for array in convolved(NATIVE, *case)] == expected


def test_a_sample_does_not_depend_on_its_batch(dtype, kernel):
    x, weight = normal(np.random.default_rng(0), dtype, (5, 12, 13, 16), (*kernel, 16, 32))
    window = Window(kernel, padding=tuple((n // 2, n // 2) for n in kernel))
    whole, _ = NATIVE.conv2d(x, weight, None, window, poisoned, False)
    for sample in range(5):
        alone, _ = NATIVE.conv2d(x[sample : sample + 1], weight, None, window, poisoned, False)
        assert alone.tobytes() == whole[sample].tobytes()


@pytest.mark.parametrize("value", [np.nan, np.inf, -9999])
def test_a_value_changes_only_the_outputs_that_read_it(value, dtype):
    """Others of the same tiles are summed in another order: only their last bits change."""
    x, weight = normal(np.random.default_rng(1), dtype, (1, 16, 16, 32), (3, 3, 32, 32))
    window = Window((3, 3), padding=((1, 1), (1, 1)))
    expected, _ = NATIVE.conv2d(x, weight, None, window, poisoned, False)
    x[0, 8, 8, 3] = value
    y, _ = NATIVE.conv2d(x, weight, None, window, poisoned, False)
    inside = np.zeros((16, 16), bool)
    inside[7:10, 7:10] = True
    assert (abs(y - expected)[0, inside] > 1).mean() > 0.99 or not np.isfinite(y[0, inside]).any()
    np.testing.assert_allclose(y[0, ~inside], expected[0, ~inside], atol=100 * TOLERANCE[dtype])
    inside[4:12, 4:12] = True
    np.testing.assert_array_equal(y[0, ~inside], expected[0, ~inside])


@pytest.mark.parametrize("value", [np.nan, np.inf, -9999])
def test_a_value_changes_only_the_outputs_of_a_row_that_read_it(value, dtype):
    x, weight = normal(np.random.default_rng(1), dtype, (2, 1, 64, 32), (1, 3, 32, 32))
    window = Window((1, 3), padding=((0, 0), (6, 0)), dilation=(1, 3))
    expected, _ = NATIVE.conv2d(x, weight, None, window, poisoned, False)
    x[1, 0, 31, 5] = value
    y, _ = NATIVE.conv2d(x, weight, None, window, poisoned, False)
    inside = np.zeros((2, 1, 64), bool)
    inside[1, 0, 31:38:3] = True
    assert (abs(y - expected)[inside] > 1).mean() > 0.99 or not np.isfinite(y[inside]).any()
    np.testing.assert_allclose(y[~inside], expected[~inside], atol=100 * TOLERANCE[dtype])
    inside[1, 0, 19:50:3] = True
    np.testing.assert_array_equal(y[~inside], expected[~inside])


@pytest.mark.parametrize("cells", [2, 3, 5])
def test_an_output_of_a_causal_convolution_depends_on_no_later_pixel(dtype, cells):
    """Not even in its last bits: a tile reads later pixels, too."""
    x, weight = normal(np.random.default_rng(0), dtype, (1, 1, 32, 32), (1, cells, 32, 32))
    window = Window((1, cells), padding=((0, 0), (cells - 1, 0)))
    y, _ = NATIVE.conv2d(x, weight, None, window, poisoned, False, False)
    x[:, :, 17:] = np.inf
    changed, _ = NATIVE.conv2d(x, weight, None, window, poisoned, False, False)
    np.testing.assert_array_equal(changed[:, :, :17], y[:, :, :17])


@pytest.mark.parametrize(("cells", "step", "left"), [(3, 2, 2), (3, 1, 0), (2, 1, 0)])
def test_a_depthwise_gradient_has_no_pixel_beside_its_windows(dtype, cells, step, left):
    """Windows are computed in groups, and the last group of a row may be smaller."""
    x, weight = normal(np.random.default_rng(0), dtype, (2, 1, 17, 16), (1, cells, 1, 16))
    window = Window((1, cells), (1, step), ((0, 0), (left, 0)))
    x[:, :, -1] = np.inf
    y, saved = NATIVE.conv2d(x, weight, None, window, poisoned, True, False)
    dy = np.ones_like(y)
    _, dweight, _ = NATIVE.conv2d_backward(dy, saved, weight, window, poisoned, EVERY)
    y, saved = REFERENCE.conv2d(x, weight, None, window, np.empty, True, False)
    _, expected, _ = REFERENCE.conv2d_backward(dy, saved, weight, window, np.empty, EVERY)
    np.testing.assert_array_equal(np.isfinite(dweight), np.isfinite(expected))
