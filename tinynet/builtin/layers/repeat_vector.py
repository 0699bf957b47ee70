"""The layer that makes a sequence of one vector."""

import math
from typing import ClassVar

import numpy as np
from pydantic import Field

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


class RepeatVector:
    """A sequence of n copies of a vector: (N, C) -> (N, n, C).

    Raises:
        ShapeError: if a sample is not a vector.
    """

    family = "reshaping"
    example: ClassVar = {"n": 4}
    per_sample = True

    class Config(LayerConfig):
        """Parameters of a `repeat_vector` node."""

        n: int = Field(ge=1, description="Number of copies: the length of the sequence.")

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        if len(in_shape) != 1:
            raise ShapeError(
                f"repeat_vector needs an input of shape (features,); it got {in_shape}"
            )
        self.out_shape = (config.n, *in_shape)
        self.params: dict[str, Array] = {}
        self._itemsize = build.dtype.itemsize

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y = ctx.empty((len(x), *self.out_shape), x.dtype)
        y[...] = x[:, None]
        return y, None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        if not ctx.needs_input():
            return (None,), {}
        dx = ctx.empty((len(dy), dy.shape[2]), dy.dtype)
        return (np.sum(dy, axis=1, out=dx),), {}

    def cost(self) -> tuple[int, int]:
        return 0, math.prod(self.out_shape) * self._itemsize

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        count, features = self.out_shape
        return graph.node("Tile", graph.reshape(x, (1, features)), graph.constant([1, count, 1]))
