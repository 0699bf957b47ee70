"""Convolution as matrix products over the columns that its windows make of an image.

The columns of a block of windows stay in the cache, and are made again for the backward pass.
Groups are a batch of smaller products: a matrix (..., C) of G groups is viewed as (G, R, C / G);
R counts windows, or rows of the kernel.
"""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from tinynet.kernels import ThreeGradients, Window
from tinynet.kernels.depthwise import convolve, input_gradient, is_depthwise, weight_gradient
from tinynet.kernels.elementwise import channel_sums, rectify, relu_backward, wide, widen
from tinynet.kernels.memory import Empty
from tinynet.types import Array, Shape

FEW_CHANNELS = 4
"""Below this, columns are stored so that copies run along the image's width, not its channels."""

FEW_FILTERS = 32
"""Up to this, a matrix product is faster if OpenBLAS need not copy its factors."""

SMALL_PRODUCT = 1e6
"""Multiplications of the largest product that OpenBLAS computes without copies."""

BLOCK_BYTES = 2**20
"""Bytes of the columns of a block where there are more filters."""


class Saved(NamedTuple):
    """The values that `conv2d` saves for `conv2d_backward`, and the transposed one for its own."""

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
    if is_depthwise(weight, channels):
        y = convolve(x, weight, window, empty)
    else:
        y = empty((samples, *window.out_size(height, width), weight.shape[3]), x.dtype)
        _multiply(x, weight, window, y, None, empty)
    _finish(y, bias, relu)
    return y, Saved(x, y if relu else None) if keep else None


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
    keeps_size = window.strides == (1, 1) and x.shape[1:3] == dy.shape[1:3]
    dx = dweight = None
    if saved.rectified is not None:
        dy = relu_backward(dy, saved.rectified, empty)
    if is_depthwise(weight, x.shape[3]):
        dx = input_gradient(dy, weight, x.shape, window, empty) if needs_x else None
        dweight = weight_gradient(dy, x, weight, window, empty) if needs_weight else None
    elif needs_x and keeps_size and dy.shape[3] <= 2 * x.shape[3]:
        # Columns of dy give both gradients; with many more filters, they take too long to make.
        dx = empty(x.shape, x.dtype)
        factor = x if needs_weight else None
        turned = _multiply(dy, _turned(weight, groups), _opposite(window), dx, factor, empty)
        dweight = None if turned is None else _turned(turned, groups)
    else:
        dx = _scattered(dy, weight, x.shape, window, empty) if needs_x else None
        dweight = _multiply(x, weight, window, None, dy, empty) if needs_weight else None
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
) -> tuple[Array, Saved | None]:
    """See `Kernels.conv2d_transpose`."""
    gradient = input_gradient if is_depthwise(weight, out_shape[2]) else _scattered
    y = gradient(x, weight, (len(x), *out_shape), window, empty)
    _finish(y, bias, relu)
    return y, Saved(x, y if relu else None) if keep else None


def conv2d_transpose_backward(
    dy: Array,
    saved: Saved,
    weight: Array,
    window: Window,
    empty: Empty,
    needs: tuple[bool, bool, bool],
) -> ThreeGradients:
    """See `Kernels.conv2d_transpose_backward`."""
    needs_x, needs_weight, needs_bias = needs
    if saved.rectified is not None:
        dy = relu_backward(dy, saved.rectified, empty)
    dx = empty(saved.x.shape, dy.dtype) if needs_x else None
    dweight = _multiply(dy, weight, window, dx, saved.x if needs_weight else None, empty)
    return dx, dweight, channel_sums(dy) if needs_bias else None


def _finish(y: Array, bias: Array | None, relu: bool) -> None:
    """Add the bias and apply the ReLU, in place."""
    if bias is not None:
        rows = wide(y)
        rows += widen(bias, y)
    if relu:
        rectify(y)


def _multiply(
    x: Array, weight: Array, window: Window, y: Array | None, dy: Array | None, empty: Empty
) -> Array | None:
    """Multiply the columns of ``x`` with the weight, and with the gradient of their product.

    Args:
        x: (N, H, W, C).
        weight: (kh, kw, C / G, F).
        window: The window.
        y: Memory for the convolution, (N, Ho, Wo, F); None if it is not needed.
        dy: The gradient of the convolution; None if that of the weight is not needed.
        empty: The source of memory.

    Returns:
        The gradient of the weight, or None.
    """
    groups = x.shape[3] // weight.shape[2]
    dweight = None
    if dy is not None:
        dweight = empty(weight.shape, weight.dtype)
        dweight.fill(0)
    for block, columns in _columns(x, weight, window, empty):
        if y is not None:
            np.matmul(columns, _grouped(weight, groups), out=_grouped(y[block], groups))
        if dy is not None and dweight is not None:
            rows = _grouped(dweight, groups)
            rows += columns.transpose(0, 2, 1) @ _grouped(dy[block], groups)
    return dweight


