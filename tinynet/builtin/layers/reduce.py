"""Layers that reduce axes of a sample to one number: sum, mean, maximum, minimum, deviation."""

import math
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from tinynet.builtin.layers._axes import sample_axes
from tinynet.layer import Array, Build, Cache, Context, Gradients, LayerConfig, OnnxGraph, Shape


class _Reduce:
    """(N, ...) -> (N, ...) without the reduced axes, or with size 1 there."""

    family = "reduction"
    example: ClassVar = {"axes": 1}
    per_sample = True
    spec_name: ClassVar[str]
    operations: ClassVar[int] = 1

    class Config(LayerConfig):
        """Parameters of a node that reduces axes."""

        axes: int | Annotated[list[int], Field(min_length=1)] | None = Field(
            default=None,
            description="The axis to reduce, or the list of them; null for all axes of a sample."
            " Axis 0 is the batch; negative numbers count from the end.",
        )
        keepdims: bool = Field(default=False, description="True to keep reduced axes, with size 1.")

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        axes = sample_axes(self.spec_name, config.axes, in_shape)
        self._kept = tuple(1 if axis in axes else size for axis, size in enumerate(in_shape))
        rest = tuple(size for axis, size in enumerate(in_shape) if axis not in axes)
        self.out_shape = self._kept if config.keepdims else rest
        self.params: dict[str, Array] = {}
        self._keepdims = config.keepdims
        self._in_shape = in_shape
        self._axes = tuple(1 + axis for axis in axes)
        self._count = math.prod(in_shape[axis] for axis in axes)
        self._itemsize = build.dtype.itemsize

    def cost(self) -> tuple[int, int]:
        size = math.prod(self._in_shape)
        return self.operations * size, math.prod(self.out_shape) * self._itemsize

    def _reduce_onnx(self, graph: OnnxGraph, op: str, x: str, keepdims: bool = True) -> str:
        """Add an operator that reduces the axes."""
        axes = list(self._axes)
        if op == "ReduceSum":  # the only one of opset 17 whose axes are an input
            return graph.node(op, x, graph.constant([*axes]), keepdims=int(keepdims))
        return graph.node(op, x, axes=axes, keepdims=int(keepdims))

    def _reduced(self, ctx: Context, reduce: Any, x: Array) -> Array:
        """Return the reduction by a function such as `np.sum`, with axes of size 1."""
        y = ctx.empty((len(x), *self._kept), x.dtype)
        reduce(x, axis=self._axes, keepdims=True, out=y)
        return y

    def _returned(self, y: Array) -> Array:
        """Return the output in its shape."""
        return y.reshape(len(y), *self.out_shape)

    def _received(self, dy: Array) -> Array:
        """Return the gradient of the output, with axes of size 1."""
        return dy.reshape(len(dy), *self._kept)


class ReduceSum(_Reduce):
    """Sum over axes of a sample: (N, ...) -> (N, ...) without these axes.

    Raises:
        ShapeError: if an axis does not exist.
    """

    spec_name = "reduce_sum"

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        return self._returned(self._reduced(ctx, np.sum, x)), None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        if not ctx.needs_input():
            return (None,), {}
        dx = ctx.empty((len(dy), *self._in_shape), dy.dtype)
        dx[...] = self._received(dy)
        return (dx,), {}

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        return self._reduce_onnx(graph, "ReduceSum", x, self._keepdims)


class ReduceMean(_Reduce):
    """Mean over axes of a sample: (N, ...) -> (N, ...) without these axes.

    Raises:
        ShapeError: if an axis does not exist.
    """

    spec_name = "reduce_mean"

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        return self._returned(self._reduced(ctx, np.mean, x)), None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        if not ctx.needs_input():
            return (None,), {}
        dx = ctx.empty((len(dy), *self._in_shape), dy.dtype)
        dx[...] = self._received(dy) / self._count
        return (dx,), {}

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        return self._reduce_onnx(graph, "ReduceMean", x, self._keepdims)


class _Extremum(_Reduce):
    """The largest or smallest number; equal ones share the gradient evenly."""

    def _extremum(self, ctx: Context, reduce: Any, x: Array) -> tuple[Array, Cache]:
        y = self._reduced(ctx, reduce, x)
        return self._returned(y), (x, y) if ctx.keep else None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        if not ctx.needs_input():
            return (None,), {}
        x, y = cache
        dx = np.equal(x, y, out=ctx.empty(x.shape, dy.dtype))
        share = dx.sum(axis=self._axes, keepdims=True)
        np.maximum(share, 1, out=share)  # NaN equals nothing
        np.divide(self._received(dy), share, out=share)
        dx *= share
        return (dx,), {}


class ReduceMax(_Extremum):
    """Maximum over axes of a sample: (N, ...) -> (N, ...) without these axes.

    Numbers that are equally large share the gradient evenly.

    Raises:
        ShapeError: if an axis does not exist.
    """

    spec_name = "reduce_max"

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        return self._extremum(ctx, np.max, x)

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        return self._reduce_onnx(graph, "ReduceMax", x, self._keepdims)


class ReduceMin(_Extremum):
    """Minimum over axes of a sample: (N, ...) -> (N, ...) without these axes.

    Numbers that are equally small share the gradient evenly.

    Raises:
        ShapeError: if an axis does not exist.
    """

    spec_name = "reduce_min"

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        return self._extremum(ctx, np.min, x)

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        return self._reduce_onnx(graph, "ReduceMin", x, self._keepdims)


class ReduceStd(_Reduce):
    """Standard deviation over axes of a sample: (N, ...) -> (N, ...) without these axes.

    y = sqrt(mean((x - mean(x))^2)), without Bessel's correction. The gradient of equal numbers,
    where y is 0, is 0.

    Raises:
        ShapeError: if an axis does not exist.
    """

    spec_name = "reduce_std"
    operations = 4

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        centered = ctx.empty(x.shape, x.dtype)
        np.subtract(x, self._reduced(ctx, np.mean, x), out=centered)
        squares = np.multiply(centered, centered, out=ctx.empty(x.shape, x.dtype))
        y = self._reduced(ctx, np.mean, squares)
        np.sqrt(y, out=y)
        return self._returned(y), (centered, y) if ctx.keep else None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        if not ctx.needs_input():
            return (None,), {}
        centered, y = cache
        slope = self._received(dy) / (self._count * np.where(y == 0, 1, y))
        return (np.multiply(centered, slope, out=ctx.empty(centered.shape, dy.dtype)),), {}

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        centered = graph.node("Sub", x, self._reduce_onnx(graph, "ReduceMean", x))
        squares = graph.node("Mul", centered, centered)
        variance = self._reduce_onnx(graph, "ReduceMean", squares, self._keepdims)
        return graph.node("Sqrt", variance)
