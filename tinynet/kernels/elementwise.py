"""ReLU, dropout, softmax cross-entropy, and helpers for images with few channels.

NumPy runs one inner loop over the last axis for every other index. With few channels it spends its
time between those loops, which `wide` makes long. And it compares an array with an array several
times faster than it takes np.maximum of an array and a number, or np.where of a mask.
"""

import numpy as np

from tinynet.kernels.memory import Empty
from tinynet.types import Array

LONG = 2**12
"""Elements of a row from which the time between the inner loops does not matter."""


def wide(x: Array) -> Array:
    """(..., W, C) as rows (R, K * W * C) of K lines each; a view if ``x`` is contiguous."""
    length = _row_length(x)
    return x if length == x.shape[-1] else x.reshape(x.size // length, length)


def widen(vector: Array, x: Array) -> Array:
    """(C,) repeated to fit a row of `wide`."""
    length = _row_length(x)
    if length == len(vector):
        return vector
    repeated = np.empty((length // len(vector), len(vector)), vector.dtype)
    repeated[...] = vector
    return repeated.reshape(-1)


def _row_length(x: Array) -> int:
    length: int = x.shape[-1]
    if x.ndim <= 2 or not x.size:
        return length
    length *= x.shape[-2]
    lines = x.size // length
    while length < LONG and lines % 2 == 0:
        length, lines = 2 * length, lines // 2
    return length


def channel_sums(x: Array) -> Array:
    """Sum over every axis but the last: (..., C) -> (C,), as one matrix product."""
    rows = x.reshape(-1, x.shape[-1])
    return np.ones(len(rows), x.dtype) @ rows


def rectify(x: Array) -> None:
    """max(x, 0) in place, of any shape; NaN stays NaN."""
    rows = wide(x)
    np.maximum(rows, np.zeros(rows.shape[-1], x.dtype), out=rows)


def relu(x: Array, empty: Empty) -> Array:
    """See `Kernels.relu`."""
    y = empty(x.shape, x.dtype)
    y.fill(0)
    return np.maximum(x, y, out=y)


def relu_backward(dy: Array, y: Array, empty: Empty) -> Array:
    """See `Kernels.relu_backward`."""
    dx = empty(dy.shape, dy.dtype)
    np.greater(y, 0, out=dx)
    dx *= dy
    return dx


def add(x: Array, term: Array, empty: Empty) -> Array:
    """See `Kernels.add`."""
    return np.add(x, term, out=empty(x.shape, x.dtype))


def multiply(x: Array, factor: Array, empty: Empty) -> Array:
    """See `Kernels.multiply`."""
    return np.multiply(x, factor, out=empty(x.shape, x.dtype))


def scale(x: Array, factor: float, empty: Empty) -> Array:
    """See `Kernels.scale`."""
    return np.multiply(x, factor, out=empty(x.shape, x.dtype))


def divide(x: Array, divisor: float, empty: Empty) -> Array:
    """See `Kernels.divide`."""
    return np.divide(x, divisor, out=empty(x.shape, x.dtype))


def dropout(x: Array, uniform: Array, rate: float, empty: Empty) -> tuple[Array, Array]:
    """See `Kernels.dropout`."""
    mask = np.greater_equal(uniform, rate, out=empty(x.shape, x.dtype))
    mask *= 1 / (1 - rate)
    return np.multiply(x, mask, out=empty(x.shape, x.dtype)), mask


def softmax_cross_entropy(
    logits: Array, labels: Array, label_smoothing: float, empty: Empty
) -> tuple[Array, Array]:
    """See `Kernels.softmax_cross_entropy`."""
    rows, classes = logits.shape
    at_label = np.arange(rows), labels
    shifted = empty(logits.shape, logits.dtype)
    np.subtract(logits, logits.max(axis=1, keepdims=True), out=shifted)
    gradient = np.exp(shifted, out=empty(logits.shape, logits.dtype))
    total = gradient.sum(axis=1, keepdims=True)
    # -sum(target * log_softmax), where log_softmax = shifted - log(total) and targets sum to 1.
    losses = np.log(total[:, 0]) - (1 - label_smoothing) * shifted[at_label]
    if label_smoothing:
        losses -= label_smoothing * shifted.mean(axis=1)
    gradient /= total
    gradient -= label_smoothing / classes
    gradient[at_label] -= 1 - label_smoothing
    return losses, gradient
