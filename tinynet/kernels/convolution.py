"""Convolution as matrix products over the columns that its windows make of an image.

Columns are made again for the backward pass: memory that is kept until then would take longer. If
there are not more filters than channels, both gradients are products with the columns of dy.
Groups are a batch of smaller products. A matrix (..., C) of G groups is viewed as (G, R, C / G);
R counts windows, or rows of the kernel.
"""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from tinynet.kernels import ThreeGradients, Window
from tinynet.kernels.depthwise import convolve, input_gradient, is_depthwise, weight_gradient
from tinynet.kernels.elementwise import channel_sums, rectify, relu_backward, wide, widen
from tinynet.kernels.memory import Empty
from tinynet.kernels.scratch import scratch
from tinynet.kernels.window import window_back
from tinynet.types import Array, Shape

FEW_CHANNELS = 4
"""Below this, columns are stored so that copies run along the image's width, not its channels."""

FEW_COLUMNS = 2**15
"""Elements of columns up to which the number of calls of NumPy counts, not their memory."""


class Saved(NamedTuple):
    """The values that `conv2d` saves for `conv2d_backward`."""

    x: Array  # the input, (N, H, W, C)
    columns: Array | None  # the pixels of each window, (G, R, kh * kw * C / G), if they are few
    rectified: Array | None  # the output, (N, Ho, Wo, F), if a ReLU was applied


class TransposeSaved(NamedTuple):
    """The values that `conv2d_transpose` saves for `conv2d_transpose_backward`."""

    x: Array  # the input, (N, H, W, C)
    rectified: Array | None  # the output, (N, Ho, Wo, F), if a ReLU was applied


def conv2d(
    x: Array,
    weight: Array,
    bias: Array | None,
    window: Window,
    empty: Empty,
    keep: bool,
    relu: bool = False,
) -> tuple[Array, Saved | None]:
    """See `Kernels.conv2d`."""
    samples, height, width, channels = x.shape
    groups = channels // weight.shape[2]
    if is_depthwise(weight, channels):
        y = convolve(x, weight, window, empty)
        _finish(y, bias, relu)
        return y, Saved(x, None, y if relu else None) if keep else None
    kept = keep and channels < FEW_CHANNELS
    columns = _columns(x, groups, window, empty if kept else scratch)
    y = empty((samples, *window.out_size(height, width), weight.shape[3]), x.dtype)
    np.matmul(columns, _grouped(weight, groups), out=_grouped(y, groups))
    _finish(y, bias, relu)
    return y, Saved(x, columns if kept else None, y if relu else None) if keep else None


def conv2d_backward(
    dy: Array,
    saved: Saved,
    weight: Array,
    window: Window,
    empty: Empty,
    needs: tuple[bool, bool, bool],
) -> ThreeGradients:
    """See `Kernels.conv2d_backward`."""
    needs_x, needs_weight, needs_bias = needs
    x, groups = saved.x, saved.x.shape[3] // weight.shape[2]
    dx = dweight = None
    if saved.rectified is not None:
        dy = relu_backward(dy, saved.rectified, empty)
    back = None if window.pointwise else window_back(window)
    # Also for one of the gradients, which so has the bits that it has together with the other.
    if back is not None and _pays(x, weight) and (needs_x or needs_weight):
        columns = _columns(dy, groups, back, scratch)
        if needs_x:
            dx = _gradient_from_columns(columns, weight, x, empty)
        if needs_weight:
            dweight = _weight_gradient_from_columns(columns, weight, x, empty)
        return dx, dweight, channel_sums(dy) if needs_bias else None
    if needs_x:
        dx = _input_gradient(dy, weight, x.shape, window, empty)
    if needs_weight and is_depthwise(weight, x.shape[3]):
        dweight = weight_gradient(dy, x, weight, window, empty)
    elif needs_weight:
        dweight = empty(weight.shape, weight.dtype)
        kept = saved.columns
        columns = _columns(x, groups, window, scratch) if kept is None else kept
        turned = columns.transpose(0, 2, 1)
        np.matmul(turned, _grouped(dy, groups), out=_grouped(dweight, groups))
    return dx, dweight, channel_sums(dy) if needs_bias else None


def conv2d_transpose(
    x: Array,
    weight: Array,
    bias: Array | None,
    window: Window,
    out_shape: Shape,
    empty: Empty,
    keep: bool,
    relu: bool = False,
) -> tuple[Array, TransposeSaved | None]:
    """See `Kernels.conv2d_transpose`."""
    y = _input_gradient(x, weight, (len(x), *out_shape), window, empty)
    _finish(y, bias, relu)
    return y, TransposeSaved(x, y if relu else None) if keep else None


def conv2d_transpose_backward(
    dy: Array,
    saved: TransposeSaved,
    weight: Array,
    window: Window,
    empty: Empty,
    needs: tuple[bool, bool, bool],
) -> ThreeGradients:
    """See `Kernels.conv2d_transpose_backward`."""
    needs_x, needs_weight, needs_bias = needs
    x, groups = saved.x, dy.shape[3] // weight.shape[2]
    dx = dweight = None
    if saved.rectified is not None:
        dy = relu_backward(dy, saved.rectified, empty)
    if needs_x or needs_weight:
        columns = _columns(dy, groups, window, scratch)
    if needs_x:
        dx = empty(x.shape, x.dtype)
        np.matmul(columns, _grouped(weight, groups), out=_grouped(dx, groups))
    if needs_weight:
        dweight = empty(weight.shape, weight.dtype)
        turned = columns.transpose(0, 2, 1)
        np.matmul(turned, _grouped(x, groups), out=_grouped(dweight, groups))
    return dx, dweight, channel_sums(dy) if needs_bias else None


