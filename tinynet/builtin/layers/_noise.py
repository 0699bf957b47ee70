"""The base of layers that add noise while training, and change nothing in evaluation."""

from abc import ABC, abstractmethod
from typing import ClassVar, TypeAlias

import numpy as np

from tinynet.builtin.layers._elementwise import SameShape
from tinynet.layer import Array, Cache, Context, Gradients, OnnxGraph

Noisy: TypeAlias = tuple[Array, Array | None]
"""The output, and its slope in the input, which broadcasts; None for a slope of 1."""


class Noise(SameShape, ABC):
    """y = x in evaluation; a random function of x while training.

    Random numbers are drawn in float32 for any dtype, so that float64 networks get the same.
    """

    family = "regularization"
    example: ClassVar = {"rate": 0.5}
    amount: float
    """The amount of noise: with 0, the layer changes nothing."""

    operations = 1

    @abstractmethod
    def noisy(self, ctx: Context, x: Array) -> Noisy:
        """Return the output of a training pass, and its slope."""

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        if not ctx.training or self.amount == 0:
            return x, None
        y, slope = self.noisy(ctx, x)
        return y, slope if ctx.keep else None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        if not ctx.needs_input():
            return (None,), {}
        if cache is None:
            return (dy,), {}
        if cache.shape == dy.shape:
            return (ctx.kernels.multiply(dy, cache, ctx.empty),), {}
        return (np.multiply(dy, cache, out=ctx.empty(dy.shape, dy.dtype)),), {}

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        return x
