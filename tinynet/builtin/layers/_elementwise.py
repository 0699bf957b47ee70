"""The bases of layers that keep the shape of their input."""

import math
from abc import ABC, abstractmethod
from typing import ClassVar

from tinynet.layer import Array, Build, Cache, Context, Gradients, LayerConfig, Shape


class SameShape:
    """A layer without parameters whose output has the shape of its one input.

    A subclass declares ``operations``: the floating-point operations per element, where an exp or
    a tanh counts as one.
    """

    per_sample = True
    operations: ClassVar[int]
    Config: ClassVar[type[LayerConfig]] = LayerConfig

    def __init__(self, config: LayerConfig, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (self.out_shape,) = in_shapes
        self.params: dict[str, Array] = {}
        self._itemsize = build.dtype.itemsize

    def cost(self) -> tuple[int, int]:
        size = math.prod(self.out_shape)
        return self.operations * size, size * self._itemsize


class SlopeFromOutput(SameShape, ABC):
    """y = f(x) where f'(x) follows from y: nothing but the output is kept for `backward`."""

    family = "activation"

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


class StoredSlope(SameShape):
    """y = f(x) whose `forward` stores f'(x), or None if it is not needed, for `backward`."""

    family = "activation"

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        if not ctx.needs_input():
            return (None,), {}
        return (ctx.kernels.multiply(dy, cache, ctx.empty),), {}


class SlopeFromInput(StoredSlope, ABC):
    """y = f(x) where f'(x) costs little while f(x) is computed: the slope is kept."""

    @abstractmethod
    def evaluate(self, x: Array, y: Array, slope: Array | None) -> None:
        """Write f(x) into ``y`` and, unless it is None, f'(x) into ``slope``."""

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y = ctx.empty(x.shape, x.dtype)
        slope = ctx.empty(x.shape, x.dtype) if ctx.keep and ctx.needs_input() else None
        self.evaluate(x, y, slope)
        return y, slope
