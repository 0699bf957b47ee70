"""The native kernels agree with the reference, for any shapes.

Otherwise a network trains differently, or wrongly, with them installed.
"""

import numpy as np
import pytest
from tinynet_native import NativeKernels

from tinynet.kernels import Window
from tinynet.kernels.numpy import NumpyKernels
from tinynet.testing import kernel_checks

from .arrays import poisoned

pytestmark = pytest.mark.usefixtures("level")

NATIVE, REFERENCE = NativeKernels(), NumpyKernels()
TOLERANCE = {"float32": 2e-5, "float64": 1e-12}
EVERY = (True, True, True)


@pytest.mark.parametrize("check", kernel_checks(NativeKernels, draws=20), ids=str)
def test_conforms_to_the_protocol_of_kernels(check):
    check()


def agree(actual, expected, terms=1, case=None):
    """Require that arrays agree whose elements are sums of ``terms`` terms of about 1."""
    for name, a, b in zip(range(len(expected)), actual, expected, strict=True):
        assert (a is None) == (b is None), (case, name)
        if a is not None:
            assert a.shape == b.shape, (case, name)
            assert a.dtype == b.dtype, (case, name)
            tolerance = TOLERANCE[b.dtype.name] * (1 + np.sqrt(terms))
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance, err_msg=str(case))


def windows(rng, most_cells, most_padding, most_dilation):
    """Return a random window, and the least (height, width) of an image that it fits."""
    kernel = tuple(int(n) for n in rng.integers(1, most_cells + 1, 2))
    dilation = tuple(int(n) for n in rng.integers(1, most_dilation + 1, 2))
    strides = tuple(int(n) for n in rng.integers(1, 4, 2))
    limits = [min(most_padding, size - 1) if most_padding < 9 else 3 for size in kernel]
    padding = tuple(tuple(int(n) for n in rng.integers(0, limit + 1, 2)) for limit in limits)
    window = Window(kernel, strides, padding, dilation)
    least = [
        max(1, extent - sum(sides)) for extent, sides in zip(window.extent, padding, strict=True)
    ]
    return window, least


def convolve(kernels, x, weight, bias, window, dy=None, needs=EVERY):
    y, saved = kernels.conv2d(x, weight, bias, window, poisoned, True)
    if dy is None:
        dy = np.cos(np.arange(y.size)).reshape(y.shape).astype(y.dtype)
    return (y, *kernels.conv2d_backward(dy, saved, weight, window, poisoned, needs))


