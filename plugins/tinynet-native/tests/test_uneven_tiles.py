"""Convolutions in tiles where one value is much larger than those beside it, or not finite.

Every output must be as exact as a sum over its own window: a pixel that marks missing data must not
change outputs that do not read it.
"""

import numpy as np
import pytest
from tinynet_native import NativeKernels

from tinynet.kernels import Window
from tinynet.kernels.numpy import NumpyKernels

from .arrays import as_bytes, normal, poisoned

pytestmark = pytest.mark.usefixtures("level")

NATIVE, REFERENCE = NativeKernels(), NumpyKernels()
EVERY = (True, True, True)
VALUES = ["-9999", "1e6", "largest", "inf", "-inf", "nan"]
CASES = {
    "3x3": Window((3, 3), padding=((1, 1), (1, 1))),
    "3x3 unpadded": Window((3, 3)),
    "3": Window((1, 3), padding=((0, 0), (1, 1))),
    "3 dilated": Window((1, 3), padding=((0, 0), (2, 3)), dilation=(1, 3)),
    "5": Window((1, 5), padding=((0, 0), (2, 2))),
    "5 causal": Window((1, 5), padding=((0, 0), (4, 0))),
}
POSITIONS = ((0, 0), (7, 8), (5, 17), (9, 10))


@pytest.fixture(params=CASES.values(), ids=CASES)
def window(request):
    return request.param


def value_of(text, dtype):
    return np.finfo(dtype).max / 64 if text == "largest" else float(text)


def drawn(dtype, window, channels=16, filters=32, size=None):
    """Return x, weight and dy, of which the weight is less than 1."""
    if size is None:
        size = (14, 18) if window.kernel_size[0] == 3 else (2, 50)
    shapes = (5, *size, channels), (*window.kernel_size, channels, filters)
    rng = np.random.default_rng(0)
    x, weight = normal(rng, dtype, *shapes)
    weight = np.clip(weight, -3, 3) / 4
    y, _ = REFERENCE.conv2d(x, weight, None, window, np.empty, False)
    return x, weight, *normal(rng, dtype, y.shape)


def mark(array, value):
    """Set one number of each sample but the last one.

    Not of those at the edges if it is not finite: zeros beside an image times infinity are NaN in
    NumPy's kernels, and left out of sums in these.
    """
    for sample, (row, column) in enumerate(POSITIONS):
        if sample % 2 == 0 and not np.isfinite(value):
            continue
        # In a single row, not beside windows of zeros.
        column += 4 if array.shape[1] == 2 else 0
        array[sample, row % array.shape[1], column % array.shape[2], 3 * sample] = value


def convolved(kernels, x, weight, dy, window):
    """Return y and the gradients of x and of the weight."""
    with np.errstate(all="ignore"):
        y, saved = kernels.conv2d(x, weight, None, window, poisoned, True)
        return y, *kernels.conv2d_backward(dy, saved, weight, window, poisoned, EVERY)[:2]


def require_exact(x, weight, dy, window, dtype):
    """Compare with sums in double.

    Errors are relative to the sums of magnitudes, of which that of a weight is the largest of its
    kernel: in tiles, all weights of a kernel are transformed together.
    """
    results = convolved(NATIVE, x, weight, dy, window)
    wide = [array.astype("float64") for array in (x, weight, dy)]
    expected = convolved(REFERENCE, *wide, window)
    largest = np.broadcast_to(abs(wide[1]).max(axis=(0, 1)), weight.shape)
    bounds = convolved(REFERENCE, abs(wide[0]), largest, abs(wide[2]), window)
    for result, exact, bound in zip(results, expected, bounds, strict=True):
        finite = np.isfinite(exact)
        np.testing.assert_array_equal(np.isfinite(result), finite)
        np.testing.assert_array_equal(np.isnan(result), np.isnan(exact))
        with np.errstate(all="ignore"):
            errors = abs(result / bound - exact / bound)[finite & (bound > 0)]
        assert errors.max() < 64 * np.finfo(dtype).eps


@pytest.mark.parametrize("text", VALUES)
def test_a_pixel_changes_only_the_outputs_of_its_windows(text, dtype, window):
    x, weight, dy = drawn(dtype, window)
    mark(x, value_of(text, dtype))
    require_exact(x, weight, dy, window, dtype)


@pytest.mark.parametrize("text", VALUES)
def test_the_gradient_of_an_output_changes_only_its_own_window(text, dtype, window):
    x, weight, dy = drawn(dtype, window)
    mark(dy, value_of(text, dtype))
    require_exact(x, weight, dy, window, dtype)


