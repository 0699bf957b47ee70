"""Kernels that treat every element by itself."""

import numpy as np

from tinynet.kernels.memory import Empty
from tinynet.types import Array
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


def dropout(x: Array, uniform: Array, rate: float, empty: Empty) -> tuple[Array, Array]:
    """See `tinynet.kernels.Kernels.dropout`."""
    y, mask = empty(x.shape, x.dtype), empty(x.shape, x.dtype)
    _kernels.dropout(x, uniform.astype(np.float32, copy=False), y, mask, rate)
    return y, mask
