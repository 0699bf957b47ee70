"""Normalization by neighboring channels."""

import math

import numpy as np
from pydantic import Field

from tinynet.builtin.layers._elementwise import SameShape
from tinynet.layer import (
    Array,
    Build,
    Cache,
    Context,
    Gradients,
    LayerConfig,
    OnnxGraph,
    Shape,
    ShapeError,
)


class LocalResponseNorm(SameShape):
    """Division of each number by the strength of neighboring channels.  (N, ..., C) -> (N, ..., C).

        y_c = x_c / (k + alpha / size * sum(x_j^2))^beta

    The sum is over the ``size`` channels from c - size // 2 on that exist. Source: Krizhevsky,
    Sutskever and Hinton, "ImageNet Classification with Deep Convolutional Neural Networks", 2012.

    Raises:
        ShapeError: if a sample has no axes.
    """

    family = "normalization"

    class Config(LayerConfig):
        """Parameters of a `local_response_norm` node."""

        size: int = Field(default=5, ge=1, description="Number of channels to sum over.")
        alpha: float = Field(default=1e-4, ge=0, description="Factor of the mean square.")
        beta: float = Field(default=0.75, description="Exponent of the divisor.")
        k: float = Field(default=1.0, gt=0, description="Added to the mean square.")

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        if not self.out_shape:
            raise ShapeError("local_response_norm needs a shape (..., channels); it got ()")
        self._factor = config.alpha / config.size
        self._beta, self._k = config.beta, config.k
        first, channels = -(config.size // 2), self.out_shape[-1]
        low, high = max(first, 1 - channels), min(first + config.size, channels)
        # Distances to the channels of a sum, with 0 among them.
        self._offsets = range(low, high)

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        squares = np.multiply(x, x, out=ctx.empty(x.shape, x.dtype))
        base = self._window_sums(ctx, squares, self._offsets)
        base *= self._factor
        base += self._k
        scale = np.power(base, -self._beta, out=squares)
        y = np.multiply(x, scale, out=ctx.empty(x.shape, x.dtype))
        return y, (x, base, scale) if ctx.keep else None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        if not ctx.needs_input():
            return (None,), {}
        x, base, scale = cache
        dx = np.multiply(dy, scale, out=ctx.empty(dy.shape, dy.dtype))
        product = np.multiply(dx, x, out=ctx.empty(dy.shape, dy.dtype))
        product /= base
        mirrored = range(-self._offsets.start, -self._offsets.stop, -1)
        others = self._window_sums(ctx, product, mirrored)
        others *= -2 * self._factor * self._beta
        others *= x
        dx += others
        return (dx,), {}

    def cost(self) -> tuple[int, int]:
        size = math.prod(self.out_shape)
        return (len(self._offsets) + 4) * size, size * self._itemsize

    def _window_sums(self, ctx: Context, x: Array, offsets: range) -> Array:
        """Return for each channel the sum with the channels at these distances."""
        total = ctx.empty(x.shape, x.dtype)
        total[...] = x
        for offset in offsets:
            if offset > 0:
                total[..., :-offset] += x[..., offset:]
            elif offset < 0:
                total[..., -offset:] += x[..., :offset]
        return total

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        # A product with a band matrix: LRN of ONNX takes images alone, and odd sizes.
        channel = np.arange(self.out_shape[-1])
        distance = channel[:, None] - channel
        offsets = self._offsets
        band = (distance >= offsets.start) & (distance < offsets.stop)
        squares = graph.node("Mul", x, x)
        total = graph.node("MatMul", squares, graph.constant(band * self._factor))
        base = graph.node("Add", total, graph.constant(self._k))
        return graph.node("Mul", x, graph.node("Pow", base, graph.constant(-self._beta)))
