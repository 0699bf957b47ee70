"""The product of two matrices."""

import math
from typing import ClassVar

import numpy as np
from pydantic import Field

from tinynet.builtin.layers._broadcast import (
    aligned,
    broadcast_shape,
    expanded,
    format_shapes,
    summed,
)
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


class Matmul:
    """Product of two inputs' matrices: y = a @ b.

    Inputs (N, ..., A, B) and (N, ..., B, C), output (N, ..., A, C). The axes before the last two
    are broadcast.

    Raises:
        ShapeError: unless there are two inputs, of at least two axes each, that fit.
    """

    family = "merging"
    example: ClassVar = {"inputs": ["dense_1", "dense_2"]}
    per_sample = True

    class Config(LayerConfig):
        """Parameters of a `matmul` node."""

        transpose_a: bool = Field(
            default=False, description="True to swap the last two axes of the first input."
        )
        transpose_b: bool = Field(
            default=False, description="True to swap the last two axes of the second input."
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        if len(in_shapes) != 2:
            raise ShapeError(f"matmul needs exactly two inputs; it got {len(in_shapes)}")
        if any(len(shape) < 2 for shape in in_shapes):
            raise ShapeError(
                "matmul needs two inputs of shape (..., rows, columns); it got"
                f' {format_shapes(in_shapes)}: for vectors use "dot"'
            )
        self._transposed = (config.transpose_a, config.transpose_b)
        (rows, inner), (other_inner, columns) = _sizes(in_shapes, self._transposed)
        if inner != other_inner:
            raise ShapeError(
                f"matmul needs inputs (..., A, B) and (..., B, C); it got"
                f" {format_shapes(in_shapes)}, so that B would be {inner} and {other_inner}"
                f"{_remedy(in_shapes, self._transposed)}"
            )
        lead = broadcast_shape("matmul", tuple(shape[:-2] for shape in in_shapes))
        self.out_shape = (*lead, rows, columns)
        self.params: dict[str, Array] = {}
        self._in_shapes = in_shapes
        self._inner = inner
        self._itemsize = build.dtype.itemsize

    def forward(self, ctx: Context, a: Array, b: Array) -> tuple[Array, Cache]:
        y = ctx.empty((len(a), *self.out_shape), a.dtype)
        np.matmul(*self._factors(a, b), out=y)
        return y, (a, b) if ctx.keep else None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        a, b = self._factors(*cache)
        da = db = None
        if ctx.needs_input(0):
            da = self._gradient(ctx, 0, dy, b.swapaxes(-1, -2))
        if ctx.needs_input(1):
            db = self._gradient(ctx, 1, a.swapaxes(-1, -2), dy)
        return (da, db), {}

    def to_onnx(self, graph: OnnxGraph, a: str, b: str) -> str:
        factors = []
        for x, transposed in zip((a, b), self._transposed, strict=True):
            rank = len(graph.shape_of(x))
            if transposed:
                x = graph.transpose(x, (*range(rank - 2), rank - 1, rank - 2))
            factors.append(x)
        return graph.node("MatMul", *aligned(graph, factors, len(self.out_shape)))

    def cost(self) -> tuple[int, int]:
        size = math.prod(self.out_shape)
        return 2 * self._inner * size, size * self._itemsize

    def _factors(self, a: Array, b: Array) -> tuple[Array, Array]:
        """Return views (N, ..., A, B) and (N, ..., B, C), with as many axes as the output."""
        factors = (
            expanded(x.swapaxes(-1, -2) if transposed else x, len(self.out_shape))
            for x, transposed in zip((a, b), self._transposed, strict=True)
        )
        first, second = factors
        return first, second

    def _gradient(self, ctx: Context, index: int, left: Array, right: Array) -> Array:
        """Return the gradient of an input, whose matrices (as multiplied) have left @ right."""
        if self._transposed[index]:
            left, right = right.swapaxes(-1, -2), left.swapaxes(-1, -2)
        shape = (len(left), *self.out_shape[:-2], left.shape[-2], right.shape[-1])
        product = np.matmul(left, right, out=ctx.empty(shape, left.dtype))
        return summed(ctx, product, self._in_shapes[index])


def _sizes(in_shapes: tuple[Shape, ...], transposed: tuple[bool, bool]) -> list[Shape]:
    """Return rows and columns of both factors, as they are multiplied."""
    return [
        shape[:-3:-1] if swapped else shape[-2:]
        for shape, swapped in zip(in_shapes, transposed, strict=True)
    ]


def _remedy(in_shapes: tuple[Shape, ...], transposed: tuple[bool, bool]) -> str:
    """Return the option that makes the inputs fit, for a message; empty if neither does."""
    a, b = transposed
    for name, changed in (("transpose_b", (a, not b)), ("transpose_a", (not a, b))):
        (_, inner), (other_inner, _) = _sizes(in_shapes, changed)
        if inner == other_inner:
            value = changed[name == "transpose_b"]
            return f'; set "{name}" to {str(value).lower()}'
    return ""
