"""Gated linear units: half of an axis, times a function of the other half."""

import math

import numpy as np
from pydantic import Field

from tinynet.builtin.layers._axes import sample_axis
from tinynet.functional import sigmoid
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


class _Gated:
    """(N, ..., 2 * A, ...) -> (N, ..., A, ...)."""

    family = "activation"
    per_sample = True

    def __init__(self, layer: str, axis: int, in_shape: Shape, build: Build) -> None:
        place = sample_axis(layer, axis, in_shape)
        half, odd = divmod(in_shape[place], 2)
        if odd:
            raise ShapeError(
                f"{layer} halves axis {axis}, which needs an even size; a sample of shape"
                f" {in_shape} has {in_shape[place]}"
            )
        self.out_shape = (*in_shape[:place], half, *in_shape[place + 1 :])
        self.params: dict[str, Array] = {}
        self._in_shape = in_shape
        self._axis = 1 + place
        before = (slice(None),) * self._axis
        self._first, self._second = (*before, slice(half)), (*before, slice(half, None))
        self._itemsize = build.dtype.itemsize

    def cost(self) -> tuple[int, int]:
        size = math.prod(self.out_shape)
        return 6 * size, size * self._itemsize

    def _sigmoid(self, ctx: Context, x: Array) -> Array:
        return sigmoid(x, out=ctx.empty(x.shape, x.dtype))


class GLU(_Gated):
    """Gated linear unit: y = a * sigmoid(b), where a and b are the halves of an axis.

    (N, ..., 2 * A, ...) -> (N, ..., A, ...). Source: Dauphin et al., "Language Modeling with Gated
    Convolutional Networks", 2017.

    Raises:
        ShapeError: if the axis does not exist, or its size is odd.
    """

    class Config(LayerConfig):
        """Parameters of a `glu` node."""

        axis: int = Field(
            default=-1,
            description="The axis to halve. Axis 0 is the batch; negative numbers count from the"
            " end.",
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        super().__init__("glu", config.axis, in_shape, build)

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        a, gate = x[self._first], self._sigmoid(ctx, x[self._second])
        y = np.multiply(a, gate, out=ctx.empty(a.shape, x.dtype))
        return y, (gate, y) if ctx.keep else None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        if not ctx.needs_input():
            return (None,), {}
        gate, y = cache
        dx = ctx.empty((len(dy), *self._in_shape), dy.dtype)
        np.multiply(dy, gate, out=dx[self._first])
        slope = dx[self._second]  # y * (1 - gate)
        np.subtract(1, gate, out=slope)
        slope *= y
        slope *= dy
        return (dx,), {}

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        a, b = graph.nodes("Split", x, outputs=2, axis=self._axis)
        return graph.node("Mul", a, graph.node("Sigmoid", b))


class SwiGLU(_Gated):
    """Gated linear unit with SiLU: y = silu(a) * b, where a and b are halves of the last axis.

    (N, ..., 2 * C) -> (N, ..., C). Source: Shazeer, "GLU Variants Improve Transformer", 2020.

    Raises:
        ShapeError: if the last axis does not exist, or its size is odd.
    """

    Config = LayerConfig

    def __init__(self, config: LayerConfig, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        super().__init__("swiglu", -1, in_shape, build)

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        a, b = x[self._first], x[self._second]
        gate = self._sigmoid(ctx, a)
        y = np.multiply(a, gate, out=ctx.empty(a.shape, x.dtype))
        y *= b
        return y, (x, gate) if ctx.keep else None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        if not ctx.needs_input():
            return (None,), {}
        x, gate = cache
        a, b = x[self._first], x[self._second]
        dx = ctx.empty(x.shape, dy.dtype)
        da, db = dx[self._first], dx[self._second]
        np.multiply(a, gate, out=db)
        np.subtract(1, gate, out=da)  # the slope of silu is gate + silu(a) * (1 - gate)
        da *= db
        da += gate
        da *= b
        da *= dy
        db *= dy
        return (dx,), {}

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        a, b = graph.nodes("Split", x, outputs=2, axis=self._axis)
        return graph.node("Mul", graph.node("Mul", a, graph.node("Sigmoid", a)), b)
