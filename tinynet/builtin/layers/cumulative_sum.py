"""The sums along an axis up to each element."""

import math
from typing import ClassVar

import numpy as np
from pydantic import Field

from tinynet.builtin.layers._axes import sample_axis
from tinynet.layer import Array, Build, Cache, Context, Gradients, LayerConfig, OnnxGraph, Shape


class CumulativeSum:
    """Sums along one axis, up to and with each element: (N, ..., A, ...) -> (N, ..., A, ...).

    Raises:
        ShapeError: if the axis does not exist.
    """

    family = "reduction"
    example: ClassVar = {"axis": 1}
    per_sample = True

    class Config(LayerConfig):
        """Parameters of a `cumulative_sum` node."""

        axis: int = Field(
            default=-1,
            description="The axis to sum along. Axis 0 is the batch; negative numbers count from"
            " the end.",
        )
        exclusive: bool = Field(
            default=False,
            description="True to sum the elements before each one, without itself: the first sum"
            " is 0.",
        )
        reverse: bool = Field(
            default=False, description="True to sum from the last element to the first."
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (self.out_shape,) = in_shapes
        self.params: dict[str, Array] = {}
        self._axis = 1 + sample_axis("cumulative_sum", config.axis, self.out_shape)
        self._exclusive, self._reverse = config.exclusive, config.reverse
        self._itemsize = build.dtype.itemsize

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        return self._sums(ctx, x, self._reverse), None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        """Sum the gradients of all elements that an element was added to: the other direction."""
        if not ctx.needs_input():
            return (None,), {}
        return (self._sums(ctx, dy, not self._reverse),), {}

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        options = {"exclusive": int(self._exclusive), "reverse": int(self._reverse)}
        return graph.node("CumSum", x, graph.constant(np.int64(self._axis)), **options)

    def cost(self) -> tuple[int, int]:
        size = math.prod(self.out_shape)
        return size, size * self._itemsize

    def _sums(self, ctx: Context, x: Array, reverse: bool) -> Array:
        sums = ctx.empty(x.shape, x.dtype)
        source, target = np.moveaxis(x, self._axis, 0), np.moveaxis(sums, self._axis, 0)
        if reverse:
            source, target = source[::-1], target[::-1]
        if self._exclusive:
            target[0] = 0
            source, target = source[:-1], target[1:]
        np.cumsum(source, axis=0, out=target)
        return sums
