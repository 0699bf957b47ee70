"""The base of elementwise layers."""

from abc import ABC, abstractmethod

import numpy as np

from tinynet.builtin.layers._same_shape import SameShape
from tinynet.layer import Array, Cache, Context, Gradients


class SlopeFromOutput(SameShape, ABC):
    """y = f(x) where f'(x) follows from y: nothing but the output is kept for `backward`."""

    @abstractmethod
    def evaluate(self, x: Array, y: Array) -> None:
        """Write f(x) into ``y``."""

    @abstractmethod
    def slope(self, y: Array, slope: Array) -> None:
        """Write f'(x) into ``slope``."""

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y = ctx.empty(x.shape, x.dtype)
        self.evaluate(x, y)
        return y, y if ctx.keep else None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        if not ctx.needs_input():
            return (None,), {}
        dx = ctx.empty(dy.shape, dy.dtype)
        self.slope(cache, dx)
        dx *= dy
        return (dx,), {}


class SlopeFromInput(SameShape, ABC):
    """y = f(x) where f'(x) costs little while f(x) is computed: the slope is kept."""

    @abstractmethod
    def evaluate(self, x: Array, y: Array, slope: Array | None) -> None:
        """Write f(x) into ``y`` and, unless it is None, f'(x) into ``slope``."""

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y = ctx.empty(x.shape, x.dtype)
        slope = ctx.empty(x.shape, x.dtype) if ctx.keep and ctx.needs_input() else None
        self.evaluate(x, y, slope)
        return y, slope

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        if not ctx.needs_input():
            return (None,), {}
        dx = ctx.empty(dy.shape, dy.dtype)
        np.multiply(dy, cache, out=dx)
        return (dx,), {}
