"""The cosine of the angle between the vectors of two inputs."""

import math
from typing import ClassVar

import numpy as np
from pydantic import Field

from tinynet.builtin.layers._axes import sample_axis
from tinynet.builtin.layers._broadcast import (
    aligned,
    broadcast_shape,
    expanded,
    format_shapes,
    summed,
)
from tinynet.builtin.layers._merge import require_two
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


class CosineSimilarity:
    """Cosine of the angle between vectors: y = sum(a * b) / (norm(a) * norm(b)).

    each (N, ..., A, ...) -> (N, ...), without the axis of the vectors. Samples broadcast. Norms are
    Euclidean, and at least ``epsilon``. For the cosines of all pairs of vectors, use `dot` with
    ``normalize``.

    Raises:
        ShapeError: unless there are two inputs that broadcast and have the axis.
    """

    family = "merging"
    example: ClassVar = {"inputs": ["dense_1", "dense_2"]}
    per_sample = True

    class Config(LayerConfig):
        """Parameters of a `cosine_similarity` node."""

        axis: int = Field(
            default=-1,
            description="The axis of the vectors. Axis 0 is the batch; negative numbers count from"
            " the end.",
        )
        keepdims: bool = Field(
            default=False, description="True to keep the axis of the vectors, with size 1."
        )
        epsilon: float = Field(default=1e-8, gt=0, description="Least norm to divide by.")

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        require_two("cosine_similarity", in_shapes)
        self._shape = broadcast_shape("cosine_similarity", in_shapes)
        axis = sample_axis("cosine_similarity", config.axis, self._shape)
        from_end = axis - len(self._shape)
        if any(shape[from_end:][:1] != self._shape[axis : axis + 1] for shape in in_shapes):
            raise ShapeError(
                f"cosine_similarity needs vectors of equal size along axis {config.axis}; it got"
                f" {format_shapes(in_shapes)}"
            )
        kept = (1,) if config.keepdims else ()
        self.out_shape = (*self._shape[:axis], *kept, *self._shape[axis + 1 :])
        self.params: dict[str, Array] = {}
        self._in_shapes = in_shapes
        self._axis, self._epsilon = 1 + axis, config.epsilon
        self._itemsize = build.dtype.itemsize

    def forward(self, ctx: Context, *inputs: Array) -> tuple[Array, Cache]:
        (a, _), (b, _) = units = [self._unit(ctx, x) for x in inputs]
        product = np.multiply(a, b, out=ctx.empty((len(a), *self._shape), a.dtype))
        y = product.sum(axis=self._axis, keepdims=True)
        return y.reshape(len(y), *self.out_shape), (units, y) if ctx.keep else None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        (first, second), y = cache
        dy = dy.reshape(y.shape)
        da = self._gradient(ctx, 0, dy, y, first, second) if ctx.needs_input(0) else None
        db = self._gradient(ctx, 1, dy, y, second, first) if ctx.needs_input(1) else None
        return (da, db), {}

    def to_onnx(self, graph: OnnxGraph, *inputs: str) -> str:
        def total(x: str) -> str:
            return graph.node("ReduceSum", x, graph.constant([self._axis]), keepdims=1)

        units = []
        for x in aligned(graph, inputs, len(self._shape)):
            norm = graph.node("Sqrt", total(graph.node("Mul", x, x)))
            norm = graph.node("Max", norm, graph.constant(self._epsilon))
            units.append(graph.node("Div", x, norm))
        return graph.reshape(total(graph.node("Mul", *units)), self.out_shape)

    def cost(self) -> tuple[int, int]:
        return 6 * math.prod(self._shape), math.prod(self.out_shape) * self._itemsize

    def _unit(self, ctx: Context, x: Array) -> tuple[Array, Array]:
        """Return vectors of length 1, and the norms that they were divided by."""
        x = expanded(x, len(self._shape))
        unit = np.multiply(x, x, out=ctx.empty(x.shape, x.dtype))
        norm = np.sqrt(unit.sum(axis=self._axis, keepdims=True))
        np.maximum(norm, self._epsilon, out=norm)
        return np.divide(x, norm, out=unit), norm

    def _gradient(
        self,
        ctx: Context,
        index: int,
        dy: Array,
        y: Array,
        own: tuple[Array, Array],
        other: tuple[Array, Array],
    ) -> Array:
        """Return the gradient of an input."""
        (unit, norm), (other_unit, _) = own, other
        gradient = ctx.empty((len(dy), *self._shape), dy.dtype)
        # The norm is constant where it is the least one.
        np.multiply(unit, y * (norm > self._epsilon), out=gradient)
        np.subtract(other_unit, gradient, out=gradient)
        gradient *= dy / norm
        return summed(ctx, gradient, self._in_shapes[index])