@pytest.mark.parametrize("text", VALUES[:3])
def test_a_loss_may_leave_out_the_outputs_that_read_a_pixel(text, dtype, window):
    """Their gradients are 0: the pixel must not appear in the gradient of the weight."""
    x, weight, dy = drawn(dtype, window)
    read = np.zeros_like(x)
    mark(read, 1)
    dy[convolved(REFERENCE, read, abs(weight), dy, window)[0].any(axis=-1)] = 0
    mark(x, value_of(text, dtype))
    require_exact(x, weight, dy, window, dtype)


def test_missing_data_at_the_borders_of_images(dtype, window):
    x, weight, dy = drawn(dtype, window)
    x[:, :, [0, -1]] = -9999
    if x.shape[1] > 2:
        x[:, [0, -1]] = -9999
    require_exact(x, weight, dy, window, dtype)


@pytest.mark.parametrize("value", [-9999, 1e6])
@pytest.mark.parametrize("length", [11, 12, 13, 14])
def test_large_values_in_the_last_tiles(length, value, dtype, window):
    """Tiles there have one to four outputs along an axis, so few pixels count for some weights."""
    size = (length if window.kernel_size[0] == 3 else 1, length)
    for place in [np.s_[:, -1], np.s_[:, :, -1], np.s_[:, :, -2], np.s_[:, -1, -1]]:
        for number in (0, 2):
            arrays = drawn(dtype, window, size=size)
            arrays[number][place] = value
            require_exact(*arrays, window, dtype)


def test_weights_that_meet_no_pixel_have_no_gradient(dtype):
    """An optimizer would turn rounding errors into whole steps."""
    window = Window((1, 5), padding=((0, 0), (16, 0)), dilation=(1, 4))
    x, weight, dy = drawn(dtype, window, size=(1, 8))
    assert not convolved(NATIVE, x, weight, dy, window)[2][0, :3].any()


def test_tiny_values_are_not_taken_for_zeros(dtype, window):
    """Their squares are zero in float32."""
    x, weight, dy = drawn(dtype, window)
    x *= x.dtype.type(1e-27)
    dy *= dy.dtype.type(1e-27)
    mark(x, 1e-21)
    mark(dy, 1e-21)
    results = convolved(NATIVE, x, weight, dy, window)[:2]
    expected = convolved(REFERENCE, *(a.astype("f8") for a in (x, weight, dy)), window)[:2]
    for result, exact in zip(results, expected, strict=True):
        assert abs(result - exact).max() < 64 * np.finfo(dtype).eps * abs(exact).max()


def test_outputs_of_blank_pixels_are_the_bias(dtype, window):
    x, weight, _ = drawn(dtype, window)
    bias = weight[0, 0, 0]
    x[:, :, 9:] = 0
    x[:, :, 24:25] = 1e4
    y, _ = NATIVE.conv2d(x, weight, bias, window, poisoned, False)
    read, _ = REFERENCE.conv2d(abs(x), abs(weight), None, window, np.empty, False)
    blank = ~read.any(axis=-1)
    assert blank.any()
    np.testing.assert_array_equal(y[blank], np.broadcast_to(bias, y[blank].shape))


@pytest.mark.parametrize("text", ["-9999", "nan"])
def test_any_number_of_threads_gives_the_same_bits(text, dtype, window):
    x, weight, dy = (np.concatenate([a] * 3) if a.ndim == 4 else a for a in drawn(dtype, window))
    weight = weight[: window.kernel_size[0]]
    mark(x, value_of(text, dtype))
    mark(dy, value_of(text, dtype))
    with NATIVE.on_threads(1):
        expected = as_bytes(convolved(NATIVE, x, weight, dy, window))
    for count in (2, 3, 8):
        with NATIVE.on_threads(count):
            assert as_bytes(convolved(NATIVE, x, weight, dy, window)) == expected


@pytest.mark.parametrize("text", ["-9999", "nan"])
def test_a_sample_does_not_depend_on_its_batch(text, dtype, window):
    x, weight, dy = drawn(dtype, window)
    clean = convolved(NATIVE, x[4:], weight, dy[4:], window)[:2]
    mark(x, value_of(text, dtype))
    mark(dy, value_of(text, dtype))
    together = convolved(NATIVE, x, weight, dy, window)[:2]
    assert as_bytes(array[4:] for array in together) == as_bytes(clean)
    for sample in range(4):
        one = slice(sample, sample + 1)
        alone = convolved(NATIVE, x[one], weight, dy[one], window)[:2]
        assert as_bytes(array[one] for array in together) == as_bytes(alone)
