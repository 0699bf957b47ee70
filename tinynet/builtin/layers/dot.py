"""The dot product of two inputs."""

import math
from typing import Annotated, ClassVar, NamedTuple

import numpy as np
from pydantic import Field

from tinynet.builtin.layers._axes import sample_axis
from tinynet.builtin.layers._broadcast import format_shapes
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


class _Saved(NamedTuple):
    """The values of one input for `backward`."""

    vectors: Array  # (N, R, K), normalized if the layer does so
    norms: Array | None  # (N, R, 1), or None if the vectors were not normalized


class Dot:
    """Dot products of all vectors of one input with all vectors of another, sample by sample.

    The vectors lie along one axis of each input. The output has the other axes of the first input,
    and then those of the second: (N, A, K) and (N, K, B) on the axes [2, 1] give (N, A, B). Of two
    vectors (N, K) the output is (N, 1).

    With ``normalize`` the vectors are divided by their Euclidean norms first, so that the output is
    the cosine of their angle; a vector of zeros stays zero.

    Raises:
        ShapeError: unless there are two inputs, whose named axes have the same size.
    """

    family = "merging"
    example: ClassVar = {"inputs": ["dense_1", "dense_2"]}
    per_sample = True

    class Config(LayerConfig):
        """Parameters of a `dot` node."""

        axes: int | Annotated[list[int], Field(min_length=2, max_length=2)] = Field(
            default=-1,
            description="The axis of the vectors, or [axis of the first input, axis of the second]."
            " Axis 0 is the batch; negative numbers count from the end.",
        )
        normalize: bool = Field(
            default=False, description="True to divide each vector by its norm: cosine similarity."
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        if len(in_shapes) != 2:
            raise ShapeError(f"dot needs exactly two inputs; it got {len(in_shapes)}")
        axes = [config.axes] * 2 if isinstance(config.axes, int) else config.axes
        self._axes = tuple(
            sample_axis("dot", axis, shape) for axis, shape in zip(axes, in_shapes, strict=True)
        )
        sizes = [shape[axis] for shape, axis in zip(in_shapes, self._axes, strict=True)]
        if sizes[0] != sizes[1]:
            raise ShapeError(
                f"dot on axes {axes} needs axes of equal size; those of"
                f" {format_shapes(in_shapes)} have the sizes {sizes[0]} and {sizes[1]}"
            )
        rest = [
            size
            for shape, axis in zip(in_shapes, self._axes, strict=True)
            for size in (*shape[:axis], *shape[axis + 1 :])
        ]
        self.out_shape = tuple(rest) or (1,)
        self.params: dict[str, Array] = {}
        self._normalize = config.normalize
        self._in_shapes = in_shapes
        self._size = sizes[0]
        self._itemsize = build.dtype.itemsize

    def forward(self, ctx: Context, *inputs: Array) -> tuple[Array, Cache]:
        a, b = (self._vectors(ctx, x, axis) for x, axis in zip(inputs, self._axes, strict=True))
        y = ctx.empty((len(inputs[0]), a.vectors.shape[1], b.vectors.shape[1]), inputs[0].dtype)
        np.matmul(a.vectors, b.vectors.swapaxes(1, 2), out=y)
        return y.reshape(len(y), *self.out_shape), (a, b) if ctx.keep else None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        a, b = cache
        dy = dy.reshape(len(dy), a.vectors.shape[1], b.vectors.shape[1])
        da = self._gradient(ctx, 0, dy, a, b.vectors) if ctx.needs_input(0) else None
        db = self._gradient(ctx, 1, dy.swapaxes(1, 2), b, a.vectors) if ctx.needs_input(1) else None
        return (da, db), {}

    def to_onnx(self, graph: OnnxGraph, *inputs: str) -> str:
        pairs = zip(inputs, self._axes, strict=True)
        a, b = (self._vectors_onnx(graph, x, axis) for x, axis in pairs)
        return graph.reshape(graph.node("MatMul", a, graph.transpose(b, (1, 0))), self.out_shape)

    def cost(self) -> tuple[int, int]:
        size = math.prod(self.out_shape)
        return 2 * self._size * size, size * self._itemsize

    def _vectors(self, ctx: Context, x: Array, axis: int) -> _Saved:
        """Return the vectors of an input as rows: (N, ..., K, ...) -> (N, R, K)."""
        vectors = np.moveaxis(x, 1 + axis, -1).reshape(len(x), -1, self._size)
        if not self._normalize:
            return _Saved(vectors, None)
        norms = np.sqrt(np.einsum("nrk,nrk->nr", vectors, vectors))[..., None]
        norms[norms == 0] = 1
        normal = np.divide(vectors, norms, out=ctx.empty(vectors.shape, x.dtype))
        return _Saved(normal, norms)

    def _vectors_onnx(self, graph: OnnxGraph, x: str, axis: int) -> str:
        """Return the vectors of an input as rows: (N, ..., K, ...) -> (N, R, K)."""
        rest = [other for other in range(len(graph.shape_of(x))) if other != axis]
        vectors = graph.reshape(graph.transpose(x, (*rest, axis)), (-1, self._size))
        if not self._normalize:
            return vectors
        squares = graph.node("Mul", vectors, vectors)
        norms = graph.node(
            "Sqrt", graph.node("ReduceSum", squares, graph.constant([-1]), keepdims=1)
        )
        is_zero = graph.node("Equal", norms, graph.constant(0.0))
        return graph.node("Div", vectors, graph.node("Where", is_zero, graph.constant(1.0), norms))

    def _gradient(self, ctx: Context, index: int, dy: Array, own: _Saved, other: Array) -> Array:
        """Return the gradient of an input; dy (N, R, R of the other), other (N, R, K)."""
        gradient = np.matmul(dy, other, out=ctx.empty(own.vectors.shape, dy.dtype))
        if own.norms is not None:  # leave out the part along the vector, whose norm is constant
            along = np.einsum("nrk,nrk->nr", gradient, own.vectors)[..., None]
            gradient -= along * own.vectors
            gradient /= own.norms
        axis, shape = self._axes[index], self._in_shapes[index]
        rest = (*shape[:axis], *shape[axis + 1 :], self._size)
        return np.moveaxis(gradient.reshape(len(gradient), *rest), -1, 1 + axis)
