"""The layers that pool over whole images and volumes."""

import math
from typing import ClassVar

import numpy as np
from pydantic import Field

from tinynet.builtin.layers._window import check_axes
from tinynet.layer import Array, Build, Cache, Context, Gradients, LayerConfig, OnnxGraph, Shape


class GlobalPool:
    """The base of layers that pool over all pixels of a sample.

    Attributes:
        spec_name: The layer's name in specs, for messages.
        axes: Number of axes that are pooled.
        operator: The operator of ONNX.
    """

    family = "pooling"
    per_sample = True
    spec_name: ClassVar[str]
    axes: ClassVar[int]
    operator: ClassVar[str]

    class Config(LayerConfig):
        """Parameters of a global pooling node."""

        keepdims: bool = Field(
            default=False, description="True to keep the axes that are pooled, with the size 1."
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (self._in_shape,) = in_shapes
        check_axes(self.spec_name, self._in_shape, self.axes)
        kept = (1,) * self.axes if config.keepdims else ()
        self.out_shape = (*kept, self._in_shape[-1])
        self.params: dict[str, Array] = {}
        self._itemsize = build.dtype.itemsize

    def cost(self) -> tuple[int, int]:
        return math.prod(self._in_shape), math.prod(self.out_shape) * self._itemsize

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        y = graph.node(self.operator, graph.channels_first(x))
        return graph.reshape(y, self.out_shape)


class GlobalAvgPool(GlobalPool):
    """The base of layers that compute the mean of each channel."""

    operator = "GlobalAveragePool"

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y = x.mean(axis=tuple(range(1, 1 + self.axes)))
        return y.reshape(len(x), *self.out_shape), None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        if not ctx.needs_input():
            return (None,), {}
        *sizes, channels = self._in_shape
        dx = ctx.empty((len(dy), *self._in_shape), dy.dtype)
        dx[...] = (dy / math.prod(sizes)).reshape(len(dy), *[1] * self.axes, channels)
        return (dx,), {}


class GlobalMaxPool(GlobalPool):
    """The base of layers that compute the maximum of each channel.

    The gradient goes to the first maximum, in row-major order.
    """

    operator = "GlobalMaxPool"

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        pixels = x.reshape(len(x), *self._pixels_shape())
        first = pixels.argmax(axis=1, keepdims=True)
        y = np.take_along_axis(pixels, first, axis=1)
        return y.reshape(len(x), *self.out_shape), first if ctx.keep else None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        if not ctx.needs_input():
            return (None,), {}
        dx = ctx.empty((len(dy), *self._pixels_shape()), dy.dtype)
        dx.fill(0)
        np.put_along_axis(dx, cache, dy.reshape(cache.shape), axis=1)
        return (dx.reshape(len(dy), *self._in_shape),), {}

    def _pixels_shape(self) -> tuple[int, int]:
        *sizes, channels = self._in_shape
        return math.prod(sizes), channels


class GlobalAvgPool2D(GlobalAvgPool):
    """Mean of each channel over the whole image.  (N, H, W, C) -> (N, C), or (N, 1, 1, C)."""

    spec_name = "global_avg_pool2d"
    axes = 2


class GlobalAvgPool3D(GlobalAvgPool):
    """Mean of each channel over the whole volume.

    (N, D, H, W, C) -> (N, C), or (N, 1, 1, 1, C).
    """

    spec_name = "global_avg_pool3d"
    axes = 3


class GlobalMaxPool2D(GlobalMaxPool):
    """Maximum of each channel over the whole image.  (N, H, W, C) -> (N, C), or (N, 1, 1, C).

    The gradient goes to the first maximum, in row-major order.
    """

    spec_name = "global_max_pool2d"
    axes = 2


class GlobalMaxPool3D(GlobalMaxPool):
    """Maximum of each channel over the whole volume.

    (N, D, H, W, C) -> (N, C), or (N, 1, 1, 1, C). The gradient goes to the first maximum, in
    row-major order.
    """

    spec_name = "global_max_pool3d"
    axes = 3
