"""Depthwise convolution: one filter for each channel.

As a batch of matrix products, one for each channel, it would copy every pixel once for each cell of
the kernel, and its products would be too small to be fast. A pass over the image for each cell
needs neither.
"""

import numpy as np

from tinynet.kernels import Window
from tinynet.kernels.elementwise import channel_sums
from tinynet.kernels.memory import Empty
from tinynet.types import Array, Shape

MANY_CHANNELS = 16
"""From here on, a pass over the image takes less time than products of one channel each."""


def is_depthwise(weight: Array, channels: int) -> bool:
    """Return True for a weight (kh, kw, 1, C) of as many groups and filters as channels."""
    return weight.shape[2:] == (1, channels) and channels >= MANY_CHANNELS


def convolve(x: Array, weight: Array, window: Window, empty: Empty) -> Array:
    """Return the convolution, without a bias: x (N, H, W, C) -> (N, Ho, Wo, C)."""
    samples, height, width, channels = x.shape
    y = empty((samples, *window.out_size(height, width), channels), x.dtype)
    y.fill(0)
    part = np.empty(y.shape, x.dtype)
    for cell in window.cells(height, width):
        factor = weight[cell.row, cell.column, 0]
        y[cell.windows] += _scaled(x[cell.pixels], factor, part[cell.windows])
    return y


def input_gradient(
    dy: Array, weight: Array, in_shape: Shape, window: Window, empty: Empty
) -> Array:
    """Return dx (N, H, W, C) from dy (N, Ho, Wo, C)."""
    dx = empty(in_shape, dy.dtype)
    dx.fill(0)
    part = np.empty(dy.shape, dy.dtype)
    for cell in window.cells(*in_shape[1:3]):
        factor = weight[cell.row, cell.column, 0]
        dx[cell.pixels] += _scaled(dy[cell.windows], factor, part[cell.windows])
    return dx


def weight_gradient(dy: Array, x: Array, weight: Array, window: Window, empty: Empty) -> Array:
    """Return dweight (kh, kw, 1, C) from dy (N, Ho, Wo, C) and x (N, H, W, C)."""
    dweight = empty(weight.shape, weight.dtype)
    dweight.fill(0)
    part = np.empty(dy.shape, dy.dtype)
    for cell in window.cells(*x.shape[1:3]):
        part.fill(0)
        np.multiply(x[cell.pixels], dy[cell.windows], out=part[cell.windows])
        dweight[cell.row, cell.column, 0] = channel_sums(part)
    return dweight


def _scaled(x: Array, factor: Array, out: Array) -> Array:
    """Return x * factor, (N, H, W, C) and (C,), in a part of the columns of a contiguous array."""
    samples, height, width, channels = x.shape
    if x.strides[2:] != out.strides[2:]:
        return np.multiply(x, factor, out=out)
    # NumPy's loop over the last axis is several times faster if that is longer than C.
    rows = samples, height, width * channels
    np.multiply(x.reshape(rows), np.tile(factor, width), out=out.reshape(rows))
    return out