def _finish(y: Array, bias: Array | None, relu: bool) -> None:
    """Add the bias and apply the ReLU, in place."""
    if bias is not None:
        rows = wide(y)
        rows += widen(bias, y)
    if relu:
        rectify(y)


def _grouped(matrix: Array, groups: int) -> Array:
    """(..., C) -> (G, R, C / G); a view if the matrix is contiguous."""
    return matrix.reshape(-1, groups, matrix.shape[-1] // groups).transpose(1, 0, 2)


def _columns(x: Array, groups: int, window: Window, empty: Empty) -> Array:
    """Return the pixels of each window: (N, H, W, C) -> (G, N * Ho * Wo, kh * kw * C / G)."""
    if window.pointwise:
        return _grouped(x, groups)
    layout = _layout(x.shape, x.itemsize, groups, window)
    if window.padded:
        x = _pad(x, window, empty)
    copy = empty(layout.copy, x.dtype)
    if layout.along_width:
        copy = copy.transpose(0, 4, 5, 6, 1, 2, 3)
    x = np.ascontiguousarray(x)
    np.copyto(copy, np.ndarray(layout.seen, x.dtype, x, strides=layout.strides))
    return copy.reshape(layout.columns)


class _Layout(NamedTuple):
    """The layout of the columns of an image; see `_columns`."""

    seen: Shape  # (G, N, Ho, Wo, kh, kw, C / G), the pixels of each window, as a view
    strides: Shape  # of that view, in bytes
    copy: Shape  # the same pixels in the order in which they are stored
    columns: Shape  # (G, N * Ho * Wo, kh * kw * C / G)
    along_width: bool  # True if copies run along the image's width


@lru_cache(maxsize=256)
def _layout(shape: Shape, itemsize: int, groups: int, window: Window) -> _Layout:
    # Remembered, as the cells of a window are.
    samples, height, width, channels = shape
    (above, below), (before, after) = window.padding
    (down, right), (row_step, column_step) = window.strides, window.dilation
    column = channels * itemsize
    row = (before + width + after) * column
    windows = samples, *window.out_size(height, width)
    cells = *window.kernel_size, channels // groups
    steps = (above + height + below) * row, row * down, column * right
    along_width = cells[2] < FEW_CHANNELS
    return _Layout(
        seen=(groups, *windows, *cells),
        strides=(column // groups, *steps, row * row_step, column * column_step, itemsize),
        copy=(groups, *cells, *windows) if along_width else (groups, *windows, *cells),
        columns=(groups, math.prod(windows), math.prod(cells)),
        along_width=along_width,
    )


def _pad(x: Array, window: Window, empty: Empty) -> Array:
    samples, height, width, channels = x.shape
    (top, bottom), (left, right) = window.padding
    padded = empty((samples, top + height + bottom, left + width + right, channels), x.dtype)
    padded.fill(0)
    padded[:, top : top + height, left : left + width] = x
    return padded


def _pays(x: Array, weight: Array) -> bool:
    """Return True if the gradients take less time from the columns of dy than from those of x."""
    channels, filters = x.shape[3], weight.shape[3]
    few = x[..., 0].size * weight[..., 0, :].size <= FEW_COLUMNS
    return not is_depthwise(weight, channels) and (filters <= channels or few)


def _gradient_from_columns(columns: Array, weight: Array, x: Array, empty: Empty) -> Array:
    """Return dx from the columns of dy: a convolution with the weight turned by 180 degrees."""
    (rows, cells, channels, filters), groups = weight.shape, len(columns)
    turned = scratch((groups, rows, cells, filters // groups, channels), weight.dtype)
    np.copyto(turned, _turned(weight, groups))
    dx = empty(x.shape, x.dtype)
    np.matmul(columns, turned.reshape(groups, -1, channels), out=_grouped(dx, groups))
    return dx


def _weight_gradient_from_columns(columns: Array, weight: Array, x: Array, empty: Empty) -> Array:
    """Return dweight from the columns of dy."""
    (rows, cells, channels, filters), groups = weight.shape, len(columns)
    product = scratch((groups, columns.shape[2], channels), weight.dtype)
    np.matmul(columns.transpose(0, 2, 1), _grouped(x, groups), out=product)
    dweight = empty(weight.shape, weight.dtype)
    turned = product.reshape(groups, rows, cells, filters // groups, channels)
    np.copyto(_turned(dweight, groups), turned)
    return dweight


def _turned(weight: Array, groups: int) -> Array:
    """View (kh, kw, C / G, F) as (G, kh, kw, F / G, C / G), turned by 180 degrees."""
    rows, columns, channels, filters = weight.shape
    cells = weight[::-1, ::-1].reshape(rows, columns, channels, groups, filters // groups)
    return cells.transpose(3, 0, 1, 4, 2)


def _input_gradient(
    dy: Array, weight: Array, in_shape: Shape, window: Window, empty: Empty
) -> Array:
    """Return the gradient of the image: a matrix product for each cell of the kernel."""
    if is_depthwise(weight, in_shape[3]):
        return input_gradient(dy, weight, in_shape, window, empty)
    groups = in_shape[3] // weight.shape[2]
    dy_groups = _grouped(dy, groups)
    dx = empty(in_shape, dy.dtype)
    if window.pointwise:
        transposed = _grouped(weight, groups).transpose(0, 2, 1)
        np.matmul(dy_groups, transposed, out=_grouped(dx, groups))
        return dx
    dx.fill(0)
    part = scratch((*dy.shape[:3], in_shape[3]), dy.dtype)
    for cell in window.cells(*in_shape[1:3]):
        transposed = _grouped(weight[cell.row, cell.column], groups).transpose(0, 2, 1)
        np.matmul(dy_groups, transposed, out=_grouped(part, groups))
        dx[cell.pixels] += part[cell.windows]
    return dx