def test_convolution_with_any_window_groups_and_padding(dtype):
    rng = np.random.default_rng(1)
    for case in range(120):
        window, least = windows(rng, 4, 9, 3)
        height, width = (size + int(rng.integers(0, 7)) for size in least)
        groups = int(rng.choice([1, 1, 1, 2, 3]))
        channels, filters = groups * int(rng.integers(1, 6)), groups * int(rng.integers(1, 10))
        if case % 10 == 0:
            channels = filters = groups = int(rng.integers(1, 40))
        x = rng.normal(size=(int(rng.integers(0, 12)), height, width, channels)).astype(dtype)
        weight = rng.normal(size=(*window.kernel_size, channels // groups, filters)).astype(dtype)
        bias = rng.normal(size=filters).astype(dtype) if case % 3 else None
        needs = tuple(bool(n) for n in rng.integers(0, 2, 3)) if case % 2 else EVERY
        results = [convolve(k, x, weight, bias, window, None, needs) for k in (NATIVE, REFERENCE)]
        agree(*results, terms=x.size / max(1, channels) + weight.size, case=(window, x.shape))


def test_depthwise_convolution_with_any_window_and_padding(dtype):
    """Rows of windows that all, some or none of the kernel's cells meet inside the image."""
    rng = np.random.default_rng(15)
    for case in range(60):
        window, least = windows(rng, 7, 9, 3)
        height, width = (size + int(rng.integers(0, 20)) for size in least)
        channels = int(rng.choice([1, 7, 16, 33, 64]))
        x = rng.normal(size=(int(rng.integers(0, 4)), height, width, channels)).astype(dtype)
        weight = rng.normal(size=(*window.kernel_size, 1, channels)).astype(dtype)
        bias = rng.normal(size=channels).astype(dtype) if case % 3 else None
        results = [convolve(k, x, weight, bias, window) for k in (NATIVE, REFERENCE)]
        agree(*results, terms=x.size / channels + weight.size, case=(window, x.shape))


def transpose(kernels, x, weight, bias, window, out_shape, relu):
    y, saved = kernels.conv2d_transpose(x, weight, bias, window, out_shape, poisoned, True, relu)
    dy = np.cos(np.arange(y.size)).reshape(y.shape).astype(y.dtype)
    return (y, *kernels.conv2d_transpose_backward(dy, saved, weight, window, poisoned, EVERY))


def test_transposed_convolution_with_any_window_groups_and_padding(dtype):
    rng = np.random.default_rng(2)
    for case in range(120):
        window, least = windows(rng, 4, 9, 3)
        height, width = (size + int(rng.integers(0, 7)) for size in least)
        groups = int(rng.choice([1, 1, 1, 2, 3]))
        channels, filters = groups * int(rng.integers(1, 10)), groups * int(rng.integers(1, 6))
        shape = (int(rng.integers(0, 12)), *window.out_size(height, width), channels)
        x = rng.normal(size=shape).astype(dtype)
        weight = rng.normal(size=(*window.kernel_size, filters // groups, channels)).astype(dtype)
        bias = rng.normal(size=filters).astype(dtype) if case % 3 else None
        # With a ReLU, rounding decides which of the gradients of outputs near 0 pass.
        relu = case % 2 == 0 and dtype == "float64"
        arguments = x, weight, bias, window, (height, width, filters), relu
        results = [transpose(k, *arguments) for k in (NATIVE, REFERENCE)]
        agree(*results, terms=x.size / max(1, channels) + weight.size, case=(window, x.shape))


@pytest.mark.parametrize("filters", range(1, 68))
def test_convolution_with_any_number_of_filters(filters):
    """Each number of filters is another mix of whole vectors and a tail."""
    rng = np.random.default_rng(filters)
    window = Window((3, 2), padding=((1, 1), (0, 1)))
    x = rng.normal(size=(2, 3, 5 + filters % 23, 3)).astype("float32")
    weight = rng.normal(size=(3, 2, 3, filters)).astype("float32")
    bias = rng.normal(size=filters).astype("float32")
    agree(*(convolve(k, x, weight, bias, window) for k in (NATIVE, REFERENCE)), terms=100)


@pytest.mark.parametrize("size", [1, 2, 4])
def test_convolution_of_many_small_images(size):
    rng = np.random.default_rng(size)
    window = Window((3, 3), padding=((1, 1), (1, 1)))
    x = rng.normal(size=(19, size, size, 20)).astype("float32")
    weight = rng.normal(size=(3, 3, 20, 40)).astype("float32")
    agree(*(convolve(k, x, weight, None, window) for k in (NATIVE, REFERENCE)), terms=300)


def test_convolution_of_an_image_larger_than_a_cache(dtype):
    rng = np.random.default_rng(0)
    window = Window((3, 3), padding=((1, 1), (1, 1)))
    x = rng.normal(size=(1, 70, 90, 16)).astype(dtype)
    weight = rng.normal(size=(3, 3, 16, 16)).astype(dtype)
    agree(*(convolve(k, x, weight, None, window) for k in (NATIVE, REFERENCE)), terms=70 * 90)


def pool(kernels, kind, x, window):
    forward, backward = getattr(kernels, kind), getattr(kernels, f"{kind}_backward")
    y, saved = forward(x, window, poisoned, True)
    light, _ = forward(x, window, poisoned, False)
    dy = np.sin(np.arange(y.size)).reshape(y.shape).astype(y.dtype)
    return y, light, backward(dy, saved, window, poisoned)


@pytest.mark.parametrize("kind", ["max_pool2d", "avg_pool2d"])
def test_pooling_with_any_window_and_many_ties(kind, dtype):
    rng = np.random.default_rng(2)
    for case in range(120):
        window, least = windows(rng, 3, 2, 2)
        if case % 4 == 0:
            window, least = Window((2, 2), (2, 2)), (2, 2)
        height, width = (size + int(rng.integers(0, 7)) for size in least)
        shape = (int(rng.integers(0, 3)), height, width, int(rng.integers(1, 40)))
        x = rng.integers(-2, 3, shape).astype(dtype)
        results = [pool(kernels, kind, x, window) for kernels in (NATIVE, REFERENCE)]
        agree(*results, terms=9, case=(window, shape))


def test_max_pooling_of_minus_infinity():
    """Padding must not look larger than -inf; windows of -inf must not lose their gradient."""
    x = np.full((1, 5, 5, 3), -np.inf, "float32")
    window = Window((3, 3), (2, 2), ((1, 1), (1, 1)))
    agree(*(pool(kernels, "max_pool2d", x, window) for kernels in (NATIVE, REFERENCE)))


def test_max_pooling_keeps_nan_and_gives_its_gradient_to_one_pixel(dtype):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(2, 6, 6, 19)).astype(dtype)
    x[rng.random(x.shape) < 0.2] = np.nan
    window = Window((2, 2), (2, 2))
    actual, expected = (pool(kernels, "max_pool2d", x, window) for kernels in (NATIVE, REFERENCE))
    np.testing.assert_array_equal(actual[0], expected[0])
    np.testing.assert_array_equal(actual[1], expected[1])
    blocks = actual[2].reshape(2, 3, 2, 3, 2, 19)
    assert ((blocks != 0).sum(axis=(2, 4)) == 1).sum() == np.count_nonzero(blocks)
    np.testing.assert_array_equal(
        blocks.sum(axis=(2, 4)), expected[2].reshape(blocks.shape).sum(axis=(2, 4))
    )


def test_pooling_whole_images():
    """Windows of more than 256 cells, whose numbers take more than a byte."""
    x = np.random.default_rng(4).normal(size=(2, 20, 20, 5)).astype("float32")
    for kind in ("max_pool2d", "avg_pool2d"):
        results = [pool(kernels, kind, x, Window((20, 20))) for kernels in (NATIVE, REFERENCE)]
        agree(*results, terms=400)


def test_dense_layers_of_any_size(dtype):
    rng = np.random.default_rng(5)
    for case in range(100):
        rows, inputs, units = (int(n) for n in rng.integers([0, 1, 1], [20, 40, 140]))
        inputs += 250 * (case % 3)
        if case % 10 == 0:  # many rows of a wide product
            rows, units = rows + 60, units + 130
        x, weight = rng.normal(size=(rows, inputs)), rng.normal(size=(inputs, units))
        bias, dy = rng.normal(size=units), rng.normal(size=(rows, units))
        x, weight, bias, dy = (array.astype(dtype) for array in (x, weight, bias, dy))
        results = [
            (
                kernels.dense(x, weight, bias if case % 2 else None, poisoned),
                *kernels.dense_backward(dy, x, weight, poisoned, EVERY),
            )
            for kernels in (NATIVE, REFERENCE)
        ]
        agree(*results, terms=inputs, case=(rows, inputs, units))


def normalize(kernels, x, gamma, beta, means):
    mean, squares = kernels.moments(x, poisoned)
    variance = np.square(gamma) + 1
    y, saved = kernels.batch_norm(x, mean, variance, gamma, beta, 1e-5, poisoned, True)
    dy = np.sin(np.arange(x.size)).reshape(x.shape).astype(x.dtype)
    sums = kernels.batch_norm_sums(dy, saved, poisoned)
    dx = kernels.batch_norm_backward(dy, saved, gamma, means, poisoned)
    positive = []
    if x.dtype == "float64":  # in float32, rounding decides which outputs near 0 are positive
        z, saved = kernels.batch_norm_relu(x, mean, variance, gamma, beta, 1e-5, poisoned, True)
        dz = kernels.batch_norm_relu_backward(dy, saved, gamma, means, poisoned)
        positive = [z, dz, *kernels.batch_norm_relu_sums(dy, saved, poisoned)]
    rows, saved = kernels.layer_norm(x, gamma, beta, 1e-5, poisoned, True)
    row_gradients = kernels.layer_norm_backward(dy, saved, gamma, poisoned, EVERY)
    return mean, squares, y, *sums, dx, *positive, rows, *row_gradients


def test_normalization_of_any_number_of_channels(dtype):
    rng = np.random.default_rng(6)
    for channels in (*range(2, 40), 64, 257, 300):
        shape = (int(rng.integers(1, 5)), int(rng.integers(1, 90)), channels)
        x = (rng.normal(size=shape) + 3).astype(dtype)
        gamma, beta, a, b = (rng.normal(size=channels).astype(dtype) for _ in range(4))
        means = (a, b) if channels % 3 else None
        results = [normalize(kernels, x, gamma, beta, means) for kernels in (NATIVE, REFERENCE)]
        agree(*results, terms=x.size / channels, case=shape)


def test_root_mean_square_of_any_number_of_channels(dtype):
    rng = np.random.default_rng(11)
    for channels in (*range(1, 40), 300):
        shape = (int(rng.integers(0, 5)), int(rng.integers(1, 90)), channels)
        x, dy = (rng.normal(size=shape).astype(dtype) for _ in range(2))
        gamma = rng.normal(size=channels).astype(dtype) if channels % 3 else None
        needs = channels % 2 == 0, gamma is not None
        results = []
        for kernels in (NATIVE, REFERENCE):
            y, saved = kernels.rms_norm(x, gamma, 1e-5, poisoned, True)
            gradients = kernels.rms_norm_backward(dy, saved, gamma, poisoned, needs)
            results.append((y, *gradients))
        agree(*results, terms=x.size / channels, case=shape)


def normalize_groups(kernels, x, groups, gamma, beta, relu, needs):
    y, saved = kernels.group_norm(x, groups, gamma, beta, 1e-5, poisoned, True, relu)
    light, _ = kernels.group_norm(x, groups, gamma, beta, 1e-5, poisoned, False, relu)
    dy = np.sin(np.arange(x.size)).reshape(x.shape).astype(x.dtype)
    return y, light, *kernels.group_norm_backward(dy, saved, gamma, poisoned, needs)


def test_normalization_of_any_number_of_groups(dtype):
    """Groups of any size, of which vectors hold several or parts."""
    rng = np.random.default_rng(13)
    for case in range(100):
        groups, size = int(rng.integers(1, 9)), int(rng.choice([1, 2, 3, 4, 7, 8, 16, 33, 300]))
        channels = groups * size
        shape = (int(rng.integers(0, 4)), *rng.integers(1, 20, rng.integers(0, 3)), channels)
        x = (rng.normal(size=shape) + 3).astype(dtype)
        if x.size == len(x) * groups:
            continue  # a group of a single number is 0, and its gradients are rounding errors
        gamma, beta = (rng.normal(size=channels).astype(dtype) for _ in range(2))
        affine = gamma if case % 3 else None, beta if case % 4 else None
        # With a ReLU, rounding decides which of the gradients of outputs near 0 pass.
        relu = case % 2 == 0 and dtype == "float64"
        needs = bool(rng.integers(2)), affine[0] is not None, affine[1] is not None
        arguments = x, groups, *affine, relu, needs
        results = [normalize_groups(kernels, *arguments) for kernels in (NATIVE, REFERENCE)]
        agree(*results, terms=x.size / max(1, groups), case=(shape, groups))


def test_groups_far_from_zero_keep_their_digits():
    x = (np.random.default_rng(14).normal(size=(2, 5000, 4)) + 1000).astype("float32")
    y, _ = NATIVE.group_norm(x, 2, None, None, 1e-5, poisoned, False)
    exact = x.astype("float64").reshape(2, 5000, 2, 2)
    exact -= exact.mean(axis=(1, 3), keepdims=True)
    exact /= exact.std(axis=(1, 3), keepdims=True)
    np.testing.assert_allclose(y, exact.reshape(y.shape), atol=2e-4)


def test_rotation_of_any_number_of_pairs_has_the_bits_of_numpy(dtype):
    """The arithmetic is the same, operation by operation, so no tolerance is needed."""
    rng = np.random.default_rng(12)
    for pairs in (*range(1, 20), 33, 64):
        samples, steps, heads = (int(n) for n in rng.integers([0, 1, 1], [4, 30, 4]))
        x = rng.normal(size=(samples, steps, heads, 2 * pairs)).astype(dtype)
        cosines, sines = (rng.normal(size=(steps, pairs)).astype(dtype) for _ in range(2))
        y, expected = (k.rotate(x, cosines, sines, poisoned) for k in (NATIVE, REFERENCE))
        np.testing.assert_array_equal(y, expected)


def test_moments_far_from_zero_keep_their_digits():
    """A sum of squares minus a square of sums would have lost all of them."""
    x = np.random.default_rng(7).normal(size=(5000, 5)) + 1000
    mean, squares = NATIVE.moments(x.astype("float32"), poisoned)
    exact = x.astype("float32").astype("float64")
    np.testing.assert_allclose(mean, exact.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(squares / len(x), exact.var(axis=0), rtol=1e-3)


def test_moments_of_a_million_pixels_are_as_exact_as_of_a_thousand():
    x = np.random.default_rng(8).random((1_000_000, 2), np.float32)
    mean, squares = NATIVE.moments(x, poisoned)
    np.testing.assert_allclose(mean, x.mean(axis=0, dtype="float64"), rtol=2e-7)
    np.testing.assert_allclose(squares / len(x), x.var(axis=0, dtype="float64"), rtol=1e-6)


@pytest.mark.parametrize("relu", [False, True])
def test_gradients_of_many_rows_are_summed_in_blocks(relu):
    """Blocks of rows of several lengths, and the ReLU of each."""
    rng = np.random.default_rng(10)
    for rows in (2047, 2048, 2500, 9001, 40_000):
        x, dy = rng.normal(size=(2, rows, 19))
        given = x, rng.normal(size=19), 1 + rng.random(19), rng.normal(size=19), rng.normal(size=19)
        results = []
        for kernels in (NATIVE, REFERENCE):
            name = "batch_norm_relu" if relu else "batch_norm"
            _, saved = getattr(kernels, name)(*given, 1e-5, poisoned, True)
            results.append(getattr(kernels, f"{name}_sums")(dy, saved, poisoned))
        agree(*results, terms=rows, case=rows)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_of_any_number_of_classes(smoothing, dtype):
    rng = np.random.default_rng(9)
    for classes in (*range(1, 40), 1000):
        scale = rng.choice([1, 30, 1000])
        logits = (scale * rng.normal(size=(6, classes))).astype(dtype)
        labels = rng.integers(classes, size=6).astype(rng.choice(["int32", "int64", "uint8"]))
        if classes > 256:
            labels = labels.astype("int64")
        results = [
            kernels.softmax_cross_entropy(logits, labels, smoothing, poisoned)
            for kernels in (NATIVE, REFERENCE)
        ]
        agree(*results, terms=1, case=(classes, scale))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_cross_entropy_keeps_nan_and_infinity(bad):
    """If NaN became a number here, training would continue with meaningless values."""
    logits = np.zeros((3, 20), "float32")
    logits[1, 18] = bad
    actual, expected = (
        kernels.softmax_cross_entropy(logits, np.zeros(3, int), 0.0, poisoned)
        for kernels in (NATIVE, REFERENCE)
    )
    agree(actual, expected)


@pytest.mark.parametrize("approximate", [False, True])
def test_gelu_of_any_number(approximate, dtype):
    """Both formulas of the error function, where it becomes 1, and NaN."""
    near = np.linspace(-12, 12, 3001)
    x = np.concatenate([near, np.logspace(-30, 15, 60), [0.0, -0.0, np.nan]]).astype(dtype)
    x = np.concatenate([x, -x])
    actual, expected = (k.gelu(x, approximate, poisoned, True) for k in (NATIVE, REFERENCE))
    agree(actual, expected, case=approximate)
    np.testing.assert_array_equal(np.isnan(actual), np.isnan(expected))
    for size in range(40):
        y, _ = NATIVE.gelu(x[:size], approximate, poisoned, False)
        np.testing.assert_array_equal(y, actual[0][:size])


def test_relu_and_dropout_keep_nan_infinities_and_signs(dtype):
    rng = np.random.default_rng(10)
    special = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-40, -1e-40, 1.0, -1.0])
    for size in (0, 1, 9, 100, 1000):
        x, dy = (rng.choice(special, size).astype(dtype) for _ in range(2))
        uniform = rng.random(size, np.float32)
        with np.errstate(all="ignore"):
            for kernels in (NATIVE, REFERENCE):
                y = kernels.relu(x, poisoned)
                dx = kernels.relu_backward(dy, y, poisoned)
                dropped = kernels.dropout(x, uniform, 0.3, poisoned)
                if kernels is NATIVE:
                    actual = (y, dx, *dropped)
        for a, b in zip(actual, (y, dx, *dropped), strict=True):
            np.testing.assert_array_equal(a, b)
