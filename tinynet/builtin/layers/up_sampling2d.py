"""The up-sampling layer."""

import math
from typing import Literal

import numpy as np
from numpy.typing import DTypeLike
from pydantic import Field

from tinynet.builtin.layers._window import check_image
from tinynet.layer import Array, Build, Cache, Context, Gradients, LayerConfig, PositivePair, Shape


class UpSampling2D:
    """Each image enlarged by whole factors.  (N, H, W, C) -> (N, H * size_h, W * size_w, C).

    ``"nearest"`` repeats each pixel. ``"bilinear"`` interpolates between pixel centers, as PyTorch
    does with ``align_corners=False``: y[i] = x((i + 1/2) / size - 1/2) along each axis, with the
    edge pixels extended outwards.

    Raises:
        ShapeError: if the input is not an image.
    """

    per_sample = True

    class Config(LayerConfig):
        """Parameters of an `up_sampling2d` node."""

        size: PositivePair = Field(
            default=(2, 2),
            description="Factor of the size: one integer, or [height, width].",
        )
        interpolation: Literal["nearest", "bilinear"] = Field(
            default="nearest",
            description="Interpolation: 'nearest' (repeat each pixel) or 'bilinear' (linear between"
            " pixel centers).",
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        check_image("up_sampling2d", in_shape)
        height, width, channels = in_shape
        rows, columns = config.size
        self._in_shape = in_shape
        self._size = config.size
        self._bilinear = config.interpolation == "bilinear"
        self.out_shape = (height * rows, width * columns, channels)
        self.params: dict[str, Array] = {}
        self._itemsize = build.dtype.itemsize

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        return (self._interpolate(ctx, x) if self._bilinear else self._repeat(ctx, x)), None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        if not ctx.needs_input():
            return (None,), {}
        backward = self._interpolate_backward if self._bilinear else self._repeat_backward
        return (backward(ctx, dy),), {}

    def cost(self) -> tuple[int, int]:
        (height, width, channels), (higher, wider, _) = self._in_shape, self.out_shape
        size = math.prod(self.out_shape) * self._itemsize
        products = (wider * width * height + higher * height * wider) * channels
        return 2 * products if self._bilinear else 0, size

    def _repeat(self, ctx: Context, x: Array) -> Array:
        y = ctx.empty(self._copies_shape(len(x)), x.dtype)
        y[...] = x[:, :, None, :, None]
        return y.reshape(len(x), *self.out_shape)

    def _repeat_backward(self, ctx: Context, dy: Array) -> Array:
        copies = dy.reshape(self._copies_shape(len(dy)))
        dx = ctx.empty((len(dy), *self._in_shape), dy.dtype)
        dx.fill(0)
        for row, column in np.ndindex(self._size):
            dx += copies[:, :, row, :, column]
        return dx

    def _copies_shape(self, samples: int) -> Shape:
        """Shape of the output, (N, H, size_h, W, size_w, C), in which a pixel's copies are seen."""
        (height, width, channels), (rows, columns) = self._in_shape, self._size
        return samples, height, rows, width, columns, channels

    def _interpolate(self, ctx: Context, x: Array) -> Array:
        (height, width, channels), (_, wider, _) = self._in_shape, self.out_shape
        down, across = self._matrices(x.dtype)
        wide = _mix(ctx, across, x.reshape(len(x) * height, width, channels))
        y = _mix(ctx, down, wide.reshape(len(x), height, wider * channels))
        return y.reshape(len(x), *self.out_shape)

    def _interpolate_backward(self, ctx: Context, dy: Array) -> Array:
        (height, _, channels), (higher, wider, _) = self._in_shape, self.out_shape
        down, across = self._matrices(dy.dtype)
        wide = _mix(ctx, down.T, dy.reshape(len(dy), higher, wider * channels))
        dx = _mix(ctx, across.T, wide.reshape(len(dy) * height, wider, channels))
        return dx.reshape(len(dy), *self._in_shape)

    def _matrices(self, dtype: DTypeLike) -> tuple[Array, Array]:
        (height, width, _), (rows, columns) = self._in_shape, self._size
        return _interpolation(height, rows, dtype), _interpolation(width, columns, dtype)


def _interpolation(size: int, factor: int, dtype: DTypeLike) -> Array:
    """Return the weights of input pixels in output pixels, along one axis: (size * factor, size).

    At most two of a row are not 0; still, up to some hundred pixels, the product with all of them
    is faster than to gather those two. Made where it is used, not kept: a network of any size can
    be built dry.
    """
    places = np.clip((np.arange(size * factor) + 0.5) / factor - 0.5, 0, size - 1)
    distances = np.abs(places[:, None] - np.arange(size))
    parts: Array = np.maximum(1 - distances, 0).astype(dtype)
    return parts


def _mix(ctx: Context, parts: Array, x: Array) -> Array:
    """Sums of the rows of x (M, S, F), weighted as each row of ``parts`` (T, S) says: (M, T, F)."""
    return np.matmul(parts, x, out=ctx.empty((len(x), len(parts), x.shape[2]), x.dtype))
