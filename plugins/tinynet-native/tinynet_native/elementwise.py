"""ReLU, GELU, sums and products, dropout with its random numbers, and softmax cross-entropy."""

import numpy as np

from tinynet.kernels.memory import Empty
from tinynet.types import Array, Shape
from tinynet_native import _kernels


def relu(x: Array, empty: Empty) -> Array:
    """See `tinynet.kernels.Kernels.relu`."""
    y = empty(x.shape, x.dtype)
    _kernels.relu(x, y)
    return y


def relu_backward(dy: Array, y: Array, empty: Empty) -> Array:
    """See `tinynet.kernels.Kernels.relu_backward`."""
    dx = empty(dy.shape, dy.dtype)
    _kernels.relu_backward(dy, y, dx)
    return dx


def add(x: Array, term: Array, empty: Empty) -> Array:
    """See `tinynet.kernels.Kernels.add`."""
    y = empty(x.shape, x.dtype)
    _kernels.add(x, term, y)
    return y


def multiply(x: Array, factor: Array, empty: Empty) -> Array:
    """See `tinynet.kernels.Kernels.multiply`."""
    y = empty(x.shape, x.dtype)
    _kernels.multiply(x, factor, y)
    return y


def scale(x: Array, factor: float, empty: Empty) -> Array:
    """See `tinynet.kernels.Kernels.scale`."""
    y = empty(x.shape, x.dtype)
    _kernels.scale(x, y, factor)
    return y


def divide(x: Array, divisor: float, empty: Empty) -> Array:
    """See `tinynet.kernels.Kernels.divide`."""
    y = empty(x.shape, x.dtype)
    _kernels.divide(x, y, divisor)
    return y


def gelu(x: Array, approximate: bool, empty: Empty, keep: bool) -> tuple[Array, Array | None]:
    """See `tinynet.kernels.Kernels.gelu`."""
    y = empty(x.shape, x.dtype)
    slope = empty(x.shape, x.dtype) if keep else None
    _kernels.gelu(x, y, slope, approximate)
    return y, slope


def uniform(key: Array, first: int, shape: Shape, empty: Empty) -> Array:
    """See `tinynet.kernels.Kernels.uniform`."""
    numbers = empty(shape, np.float32)
    _kernels.uniform(key, first, numbers)
    return numbers


def dropout(x: Array, uniform: Array, rate: float, empty: Empty) -> tuple[Array, Array]:
    """See `tinynet.kernels.Kernels.dropout`."""
    y, mask = empty(x.shape, x.dtype), empty(x.shape, x.dtype)
    _kernels.dropout(x, uniform.astype(np.float32, copy=False), y, mask, rate)
    return y, mask


def softmax_cross_entropy(
    logits: Array, labels: Array, label_smoothing: float, empty: Empty
) -> tuple[Array, Array]:
    """See `tinynet.kernels.Kernels.softmax_cross_entropy`.

    Raises:
        IndexError: A label is not one of the classes.
    """
    losses = empty(logits.shape[:1], logits.dtype)
    gradient = empty(logits.shape, logits.dtype)
    labels = labels.astype(np.int64, copy=False, casting="same_kind")
    _kernels.softmax_cross_entropy(logits, labels, losses, gradient, label_smoothing)
    return losses, gradient