def _grouped(matrix: Array, groups: int) -> Array:
    """(..., C) -> (G, R, C / G); a view if the matrix is contiguous."""
    return matrix.reshape(-1, groups, matrix.shape[-1] // groups).transpose(1, 0, 2)


def _columns(
    x: Array, weight: Array, window: Window, empty: Empty
) -> Iterator[tuple[tuple[slice, slice], Array]]:
    """Yield the windows of blocks as indices (N, Ho), and their pixels (G, R, kh * kw * C / G).

    The pixels are valid until the next block.
    """
    samples, height, width, channels = x.shape
    *seen, filters = weight.shape
    groups, cells = channels // seen[2], math.prod(seen)
    if window.pointwise:
        yield (slice(None), slice(None)), _grouped(x, groups)
        return
    down, across = window.out_size(height, width)
    views = _views(_padded(x, window, empty), (groups, samples, down, across, *seen), window)
    few = filters // groups <= FEW_FILTERS
    most = SMALL_PRODUCT / (filters // groups) if few else BLOCK_BYTES / x.itemsize
    memory = None
    for block in _blocks(samples, down, int(most / (across * cells))):
        view = views[:, *block]
        if memory is None:
            memory = empty((view.size,), x.dtype)
        windows = view.shape[1:4]
        if seen[2] < FEW_CHANNELS:
            copy = memory[: view.size].reshape(groups, *seen, *windows)
            copy = copy.transpose(0, 4, 5, 6, 1, 2, 3)
        else:
            copy = memory[: view.size].reshape(view.shape)
        np.copyto(copy, view)
        yield block, copy.reshape(groups, math.prod(windows), cells)


def _blocks(samples: int, rows: int, most: int) -> Iterator[tuple[slice, slice]]:
    """Yield indices (N, Ho) of blocks: samples, or rows of windows of one if it has over ``most``.

    The number of samples of a block is a power of two, as is that of predictions.
    """
    if rows <= most:
        step = 1 << (most // rows).bit_length() - 1
        for start in range(0, samples, step):
            yield slice(start, start + step), slice(None)
        return
    step = math.ceil(rows / math.ceil(rows / max(most, 1)))
    for sample in range(samples):
        for start in range(0, rows, step):
            yield slice(sample, sample + 1), slice(start, start + step)


def _views(x: Array, shape: Shape, window: Window) -> Array:
    """Return the pixels of each window, a view of the shape (G, N, Ho, Wo, kh, kw, C / G)."""
    x = np.ascontiguousarray(x)
    sample, row, column, channel = x.strides
    (down, right), (row_step, column_step) = window.strides, window.dilation
    group = shape[-1] * channel
    windows, seen = (sample, row * down, column * right), (row * row_step, column * column_step)
    return np.ndarray(shape, x.dtype, x, strides=(group, *windows, *seen, channel))


def _padded(x: Array, window: Window, empty: Empty) -> Array:
    if not window.padded:
        return x
    samples, height, width, channels = x.shape
    (top, bottom), (left, right) = window.padding
    padded = empty((samples, top + height + bottom, left + width + right, channels), x.dtype)
    padded.fill(0)
    padded[:, top : top + height, left : left + width] = x
    return padded


def _opposite(window: Window) -> Window:
    """Return the window on outputs that meets the windows with a pixel, for images of one size."""
    (top, bottom), (left, right) = window.padding
    return replace(window, padding=((bottom, top), (right, left)))


def _turned(weight: Array, groups: int) -> Array:
    """Return the weight for the opposite window: (kh, kw, C / G, F) -> (kh, kw, F / G, C)."""
    *size, channels, filters = weight.shape
    parts = weight[::-1, ::-1].reshape(*size, channels, groups, filters // groups)
    return parts.transpose(0, 1, 4, 3, 2).reshape(*size, filters // groups, groups * channels)


def _scattered(dy: Array, weight: Array, in_shape: Shape, window: Window, empty: Empty) -> Array:
    """Return the gradient of the image: a matrix product for each cell of the kernel."""
    groups = in_shape[3] // weight.shape[2]
    dy_groups = _grouped(dy, groups)
    dx = empty(in_shape, dy.dtype)
    if window.pointwise:
        transposed = _grouped(weight, groups).transpose(0, 2, 1)
        np.matmul(dy_groups, transposed, out=_grouped(dx, groups))
        return dx
    dx.fill(0)
    part = empty((*dy.shape[:3], in_shape[3]), dy.dtype)
    for cell in window.cells(*in_shape[1:3]):
        transposed = _grouped(weight[cell.row, cell.column], groups).transpose(0, 2, 1)
        np.matmul(dy_groups, transposed, out=_grouped(part, groups))
        dx[cell.pixels] += part[cell.windows]
    return dx
