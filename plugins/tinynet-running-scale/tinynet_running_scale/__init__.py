"""Division by a running root mean square: a layer for tinynet that calls itself ``running_scale``.

It shows what a layer with buffers is: arrays that are saved with the parameters, and that `commit`
alone changes.
"""

import math
from typing import Any, NamedTuple

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


class Pass(NamedTuple):
    """The cache of one pass.

    Attributes:
        x: The input, (N, ..., C).
        batch: Mean square of each feature over the batch, (C,); None in evaluation.
        inverse: Factor of each feature before ``gamma``, (C,).
    """

    x: Array
    batch: Array | None
    inverse: Array


class RunningScale:
    """Divides each feature by its running root mean square.  (N, ..., C) -> (N, ..., C).

        y = gamma * x / sqrt(mean_square + epsilon)

    In training, mean_square = momentum * running_mean_square + (1 - momentum) * batch, where batch
    is the mean of x^2 over every axis but the last: the value that the buffer has after this step.
    So a network is evaluated with the very scale that its last step was trained with, and the
    gradient goes through the batch's share of it. In evaluation, mean_square is the buffer as it
    stands. The mean is not subtracted: a feature that is 0 stays 0.

    Buffer: ``running_mean_square`` (C,), at first 1. Parameter: ``gamma`` (C,), at first 1.
    Samples share a scale in training, so `per_sample` is not claimed.
    """

    examples: tuple[dict[str, Any], ...] = (
        {"options": {}, "in_shapes": [[5]]},
        {"options": {"momentum": 0.5}, "in_shapes": [[3, 4, 2]]},
    )

    class Config(LayerConfig):
        """Parameters of a `running_scale` node."""

        momentum: float = Field(
            default=0.9, ge=0, lt=1, description="Share of the old running mean square in the new."
        )
        epsilon: float = Field(
            default=1e-5, gt=0, description="Added to the mean square, in the input's unit squared."
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        if not in_shape:
            raise ShapeError("running_scale needs an input of shape (..., features); it got ()")
        features = in_shape[-1:]
        self.out_shape = in_shape
        self.params = {"gamma": build.param("gamma", features, "ones")}
        self.buffers = {
            "running_mean_square": build.buffer("running_mean_square", features, "ones")
        }
        self._share, self._epsilon = 1 - config.momentum, config.epsilon

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        batch = np.square(x).mean(axis=tuple(range(x.ndim - 1))) if ctx.training else None
        inverse = 1 / np.sqrt(self._moved(batch) + self._epsilon)
        return x * (self.params["gamma"] * inverse), Pass(x, batch, inverse)

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        x, batch, inverse = cache
        total = (x * dy).sum(axis=tuple(range(x.ndim - 1)))
        grads = {"gamma": inverse * total}
        if not ctx.needs_input():
            return (None,), grads
        if batch is not None:
            values = x.size // x.shape[-1]
            dy = dy - x * (self._share / values * np.square(inverse) * total)
        return (dy * (self.params["gamma"] * inverse),), grads

    def commit(self, cache: Cache) -> None:
        """Move the running mean square towards that of a training pass, in place."""
        self.buffers["running_mean_square"][...] = self._moved(cache.batch)

    def cost(self) -> tuple[int, int]:
        size = math.prod(self.out_shape)
        return size, size * self.params["gamma"].itemsize

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        moved = graph.node("Add", graph.param("running_mean_square"), graph.constant(self._epsilon))
        scaled = graph.node("Mul", x, graph.param("gamma"))
        return graph.node("Div", scaled, graph.node("Sqrt", moved))

    def _moved(self, batch: Array | None) -> Array:
        """The running mean square after an update with ``batch``, (C,)."""
        running = self.buffers["running_mean_square"]
        return running if batch is None else running + self._share * (batch - running)
