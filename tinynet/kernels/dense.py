"""Affine maps of rows, as matrix products."""

import numpy as np

from tinynet.kernels import ThreeGradients
from tinynet.kernels.elementwise import channel_sums, rectify, relu_backward
from tinynet.kernels.memory import Empty
from tinynet.types import Array


def dense(x: Array, weight: Array, bias: Array | None, empty: Empty, relu: bool = False) -> Array:
    """See `Kernels.dense`."""
    y = empty((len(x), weight.shape[1]), x.dtype)
    x.dot(weight, out=y)
    if bias is not None:
        y += bias
    if relu:
        rectify(y)
    return y


def dense_backward(
    dy: Array,
    x: Array,
    weight: Array,
    empty: Empty,
    needs: tuple[bool, bool, bool],
    rectified: Array | None = None,
) -> ThreeGradients:
    """See `Kernels.dense_backward`."""
    needs_x, needs_weight, needs_bias = needs
    if rectified is not None:
        dy = relu_backward(dy, rectified, empty)
    dx = dweight = None
    if needs_x:
        dx = empty(x.shape, dy.dtype)
        dy.dot(weight.T, out=dx)
    if needs_weight:
        dweight = empty(weight.shape, dy.dtype)
        np.dot(x.T, dy, out=dweight)
    return dx, dweight, channel_sums(dy) if needs_bias else None
