"""Pooling. Max pooling saves the cell of each maximum for the backward pass."""

from typing import NamedTuple

import numpy as np

from tinynet.kernels import Saved, Window, pooling
from tinynet.kernels.memory import Empty
from tinynet.types import Array, Shape
from tinynet_native import _kernels
from tinynet_native.convolution import window_numbers

MOST_CELLS = 256
"""Cells of a window whose numbers fit in a byte; larger windows are left to the reference."""

WINNER_STEP = 16
"""Channels of winners are rounded up to a multiple of it, the largest number of lanes."""


class Winners(NamedTuple):
    """The values that `max_pool2d` saves for `max_pool2d_backward`."""

    cells: Array  # the number of each output's cell in its window, (N, Ho, Wo, C rounded up)
    in_shape: Shape  # (N, H, W, C)


def max_pool2d(x: Array, window: Window, empty: Empty, keep: bool) -> tuple[Array, Saved]:
    """See `tinynet.kernels.Kernels.max_pool2d`."""
    rows, columns = window.kernel_size
    if keep and rows * columns > MOST_CELLS:
        return pooling.max_pool2d(x, window, empty, keep)
    samples, height, width, channels = x.shape
    down, right = window.out_size(height, width)
    y = empty((samples, down, right, channels), x.dtype)
    saved = cells = None
    if keep:
        padded = -(-channels // WINNER_STEP) * WINNER_STEP
        cells = empty((samples, down, right, padded), np.uint8)
        saved = Winners(cells, x.shape)
    _kernels.max_pool2d(x, y, cells, rows, columns, *window_numbers(window))
    return y, saved


def max_pool2d_backward(dy: Array, saved: Saved, window: Window, empty: Empty) -> Array:
    """See `tinynet.kernels.Kernels.max_pool2d_backward`."""
    if not isinstance(saved, Winners):
        return pooling.max_pool2d_backward(dy, saved, window, empty)
    dx = empty(saved.in_shape, dy.dtype)
    _kernels.max_pool2d_backward(dy, saved.cells, dx, *window.kernel_size, *window_numbers(window))
    return dx


def avg_pool2d(x: Array, window: Window, empty: Empty, keep: bool) -> tuple[Array, Shape]:
    """See `tinynet.kernels.Kernels.avg_pool2d`."""
    samples, height, width, channels = x.shape
    y = empty((samples, *window.out_size(height, width), channels), x.dtype)
    _kernels.avg_pool2d(x, y, *window.kernel_size, *window_numbers(window))
    return y, x.shape


def avg_pool2d_backward(dy: Array, saved: Shape, window: Window, empty: Empty) -> Array:
    """See `tinynet.kernels.Kernels.avg_pool2d_backward`."""
    dx = empty(saved, dy.dtype)
    _kernels.avg_pool2d_backward(dy, dx, *window.kernel_size, *window_numbers(window))
    return dx
