"""The base of pooling layers, of images and of sequences."""

import math

from tinynet.kernels import Window
from tinynet.layer import Array, Build, Cache, Context, Gradients, Shape


class Pooling:
    """The base of the pooling layers.

    Sequences (N, T, C) are computed as images of one row, (N, 1, T, C).

    Args:
        window: The window, over images.
        in_shape: (H, W, C) or (T, C).
        out_shape: (Ho, Wo, C) or (To, C).
        build: The context of construction.
    """

    per_sample = True

    def __init__(self, window: Window, in_shape: Shape, out_shape: Shape, build: Build) -> None:
        self.out_shape = out_shape
        self.params: dict[str, Array] = {}
        self._window = window
        self._in_shape = in_shape
        self._row = (1,) * (3 - len(in_shape))  # axes of an image that a sequence lacks
        self._itemsize = build.dtype.itemsize

    def _images(self, x: Array) -> Array:
        """Return sequences as images of one row, and images as they are; a view."""
        return x.reshape(len(x), *self._row, *x.shape[1:])

    def cost(self) -> tuple[int, int]:
        size = math.prod(self.out_shape)
        return math.prod(self._window.kernel_size) * size, size * self._itemsize


class MaxPooling(Pooling):
    """Maximum of each window, channel by channel."""

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y, cache = ctx.kernels.max_pool2d(self._images(x), self._window, ctx.empty, ctx.keep)
        return y.reshape(len(x), *self.out_shape), cache

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        if not ctx.needs_input():
            return (None,), {}
        dx = ctx.kernels.max_pool2d_backward(self._images(dy), cache, self._window, ctx.empty)
        return (dx.reshape(len(dy), *self._in_shape),), {}


class AvgPooling(Pooling):
    """Mean of each window, channel by channel."""

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y, cache = ctx.kernels.avg_pool2d(self._images(x), self._window, ctx.empty, ctx.keep)
        return y.reshape(len(x), *self.out_shape), cache

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        if not ctx.needs_input():
            return (None,), {}
        dx = ctx.kernels.avg_pool2d_backward(self._images(dy), cache, self._window, ctx.empty)
        return (dx.reshape(len(dy), *self._in_shape),), {}
