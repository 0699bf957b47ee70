"""The layers that pool over a whole sequence."""

import math
from typing import ClassVar

import numpy as np
from pydantic import Field

from tinynet.builtin.layers._window1d import check_sequence
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


class GlobalPool1D:
    """The base of layers that pool over the steps of a sequence.

    Attributes:
        spec_name: The layer's name in specs, for messages.
    """

    family = "pooling"
    per_sample = True
    spec_name: ClassVar[str]

    class Config(LayerConfig):
        """Parameters of a global pooling node."""

        keepdims: bool = Field(
            default=False, description="True to keep the axis of the steps, with the size 1."
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        self._in_shape, *mask_shapes = in_shapes
        check_sequence(self.spec_name, self._in_shape)
        length, channels = self._in_shape
        if mask_shapes not in ([], [(length,)]):
            raise ShapeError(
                f"{self.spec_name} needs a mask of shape ({length},) as its second input, or none;"
                f" got {', '.join(map(str, mask_shapes))}"
            )
        self.out_shape = (1, channels) if config.keepdims else (channels,)
        self.params: dict[str, Array] = {}
        self._itemsize = build.dtype.itemsize

    def _steps(self, dy: Array) -> Array:
        """Return the gradient of the output as that of one step, (N, 1, C)."""
        return dy.reshape(len(dy), 1, self.out_shape[-1])

    def cost(self) -> tuple[int, int]:
        return math.prod(self._in_shape), math.prod(self.out_shape) * self._itemsize


class GlobalAvgPool1D(GlobalPool1D):
    """Mean of each channel over the steps of a sequence.  (N, T, C) -> (N, C), or (N, 1, C).

    With a mask (N, T) of 0 and 1 as a second input, the mean is taken over the steps that have a 1;
    it is 0 for a sample without any.
    """

    spec_name = "global_avg_pool1d"

    def forward(self, ctx: Context, x: Array, mask: Array | None = None) -> tuple[Array, Cache]:
        if mask is None:
            shares = np.full((1, x.shape[1]), 1 / x.shape[1], x.dtype)
        else:
            shares = mask / np.maximum(mask.sum(axis=1, keepdims=True), 1)
        y = ctx.empty((len(x), 1, x.shape[2]), x.dtype)
        np.matmul(shares[:, None], x, out=y)
        return y.reshape(len(x), *self.out_shape), (shares, mask) if ctx.keep else None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        shares, mask = cache
        dx = None
        if ctx.needs_input():
            dx = ctx.empty((len(dy), *self._in_shape), dy.dtype)
            np.multiply(shares[:, :, None], self._steps(dy), out=dx)
        return _with_mask_gradient(ctx, dx, mask), {}

    def to_onnx(self, graph: OnnxGraph, x: str, mask: str | None = None) -> str:
        if mask is None:
            y = graph.node("GlobalAveragePool", graph.channels_first(x))
            return graph.reshape(y, self.out_shape)
        count = graph.node("ReduceSum", mask, graph.constant([1]), keepdims=1)
        shares = graph.node("Div", mask, graph.node("Max", count, graph.constant(1.0)))
        row = graph.reshape(shares, (1, self._in_shape[0]))
        return graph.reshape(graph.node("MatMul", row, x), self.out_shape)


class GlobalMaxPool1D(GlobalPool1D):
    """Maximum of each channel over the steps of a sequence.  (N, T, C) -> (N, C), or (N, 1, C).

    With a mask (N, T) of 0 and 1 as a second input, the maximum is taken over the steps that have a
    1; it is 0 for a sample without any. The gradient goes to the first maximum.
    """

    spec_name = "global_max_pool1d"

    def forward(self, ctx: Context, x: Array, mask: Array | None = None) -> tuple[Array, Cache]:
        filled = None
        if mask is not None:
            counts = mask > 0
            steps = ctx.empty(x.shape, x.dtype)
            steps.fill(-np.inf)
            np.copyto(steps, x, where=counts[:, :, None])
            x, filled = steps, counts.max(axis=1, keepdims=True)
        first = x.argmax(axis=1, keepdims=True)
        y = np.take_along_axis(x, first, axis=1)
        if filled is not None:
            y[~filled[:, 0]] = 0
        return y.reshape(len(x), *self.out_shape), (first, filled, mask) if ctx.keep else None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        first, filled, mask = cache
        dx = None
        if ctx.needs_input():
            dx = ctx.empty((len(dy), *self._in_shape), dy.dtype)
            dx.fill(0)
            passed = self._steps(dy)
            if filled is not None:
                passed = np.where(filled[:, :, None], passed, 0)
            np.put_along_axis(dx, first, passed, axis=1)
        return _with_mask_gradient(ctx, dx, mask), {}

    def to_onnx(self, graph: OnnxGraph, x: str, mask: str | None = None) -> str:
        if mask is None:
            y = graph.node("GlobalMaxPool", graph.channels_first(x))
            return graph.reshape(y, self.out_shape)
        counts = graph.node("Greater", mask, graph.constant(0.0))
        steps = graph.reshape(counts, (self._in_shape[0], 1))
        kept = graph.node("Where", steps, x, graph.constant(-np.inf))
        y = graph.node("ReduceMax", kept, axes=[1], keepdims=1)
        filled = graph.node(
            "Greater", graph.node("ReduceMax", mask, axes=[1], keepdims=1), graph.constant(0.0)
        )
        y = graph.node("Where", graph.reshape(filled, (1, 1)), y, graph.constant(0.0))
        return graph.reshape(y, self.out_shape)


def _with_mask_gradient(
    ctx: Context, dx: Array | None, mask: Array | None
) -> tuple[Array | None, ...]:
    """Return the gradient of each input; a mask has none, or zeros where one is required."""
    if mask is None:
        return (dx,)
    return dx, np.zeros_like(mask) if ctx.needs is not None and ctx.needs_input(1) else None
