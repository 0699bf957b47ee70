"""Learned vectors of positions."""

import numpy as np
from pydantic import Field

from tinynet.builtin.layers._positions import require_sequence
from tinynet.layer import (
    Array,
    Build,
    Cache,
    Context,
    Gradients,
    InitializerReference,
    LayerConfig,
    OnnxGraph,
    Shape,
    ShapeError,
)


class PositionEmbedding:
    """A learned vector, added to each position of a sequence.

    y[n, t] = x[n, t] + weight[t]. (N, T, C) -> (N, T, C). Parameter: ``weight`` (max_length, C).
    """

    family = "attention"
    per_sample = True
    several_positions = True

    class Config(LayerConfig):
        """Parameters of a `position_embedding` node."""

        max_length: int | None = Field(
            default=None,
            ge=1,
            description="Number of positions that have a vector; null for those of the input.",
        )
        weight_initializer: InitializerReference = Field(
            default=InitializerReference(type="uniform"),
            description="Initializer of `weight`.",
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (self.out_shape,) = in_shapes
        steps, channels = require_sequence("position_embedding", self.out_shape)
        length = config.max_length or steps
        if steps > length:
            raise ShapeError(
                f"position_embedding with max_length {length} got a sequence of {steps} steps;"
                f" set max_length to {steps} or more"
            )
        self.params = {
            "weight": build.param("weight", (length, channels), config.weight_initializer)
        }

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y = np.add(x, self.params["weight"][: x.shape[1]], out=ctx.empty(x.shape, x.dtype))
        return y, None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        grads = {}
        if ctx.needs_param("weight"):
            weight = self.params["weight"]
            steps = dy.shape[1]
            grad = ctx.empty(weight.shape, dy.dtype)
            np.sum(dy, axis=0, out=grad[:steps])
            grad[steps:] = 0
            grads["weight"] = grad
        return (dy if ctx.needs_input() else None,), grads

    def start_cache(self, samples: int, length: int) -> Cache:
        available = len(self.params["weight"])
        if length > available:
            raise ShapeError(
                f"position_embedding has vectors for {available} positions, not for {length};"
                f" compute at most {available}, or train with a larger max_length"
            )
        return None

    def forward_next(self, ctx: Context, cache: Cache, position: int, x: Array) -> Array:
        y = ctx.empty(x.shape, x.dtype)
        np.add(x, self.params["weight"][position : position + x.shape[1]], out=y)
        return y

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        steps, _ = self.out_shape
        return graph.node("Add", x, graph.param("weight", self.params["weight"][:steps]))

    def cost(self) -> tuple[int, int]:
        steps, channels = self.out_shape
        return steps * channels, steps * channels * self.params["weight"].itemsize
