"""Pooling: one pass over the image for each cell of the window."""

import math
from typing import Any

import numpy as np

from tinynet.kernels import Saved, Window
from tinynet.kernels.memory import Empty
from tinynet.kernels.scratch import scratch
from tinynet.types import Array, Shape


def max_pool2d(x: Array, window: Window, empty: Empty, keep: bool) -> tuple[Array, Saved]:
    """See `Kernels.max_pool2d`."""
    if not keep:
        return _maxima(x, window, empty), None
    y = empty(_out_shape(x, window), x.dtype)
    first, *others = window.cells(*x.shape[1:3])
    if window.padded:
        y.fill(-np.inf)
    y[first.windows] = x[first.pixels]
    winner = _first_cells(x, window, empty)
    leads = empty(y.shape, winner.dtype)
    for cell in others:
        # A copy for two passes, since NumPy's loops over pixels of few channels are short.
        best = y[cell.windows]
        pixels = scratch(best.shape, x.dtype)
        np.copyto(pixels, x[cell.pixels])
        last, lead = winner[cell.windows], leads[cell.windows]
        np.greater(pixels, best, out=lead)
        np.maximum(pixels, best, out=best)
        # Cells come in the order of their numbers: the greatest that ever led is the last one.
        np.multiply(lead, winner.dtype.type(cell.number), out=lead)
        np.maximum(last, lead, out=last)
    return y, (winner, x.shape)


def _maxima(x: Array, window: Window, empty: Empty) -> Array:
    """Return the maximum of each window."""
    y = empty(_out_shape(x, window), x.dtype)
    first, *others = window.cells(*x.shape[1:3])
    if window.padded or not others:
        y.fill(-np.inf)
        for cell in (first, *others):
            best = y[cell.windows]
            np.maximum(best, x[cell.pixels], out=best)
        return y
    best = x[first.pixels]
    for cell in others:
        best = np.maximum(best, x[cell.pixels], out=y)
    return y


def max_pool2d_backward(dy: Array, saved: Saved, window: Window, empty: Empty) -> Array:
    """See `Kernels.max_pool2d_backward`."""
    winner, in_shape = saved
    dx = empty(in_shape, dy.dtype)
    dx.fill(0)
    wins = empty(dy.shape, np.bool_)
    parts = dy if window.disjoint else empty(dy.shape, dy.dtype)
    for cell in window.cells(*in_shape[1:3]):
        won = np.equal(winner[cell.windows], cell.number, out=wins[cell.windows])
        if window.disjoint:
            np.multiply(dy[cell.windows], won, out=dx[cell.pixels])
        else:
            dx[cell.pixels] += np.multiply(dy[cell.windows], won, out=parts[cell.windows])
    return dx


def avg_pool2d(x: Array, window: Window, empty: Empty, keep: bool) -> tuple[Array, Saved]:
    """See `Kernels.avg_pool2d`."""
    y = empty(_out_shape(x, window), x.dtype)
    y.fill(0)
    for cell in window.cells(*x.shape[1:3]):
        y[cell.windows] += x[cell.pixels]
    y /= _pixel_counts(x.shape, window, x.dtype)
    return y, x.shape if keep else None


def avg_pool2d_backward(dy: Array, saved: Saved, window: Window, empty: Empty) -> Array:
    """See `Kernels.avg_pool2d_backward`."""
    in_shape = saved
    share = empty(dy.shape, dy.dtype)
    np.divide(dy, _pixel_counts(in_shape, window, dy.dtype), out=share)
    dx = empty(in_shape, dy.dtype)
    dx.fill(0)
    for cell in window.cells(*in_shape[1:3]):
        dx[cell.pixels] += share[cell.windows]
    return dx


def _out_shape(x: Array, window: Window) -> Shape:
    samples, height, width, channels = x.shape
    return (samples, *window.out_size(height, width), channels)


def _first_cells(x: Array, window: Window, empty: Empty) -> Array:
    """For each window and channel, the number of its first cell that is not padding."""
    shape = _out_shape(x, window)
    numbers = empty(shape, np.min_scalar_type(math.prod(window.kernel_size) - 1))
    numbers.fill(0)
    if window.padded:
        first = np.zeros((1, *shape[1:3], 1), numbers.dtype)
        for cell in reversed(window.cells(*x.shape[1:3])):
            first[cell.windows] = cell.number
        numbers[...] = first
    return numbers


def _pixel_counts(in_shape: Shape, window: Window, dtype: np.dtype[Any]) -> Array:
    """Return the number of pixels in each window, (1, Ho, Wo, 1)."""
    height, width = in_shape[1:3]
    counts = np.zeros((1, *window.out_size(height, width), 1), dtype)
    for cell in window.cells(height, width):
        counts[cell.windows] += 1
    return counts
