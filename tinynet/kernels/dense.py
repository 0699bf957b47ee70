"""Affine maps of rows, as matrix products."""

import numpy as np

from tinynet.kernels import ThreeGradients
from tinynet.kernels.channels import channel_sums
from tinynet.memory import Empty
from tinynet.types import Array


def dense(x: Array, weight: Array, bias: Array | None, empty: Empty) -> Array:
    """See `Kernels.dense`."""
    y = empty((len(x), weight.shape[1]), x.dtype)
    x.dot(weight, out=y)
    if bias is not None:
        y += bias
    return y


def dense_backward(
    dy: Array, x: Array, weight: Array, empty: Empty, needs: tuple[bool, bool, bool]
) -> ThreeGradients:
    """See `Kernels.dense_backward`."""
    needs_x, needs_weight, needs_bias = needs
    dx = dweight = None
    if needs_x:
        dx = empty(x.shape, dy.dtype)
        dy.dot(weight.T, out=dx)
    if needs_weight:
        dweight = empty(weight.shape, dy.dtype)
        np.dot(x.T, dy, out=dweight)
    return dx, dweight, channel_sums(dy) if needs_bias else None
