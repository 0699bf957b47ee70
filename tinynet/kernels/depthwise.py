"""Depthwise convolution: one filter for each channel.

As a batch of matrix products, one for each channel, it would copy every pixel once for each cell of
the kernel, and its products would be too small to be fast. `np.einsum` reads the pixels where they
are and keeps a row of sums in the cache, and other threads of Python run meanwhile.
"""

import numpy as np
from numpy.lib.stride_tricks import as_strided

from tinynet.kernels import Window
from tinynet.kernels.memory import Empty
from tinynet.kernels.scratch import scratch
from tinynet.kernels.window import Pair
from tinynet.types import Array, Shape

MANY_CHANNELS = 16
"""From here on, it takes less time than products of one channel each."""


def is_depthwise(weight: Array, channels: int) -> bool:
    """Return True for a weight (kh, kw, 1, C) of as many groups and filters as channels."""
    return weight.shape[2:] == (1, channels) and channels >= MANY_CHANNELS


def convolve(x: Array, weight: Array, window: Window, empty: Empty) -> Array:
    """Return the convolution, without a bias: x (N, H, W, C) -> (N, Ho, Wo, C)."""
    samples, height, width, channels = x.shape
    y = empty((samples, *window.out_size(height, width), channels), x.dtype)
    return _weighted_sums(_seen(x, window, y.shape), weight, y)


def input_gradient(
    dy: Array, weight: Array, in_shape: Shape, window: Window, empty: Empty
) -> Array:
    """Return dx (N, H, W, C) from dy (N, Ho, Wo, C): for each pixel, a sum over its windows."""
    (samples, height, width, channels), (rows, columns) = in_shape, dy.shape[1:3]
    (down, across), ((top, _), (left, _)) = window.strides, window.padding
    above, before = max(window.extent[0] - 1 - top, 0), max(window.extent[1] - 1 - left, 0)
    last = above + (rows - 1) * down + 1, before + (columns - 1) * across + 1
    size = max(above + top + height, last[0]), max(before + left + width, last[1])
    # Each window's gradient at its first pixel, with zeros between them and around them.
    spread = scratch((samples, *size, channels), dy.dtype)
    spread.fill(0)
    spread[:, above : last[0] : down, before : last[1] : across] = dy
    # A pixel is the cell (i, j) of the window that starts i steps above and j steps before it.
    back = -window.dilation[0], -window.dilation[1]
    first = above + top, before + left
    cells = _cells(spread, first, in_shape, window.kernel_size, (1, 1), back)
    return _weighted_sums(cells, weight, empty(in_shape, dy.dtype))


def weight_gradient(dy: Array, x: Array, weight: Array, window: Window, empty: Empty) -> Array:
    """Return dweight (kh, kw, 1, C) from dy (N, Ho, Wo, C) and x (N, H, W, C)."""
    cells = _seen(x, window, dy.shape)
    sums = np.einsum("nhwijk,nhwk->ijk", cells, dy.reshape(*cells.shape[:3], cells.shape[-1]))
    dweight = empty(weight.shape, weight.dtype)
    sums.reshape(*window.kernel_size, -1, x.shape[3]).sum(axis=2, out=dweight[:, :, 0])
    return dweight


def _seen(x: Array, window: Window, out_shape: Shape) -> Array:
    """Return the pixels of each window, as `_cells`."""
    if window.padded:
        (samples, height, width, channels), ((top, bottom), (left, right)) = x.shape, window.padding
        size = top + height + bottom, left + width + right
        padded = scratch((samples, *size, channels), x.dtype)
        padded.fill(0)
        padded[:, top : top + height, left : left + width] = x
        x = padded
    return _cells(x, (0, 0), out_shape, window.kernel_size, window.strides, window.dilation)


def _cells(
    image: Array, first: Pair, out_shape: Shape, size: Pair, strides: Pair, steps: Pair
) -> Array:
    """Return a view (n, h, w, i, j, k): sample, window (h, w), cell (i, j) and channel.

    Where neighboring windows are neighboring pixels, k are the channels of a row of windows, and
    there is one w: NumPy's loop over the last axis is several times faster if that is long.

    Args:
        image: (N, H, W, C).
        first: The pixel (row, column) of the first cell of the first window.
        out_shape: (N, windows down, windows right, C).
        size: Cells of a window, (down, right).
        strides: Pixels between neighboring windows.
        steps: Pixels between neighboring cells of a window.
    """
    image = np.ascontiguousarray(image)
    samples, rows, columns, channels = out_shape
    sample, row, column, channel = image.strides
    across, length = (columns, channels) if strides[1] > 1 else (1, columns * channels)
    return as_strided(
        image[:, first[0] :, first[1] :],
        (samples, rows, across, *size, length),
        (sample, strides[0] * row, strides[1] * column, steps[0] * row, steps[1] * column, channel),
    )


def _weighted_sums(cells: Array, weight: Array, out: Array) -> Array:
    """Write the sums of the cells times a weight (kh, kw, 1, C) into ``out``, (N, Ho, Wo, C)."""
    factors = np.tile(weight[:, :, 0], cells.shape[-1] // weight.shape[3])
    sums = out.reshape(*cells.shape[:3], cells.shape[-1])
    np.einsum("nhwijk,ijk->nhwk", cells, factors, out=sums)
    return out
