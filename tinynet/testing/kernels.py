"""The conformance kit for kernels: any implementation against the reference in NumPy.

Each kernel of the interface is a scenario: it draws shapes and numbers from a stream, runs forward
and backward, and returns the results. The scenario of an update follows from its signature. An
implementation passes if its results are those of the reference, for all shapes, and for any
previous content of the memory that it gets.
"""

from collections.abc import Callable, Sequence
from functools import partial
from inspect import signature
from typing import Any, TypeAlias

import numpy as np

from tinynet.kernels import Kernels
from tinynet.kernels.numpy import NumpyKernels
from tinynet.kernels.random import derive
from tinynet.kernels.updates import UPDATES
from tinynet.testing.arrays import Arrays, read_only, require_array, require_close
from tinynet.testing.checks import Check, CheckFailed, first_line, run_all
from tinynet.testing.kernel_draw import Draw
from tinynet.testing.recurrent_scenarios import gru, lstm, simple_rnn
from tinynet.testing.stand_ins import PoisonedWorkspace
from tinynet.types import Array, Shape

TOLERANCES = {"float32": 1e-4, "float64": 1e-10}
EPSILON = 1e-5

Needs: TypeAlias = tuple[bool, bool, bool]
Scenario: TypeAlias = Callable[[Kernels, Draw], Arrays]


