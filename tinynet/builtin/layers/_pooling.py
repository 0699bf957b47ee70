"""The base of pooling layers, of images and of sequences."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import reduce
from typing import cast

import numpy as np
from numpy.typing import DTypeLike

from tinynet.builtin.layers._onnx import Axis, pads, window_attributes
from tinynet.builtin.layers._pooling_config import WindowAxis
from tinynet.kernels import Window
from tinynet.layer import Array, Build, Cache, Context, Gradients, Layer, OnnxGraph, Shape
from tinynet.layer.inherited import is_replayable

ROW = WindowAxis(1, 1, 1, (0, 0), (0, 0), 1)
"""The axis of an image that a sequence lacks."""


class Pooling(ABC):
    """The base of the pooling layers of images and sequences.

    Sequences (N, T, C) are computed as images of one row, (N, 1, T, C).

    Args:
        axes: The windows along each axis but the last.
        in_shape: (H, W, C) or (T, C).
        build: The context of construction.
    """

    family = "pooling"
    per_sample = True

    def __init__(self, axes: tuple[WindowAxis, ...], in_shape: Shape, build: Build) -> None:
        self.out_shape = (*(axis.windows for axis in axes), in_shape[-1])
        self.params: dict[str, Array] = {}
        self._in_shape = in_shape
        self._itemsize = build.dtype.itemsize
        self._row = (1,) * (3 - len(in_shape))  # axes of an image that a sequence lacks
        self._axes = axes if len(axes) == 2 else (ROW, *axes)
        rows, columns = self._axes
        self._window = Window(
            (rows.cells, columns.cells),
            (rows.stride, columns.stride),
            (rows.padding, columns.padding),
            (rows.dilation, columns.dilation),
        )

    @abstractmethod
    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        """Compute the output; see `tinynet.layer.Layer`."""

    @abstractmethod
    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        """Compute gradients; see `tinynet.layer.Layer`."""

    def _images(self, x: Array) -> Array:
        """Return sequences as images of one row, and images as they are; a view."""
        return x.reshape(len(x), *self._row, *x.shape[1:])

    def cost(self) -> tuple[int, int]:
        size = math.prod(self.out_shape)
        return math.prod(self._window.kernel_size) * size, size * self._itemsize


def max_pool(graph: OnnxGraph, x: str, axes: Sequence[WindowAxis]) -> str:
    """Return the maximum of each window of samples (..., C)."""
    attributes = window_attributes([_exported(axis) for axis in axes])
    x = graph.channels_first(x)
    if any(max(axis.padding) >= axis.cells for axis in axes):
        # Runtimes refuse padding that is wider than a window without its gaps.
        sides = [(0, 0), (0, 0), *(axis.padding for axis in axes)]
        lowest = graph.constant(-np.inf)
        x = graph.node("Pad", x, graph.constant(pads(sides)), lowest)
        attributes["pads"] = [0] * (2 * len(axes))
    return graph.channels_last(graph.node("MaxPool", x, **attributes))


def avg_pool(
    graph: OnnxGraph, x: str, axes: Sequence[WindowAxis], sizes: Shape, include_pad: bool
) -> str:
    """Return the mean of each window of samples (*sizes, C); see `AvgPooling`."""
    attributes = window_attributes([_exported(axis) for axis in axes])
    del attributes["dilations"]
    y = graph.channels_last(graph.node("AveragePool", graph.channels_first(x), **attributes))
    if not include_pad:
        return y
    shares = reduce(np.multiply.outer, map(_shares_along, axes, sizes))
    return graph.node("Mul", y, graph.constant(shares[..., None]))


def _exported(axis: WindowAxis) -> Axis:
    return Axis(axis.cells, axis.stride, axis.padding, axis.dilation)


class MaxPooling(Pooling):
    """Maximum of each window, channel by channel."""

    replayable = True

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y, cache = ctx.kernels.max_pool2d(self._images(x), self._window, ctx.empty, ctx.keep)
        return y.reshape(len(x), *self.out_shape), cache

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        return (self.gradient(ctx, cache, dy) if ctx.needs_input() else None,), {}

    def gradient(self, ctx: Context, cache: Cache, dy: Array) -> Array:
        """Return the gradient of the input."""
        dx = ctx.kernels.max_pool2d_backward(self._images(dy), cache, self._window, ctx.empty)
        return dx.reshape(len(dy), *self._in_shape)

    def fuse_into(self, previous: Layer) -> Layer | None:
        unrectified = getattr(previous, "unrectified", None)
        return None if unrectified is None else cast(Layer, RectifiedPooling(unrectified, self))

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        return max_pool(graph, x, self._axes[len(self._row) :])


class RectifiedPooling:
    """A layer, a ReLU and max pooling: the ReLU comes last, where there are fewer elements.

    The largest element of a window is the same before and after a ReLU. If it is not positive, then
    no gradient flows back into the window, whichever its element is.

    Args:
        layer: The layer, without a fused ReLU.
        pooling: The pooling.
    """

    per_sample = True

    def __init__(self, layer: Layer, pooling: MaxPooling) -> None:
        self._layer, self._pooling = layer, pooling
        self.params, self.out_shape = layer.params, pooling.out_shape
        self.replayable = is_replayable(layer) and is_replayable(pooling)

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        x, of_layer = self._layer.forward(ctx, x)
        x, of_pooling = self._pooling.forward(ctx, x)
        y = ctx.kernels.relu(x, ctx.empty)
        return y, (of_layer, of_pooling, y) if ctx.keep else None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        of_layer, of_pooling, y = cache
        dy = ctx.kernels.relu_backward(dy, y, ctx.empty)
        return self._layer.backward(ctx, of_layer, self._pooling.gradient(ctx, of_pooling, dy))


class AvgPooling(Pooling):
    """Mean of each window, channel by channel.

    Args:
        axes: The windows along each axis but the last.
        in_shape: (H, W, C) or (T, C).
        build: The context of construction.
        include_pad: True if the padding that the options declare counts as zeros.
    """

    def __init__(
        self, axes: tuple[WindowAxis, ...], in_shape: Shape, build: Build, include_pad: bool
    ) -> None:
        super().__init__(axes, in_shape, build)
        self._include_pad = include_pad

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y, cache = ctx.kernels.avg_pool2d(self._images(x), self._window, ctx.empty, ctx.keep)
        if self._include_pad:
            y *= self._shares(y.dtype)
        return y.reshape(len(x), *self.out_shape), cache

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        if not ctx.needs_input():
            return (None,), {}
        dy = dy.reshape(len(dy), *self._row, *self.out_shape)
        if self._include_pad:
            dy = np.multiply(dy, self._shares(dy.dtype), out=ctx.empty(dy.shape, dy.dtype))
        dx = ctx.kernels.avg_pool2d_backward(dy, cache, self._window, ctx.empty)
        return (dx.reshape(len(dy), *self._in_shape),), {}

    def _shares(self, dtype: DTypeLike) -> Array:
        """Return the share of each window that is not padding, (Ho, Wo, 1)."""
        sizes = (*self._row, *self._in_shape)[:2]
        down, across = map(_shares_along, self._axes, sizes)
        shares: Array = (down[:, None, None] * across[:, None]).astype(dtype)
        return shares

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        axes = self._axes[len(self._row) :]
        return avg_pool(graph, x, axes, self._in_shape[:-1], self._include_pad)


def _shares_along(axis: WindowAxis, size: int) -> Array:
    """Return pixels / (pixels + declared padding) in each window along one axis."""
    first = np.arange(axis.windows) * axis.stride - axis.padding[0]
    end = first + axis.cells
    pixels = np.minimum(end, size) - np.maximum(first, 0)
    shares: Array = pixels / (np.minimum(end, size + axis.declared[1]) - first)
    return shares