def conv2d(kernels: Kernels, draw: Draw) -> Arrays:
    """Convolution, forward and backward."""
    groups = draw.integer(1, 2)
    channels, filters = groups * draw.integer(1, 3), groups * draw.integer(1, 3)
    window = draw.window(dilations=2)
    x = draw.normal(*draw.image_shape(channels))
    weight = draw.normal(*window.kernel_size, channels // groups, filters)
    bias = draw.normal(filters) if draw.flag() else None
    relu = draw.flag()
    y, saved = kernels.conv2d(x, weight, bias, window, draw.empty, True, relu)
    light, _ = kernels.conv2d(x, weight, bias, window, draw.empty, False, relu)
    needs = (draw.flag(), draw.flag(), bias is not None)
    dy = draw.normal(*y.shape)
    gradients = kernels.conv2d_backward(dy, saved, weight, window, draw.empty, needs)
    named = _named(y=y, y_without_cache=light)
    return named | _required(("dx", "dweight", "dbias"), gradients, needs)


def conv2d_transpose(kernels: Kernels, draw: Draw) -> Arrays:
    """Transposed convolution, forward and backward."""
    groups = draw.integer(1, 2)
    channels, filters = groups * draw.integer(1, 3), groups * draw.integer(1, 3)
    window = draw.window(dilations=2)
    samples, *out_shape = draw.image_shape(filters)
    shape = tuple(out_shape)
    x = draw.normal(samples, *window.out_size(*shape[:2]), channels)
    weight = draw.normal(*window.kernel_size, filters // groups, channels)
    bias = draw.normal(filters) if draw.flag() else None
    relu = draw.flag()
    arguments = x, weight, bias, window, shape, draw.empty
    y, saved = kernels.conv2d_transpose(*arguments, True, relu)
    light, _ = kernels.conv2d_transpose(*arguments, False, relu)
    needs = (draw.flag(), draw.flag(), bias is not None)
    dy = draw.normal(*y.shape)
    gradients = kernels.conv2d_transpose_backward(dy, saved, weight, window, draw.empty, needs)
    named = _named(y=y, y_without_cache=light)
    return named | _required(("dx", "dweight", "dbias"), gradients, needs)


def max_pool2d(kernels: Kernels, draw: Draw) -> Arrays:
    """Max pooling, forward and backward, with many ties."""
    return _pool(kernels.max_pool2d, kernels.max_pool2d_backward, draw)


def avg_pool2d(kernels: Kernels, draw: Draw) -> Arrays:
    """Average pooling, forward and backward."""
    return _pool(kernels.avg_pool2d, kernels.avg_pool2d_backward, draw)


def moments(kernels: Kernels, draw: Draw) -> Arrays:
    """Mean and squared distances of every channel."""
    x = _channels(draw, draw.integer(1, 5))
    mean, squares = kernels.moments(x, draw.empty)
    return _named(mean=mean, squares=squares)


def batch_norm(kernels: Kernels, draw: Draw) -> Arrays:
    """Normalization of channels by given statistics, forward and backward."""
    channels = draw.integer(1, 5)
    x = _channels(draw, channels)
    gamma, beta, _ = _affine(draw, channels)
    statistics = draw.normal(channels), read_only(draw.normal(channels) ** 2)
    y, saved = kernels.batch_norm(x, *statistics, gamma, beta, EPSILON, draw.empty, True)
    light, _ = kernels.batch_norm(x, *statistics, gamma, beta, EPSILON, draw.empty, False)
    dy = draw.normal(*y.shape)
    dgamma, dbeta = kernels.batch_norm_sums(dy, saved, draw.empty)
    means = (draw.normal(channels), draw.normal(channels)) if draw.flag() else None
    dx = kernels.batch_norm_backward(dy, saved, gamma, means, draw.empty)
    return _named(y=y, y_without_cache=light, dgamma=dgamma, dbeta=dbeta, dx=dx)


def batch_norm_relu(kernels: Kernels, draw: Draw) -> Arrays:
    """Normalization of channels and then a ReLU, forward and backward."""
    channels = draw.integer(1, 5)
    x = _channels(draw, channels)
    gamma, beta, _ = _affine(draw, channels)
    statistics = draw.normal(channels), read_only(draw.normal(channels) ** 2)
    arguments = x, *statistics, gamma, beta, EPSILON, draw.empty
    y, saved = kernels.batch_norm_relu(*arguments, True)
    light, _ = kernels.batch_norm_relu(*arguments, False)
    dy = draw.normal(*y.shape)
    dgamma, dbeta = kernels.batch_norm_relu_sums(dy, saved, draw.empty)
    means = (draw.normal(channels), draw.normal(channels)) if draw.flag() else None
    dx = kernels.batch_norm_relu_backward(dy, saved, gamma, means, draw.empty)
    return _named(y=y, y_without_cache=light, dgamma=dgamma, dbeta=dbeta, dx=dx)


def layer_norm(kernels: Kernels, draw: Draw) -> Arrays:
    """Normalization of every row, forward and backward."""
    channels = draw.integer(2, 9)
    x = draw.normal(4, 3, channels) if draw.flag() else draw.normal(7, channels)
    gamma, beta, needs = _affine(draw, channels)
    y, saved = kernels.layer_norm(x, gamma, beta, EPSILON, draw.empty, True)
    light, _ = kernels.layer_norm(x, gamma, beta, EPSILON, draw.empty, False)
    dy = draw.normal(*y.shape)
    gradients = kernels.layer_norm_backward(dy, saved, gamma, draw.empty, needs)
    named = _named(y=y, y_without_cache=light)
    return named | _required(("dx", "dgamma", "dbeta"), gradients, needs)


def rms_norm(kernels: Kernels, draw: Draw) -> Arrays:
    """Division of every row by its root mean square, forward and backward."""
    channels = draw.integer(1, 9)
    x = draw.normal(4, 3, channels) if draw.flag() else draw.normal(7, channels)
    gamma, _, (needs_x, needs_gamma, _) = _affine(draw, channels)
    y, saved = kernels.rms_norm(x, gamma, EPSILON, draw.empty, True)
    light, _ = kernels.rms_norm(x, gamma, EPSILON, draw.empty, False)
    dy, needs = draw.normal(*y.shape), (needs_x, needs_gamma)
    gradients = kernels.rms_norm_backward(dy, saved, gamma, draw.empty, needs)
    return _named(y=y, y_without_cache=light) | _required(("dx", "dgamma"), gradients, needs)


def group_norm(kernels: Kernels, draw: Draw) -> Arrays:
    """Normalization of groups of channels of every sample, forward and backward."""
    groups = draw.integer(1, 3)
    channels = groups * draw.integer(1, 4)
    x = draw.normal(3, 4, 5, channels) if draw.flag() else draw.normal(4, 7, channels)
    gamma, beta, needs = _affine(draw, channels)
    arguments, relu = (x, groups, gamma, beta, EPSILON, draw.empty), draw.flag()
    y, saved = kernels.group_norm(*arguments, True, relu)
    light, _ = kernels.group_norm(*arguments, False, relu)
    dy = draw.normal(*y.shape)
    gradients = kernels.group_norm_backward(dy, saved, gamma, draw.empty, needs)
    named = _named(y=y, y_without_cache=light)
    return named | _required(("dx", "dgamma", "dbeta"), gradients, needs)


def rotate(kernels: Kernels, draw: Draw) -> Arrays:
    """Rotation of pairs of elements."""
    steps, pairs = draw.integer(1, 6), draw.integer(1, 5)
    x = draw.normal(draw.integer(1, 3), steps, draw.integer(1, 3), 2 * pairs)
    y = kernels.rotate(x, draw.normal(steps, pairs), draw.normal(steps, pairs), draw.empty)
    return _named(y=y)


def dense(kernels: Kernels, draw: Draw) -> Arrays:
    """Affine maps of rows, forward and backward."""
    rows, fan_in, units = draw.integer(1, 9), draw.integer(1, 40), draw.integer(1, 40)
    x, weight = draw.normal(rows, fan_in), draw.normal(fan_in, units)
    bias = draw.normal(units) if draw.flag() else None
    relu = draw.flag()
    y = kernels.dense(x, weight, bias, draw.empty, relu)
    needs = (draw.flag(), draw.flag(), bias is not None)
    dy, rectified = draw.normal(*y.shape), y if relu else None
    gradients = kernels.dense_backward(dy, x, weight, draw.empty, needs, rectified)
    return _named(y=y) | _required(("dx", "dweight", "dbias"), gradients, needs)


def attention(kernels: Kernels, draw: Draw) -> Arrays:
    """Attention with masks, dropout, shared heads and large scores, forward and backward."""
    samples, steps, length = draw.integer(1, 3), draw.integer(1, 70), draw.integer(1, 70)
    groups, size = draw.integer(1, 3), draw.integer(1, 5)
    heads = groups * draw.integer(1, 2)
    query = read_only(draw.normal(samples, steps, heads, size) * (100 if draw.flag() else 1))
    key = draw.normal(samples, length, groups, size)
    value = draw.normal(samples, length, groups, draw.integer(1, 5))
    mask = uniform = None
    if draw.flag():
        shape = (samples, steps, length) if draw.flag() else (samples, length)
        mask = read_only(draw.rng.integers(2, size=shape).astype(draw.dtype))
    if draw.flag():
        uniform = read_only(draw.rng.random((samples, heads, steps, length), np.float32))
    arguments = query, key, value, mask, draw.flag(), size**-0.5, uniform, 0.25, draw.empty
    y, saved = kernels.attention(*arguments, True)
    light, _ = kernels.attention(*arguments, False)
    needs = draw.flag(), draw.flag(), draw.flag()
    gradients = kernels.attention_backward(draw.normal(*y.shape), saved, draw.empty, needs)
    named = _named(y=y, y_without_cache=light)
    return named | _required(("dquery", "dkey", "dvalue"), gradients, needs)


def relu(kernels: Kernels, draw: Draw) -> Arrays:
    """ReLU, forward and backward, with exact zeros."""
    x = draw.ties(draw.integer(1, 5), draw.integer(1, 40))
    y = kernels.relu(x, draw.empty)
    return _named(y=y, dx=kernels.relu_backward(draw.normal(*x.shape), y, draw.empty))


def gelu(kernels: Kernels, draw: Draw) -> Arrays:
    """GELU, exact and approximate, and its derivative."""
    x = read_only(draw.normal(draw.integer(1, 5), draw.integer(1, 40)) * draw.integer(1, 9))
    approximate = draw.flag()
    y, slope = kernels.gelu(x, approximate, draw.empty, True)
    light, none = kernels.gelu(x, approximate, draw.empty, False)
    if slope is None or none is not None:
        raise CheckFailed("gelu must return the derivative with keep=True, and None without")
    return _named(y=y, slope=slope, y_without_slope=light)


def softmax_cross_entropy(kernels: Kernels, draw: Draw) -> Arrays:
    """Loss and gradient of every row, of logits small and large."""
    rows, classes = draw.integer(1, 9), draw.integer(2, 12)
    logits = read_only(draw.normal(rows, classes) * (100 if draw.flag() else 1))
    labels = read_only(draw.rng.integers(classes, size=rows))
    smoothing = 0.1 if draw.flag() else 0.0
    losses, gradient = kernels.softmax_cross_entropy(logits, labels, smoothing, draw.empty)
    return _named(losses=losses, gradient=gradient)


def ctc(kernels: Kernels, draw: Draw) -> Arrays:
    """Loss and gradient of label sequences, with repeated labels and without any."""
    samples, length, classes = draw.integer(1, 4), draw.integer(1, 5), draw.integer(2, 5)
    blank = draw.integer(0, classes - 1)
    logits = draw.normal(samples, 2 * length + draw.integer(0, 5), classes)
    lengths = read_only(draw.rng.integers(length + 1, size=samples))
    labels = draw.rng.integers(classes - 1, size=(samples, length))
    labels[labels >= blank] += 1
    labels[np.arange(length) >= lengths[:, None]] = blank
    losses, gradient = kernels.ctc(logits, read_only(labels), lengths, blank, draw.empty, True)
    light, _ = kernels.ctc(logits, read_only(labels), lengths, blank, draw.empty, False)
    if gradient is None:
        raise CheckFailed("ctc gives no gradient with keep=True")
    return _named(losses=losses, gradient=gradient, losses_without_gradient=light)


def add(kernels: Kernels, draw: Draw) -> Arrays:
    """The sum of two arrays."""
    shape = draw.integer(1, 5), draw.integer(1, 40)
    return _named(y=kernels.add(draw.normal(*shape), draw.normal(*shape), draw.empty))


def multiply(kernels: Kernels, draw: Draw) -> Arrays:
    """The product of two arrays."""
    shape = draw.integer(1, 5), draw.integer(1, 40)
    return _named(y=kernels.multiply(draw.normal(*shape), draw.normal(*shape), draw.empty))


def uniform(kernels: Kernels, draw: Draw) -> Arrays:
    """Random numbers of a stream, from its start or from any other place."""
    key = read_only(draw.rng.integers(-(2**63), 2**63 - 1, 2))
    shape = draw.integer(1, 5), draw.integer(1, 300)
    first = draw.integer(0, 20)
    numbers = kernels.uniform(key, first, shape, draw.empty)
    require_array(numbers, "the numbers", shape, "float32")
    return _named(numbers=numbers.astype(draw.dtype))


def scale(kernels: Kernels, draw: Draw) -> Arrays:
    """The product of an array and a number."""
    x = draw.normal(draw.integer(1, 5), draw.integer(1, 40))
    return _named(y=kernels.scale(read_only(x), float(draw.normal(1)[0]), draw.empty))


def divide(kernels: Kernels, draw: Draw) -> Arrays:
    """The quotient of an array and a number."""
    x = draw.normal(draw.integer(1, 5), draw.integer(1, 40))
    return _named(y=kernels.divide(read_only(x), float(draw.integer(1, 99)), draw.empty))


def dropout(kernels: Kernels, draw: Draw) -> Arrays:
    """The masked array, and the mask."""
    x = draw.normal(draw.integer(1, 5), draw.integer(1, 40))
    uniform = read_only(np.asarray(draw.rng.random(x.shape), draw.dtype))
    y, mask = kernels.dropout(x, uniform, draw.integer(0, 3) / 4, draw.empty)
    return _named(y=y, mask=mask)


def _updated(update: Callable[..., None], kernels: Kernels, draw: Draw) -> Arrays:
    """Three steps of the update, with options drawn at random."""
    shape = draw.integer(1, 9), draw.integer(1, 40)
    arguments = {
        name: _argument(name, parameter.annotation, shape, draw)
        for name, parameter in signature(update).parameters.items()
    }
    arguments["param"] += draw.normal(*shape)
    for _ in range(3):
        arguments["grad"] = draw.normal(*shape)
        getattr(kernels, update.__name__, update)(*arguments.values())
    return _named(**{name: a for name, a in arguments.items() if isinstance(a, np.ndarray)})


def _argument(name: str, annotation: Any, shape: Shape, draw: Draw) -> Any:
    if annotation == Array or (annotation == Array | None and draw.flag()):
        return np.zeros(shape, draw.dtype)
    if annotation == Array | None:
        return None
    if annotation is bool:
        return draw.flag()
    if annotation is int:
        return draw.integer(1, 1000)
    special = {"weight_decay": draw.integer(0, 1) / 10, "epsilon": 1e-8}
    return special.get(name, draw.integer(1, 9) / 10)


def _channels(draw: Draw, channels: int) -> Array:
    return draw.normal(*draw.image_shape(channels)) if draw.flag() else draw.normal(7, channels)


def _pool(forward: Any, backward: Any, draw: Draw) -> Arrays:
    window = draw.window(dilations=2)
    x = draw.ties(*draw.image_shape(draw.integer(1, 5)))
    y, saved = forward(x, window, draw.empty, True)
    light, _ = forward(x, window, draw.empty, False)
    dx = backward(draw.normal(*y.shape), saved, window, draw.empty)
    return _named(y=y, y_without_cache=light, dx=dx)


def _affine(draw: Draw, channels: int) -> tuple[Array | None, Array | None, Needs]:
    """Return gamma, beta, and which of (dx, dgamma, dbeta) are needed."""
    gamma = draw.normal(channels) if draw.flag() else None
    beta = draw.normal(channels) if draw.flag() else None
    required = gamma is not None and draw.flag(), beta is not None and draw.flag()
    return gamma, beta, (draw.flag(), *required)


def _named(**arrays: Array) -> Arrays:
    return {name: np.array(array) for name, array in arrays.items()}


def _required(
    names: tuple[str, ...], gradients: Sequence[Array | None], needs: Sequence[bool]
) -> Arrays:
    if len(gradients) != len(names):
        raise CheckFailed(f"backward gives {len(gradients)} gradients instead of {len(names)}")
    named = zip(names, gradients, needs, strict=True)
    return {name: np.array(array) for name, array, needed in named if needed}


SCENARIOS: tuple[Scenario, ...] = (
    conv2d,
    conv2d_transpose,
    max_pool2d,
    avg_pool2d,
    moments,
    batch_norm,
    batch_norm_relu,
    layer_norm,
    rms_norm,
    group_norm,
    rotate,
    dense,
    attention,
    relu,
    gelu,
    softmax_cross_entropy,
    ctc,
    simple_rnn,
    gru,
    lstm,
    add,
    multiply,
    scale,
    divide,
    uniform,
    dropout,
)
"""All kernels but the updates of optimizers, of which `_updated` makes scenarios."""


def kernel_checks(kernels_class: type[Any], *, draws: int = 12, seed: int = 0) -> list[Check]:
    """Return the checks of one implementation of the kernels, one for each kernel.

    Args:
        kernels_class: The class.
        draws: Number of runs of each kernel, with new shapes each time.
        seed: The seed of shapes and numbers.
    """
    scenarios: list[tuple[str, Scenario, str]] = [
        *((scenario.__name__, scenario, first_line(scenario)) for scenario in SCENARIOS),
        *((update.__name__, partial(_updated, update), first_line(_updated)) for update in UPDATES),
    ]
    return [
        Check(
            kernels_class.__name__,
            name,
            _comparison(kernels_class, name, scenario, draws, seed),
            description,
        )
        for name, scenario, description in scenarios
    ]


def check_kernels(kernels_class: type[Any], **kwargs: Any) -> None:
    """Run all of `kernel_checks`, with the same arguments.

    Raises:
        CheckFailed: with one line for each finding.
    """
    run_all(kernel_checks(kernels_class, **kwargs))


def _comparison(
    kernels_class: type[Any], name: str, scenario: Scenario, draws: int, seed: int
) -> Callable[[], None]:
    def compare() -> None:
        for number in range(draws):
            for dtype, tolerance in TOLERANCES.items():
                results = []
                for kernels in (NumpyKernels(), kernels_class()):
                    rng = derive(name, seed, number)
                    results.append(scenario(kernels, Draw(rng, dtype, PoisonedWorkspace().empty)))
                right, actual = results
                when = f"in draw {number} in {dtype}"
                require_close(right, actual, when, tolerance)
                for output, array in actual.items():
                    require_array(array, f"{when}: {output}", None, dtype)

    return compare
