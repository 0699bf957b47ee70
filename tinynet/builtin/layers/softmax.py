"""The softmax function and its relatives as layers."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from tinynet.builtin.layers._elementwise import SameShape
from tinynet.functional import softmax
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


class _AlongAxis(SameShape):
    """A function of the vectors along one axis."""

    family = "activation"
    spec_name: ClassVar[str]

    class Config(LayerConfig):
        """Parameters of a `softmax`, `log_softmax` or `sparsemax` node."""

        axis: int = Field(
            default=-1,
            le=-1,
            description="The axis whose probabilities sum to 1, counted from the last, -1.",
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        if -config.axis > len(self.out_shape):
            raise ShapeError(
                f"{self.spec_name} along axis {config.axis} needs a sample of at least"
                f" {-config.axis} axes; it got {self.out_shape}"
            )
        self._axis = config.axis


class Softmax(_AlongAxis):
    """Values that are positive and sum to 1 along an axis: y = exp(x) / sum(exp(x)).

    (N, ...) -> (N, ...). Omit it before the loss `softmax_cross_entropy`, which takes logits.
    """

    spec_name = "softmax"
    operations = 4

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y = softmax(x, self._axis, out=ctx.empty(x.shape, x.dtype))
        return y, y if ctx.keep else None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        if not ctx.needs_input():
            return (None,), {}
        y = cache
        dx = ctx.empty(dy.shape, dy.dtype)
        np.multiply(dy, y, out=dx)
        np.subtract(dy, dx.sum(axis=self._axis, keepdims=True), out=dx)
        dx *= y
        return (dx,), {}

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        return graph.node("Softmax", x, axis=self._axis)


class LogSoftmax(_AlongAxis):
    """Logarithms of a softmax: y = x - log(sum(exp(x))), summed along an axis.

    (N, ...) -> (N, ...). Omit it before the loss `softmax_cross_entropy`, which takes logits.
    """

    spec_name = "log_softmax"
    operations = 4

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y, exponential = ctx.empty(x.shape, x.dtype), ctx.empty(x.shape, x.dtype)
        np.subtract(x, np.max(x, axis=self._axis, keepdims=True), out=y)
        np.exp(y, out=exponential)
        y -= np.log(exponential.sum(axis=self._axis, keepdims=True))
        return y, y if ctx.keep else None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        if not ctx.needs_input():
            return (None,), {}
        dx = np.exp(cache, out=ctx.empty(dy.shape, dy.dtype))
        dx *= dy.sum(axis=self._axis, keepdims=True)
        np.subtract(dy, dx, out=dx)
        return (dx,), {}

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        return graph.node("LogSoftmax", x, axis=self._axis)


class Sparsemax(_AlongAxis):
    """Probabilities of which many are 0: the distribution with the least distance to x.

    (N, ...) -> (N, ...); y = max(x - threshold, 0), where the threshold makes y sum to 1 along an
    axis. Source: Martins and Astudillo, "From Softmax to Sparsemax", 2016.
    """

    spec_name = "sparsemax"
    operations = 8

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y = np.subtract(
            x, np.max(x, axis=self._axis, keepdims=True), out=ctx.empty(x.shape, x.dtype)
        )
        y -= _threshold(y, self._axis)
        np.clip(y, 0, np.inf, out=y)
        return y, y if ctx.keep else None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        if not ctx.needs_input():
            return (None,), {}
        positive = np.greater(cache, 0, out=ctx.empty(dy.shape, dy.dtype))
        dx = np.multiply(dy, positive, out=ctx.empty(dy.shape, dy.dtype))
        mean = dx.sum(axis=self._axis, keepdims=True)
        mean /= positive.sum(axis=self._axis, keepdims=True)
        dx -= np.multiply(positive, mean, out=positive)
        return (dx,), {}

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        axis, size = self._axis, self.out_shape[self._axis]
        x = graph.node("Sub", x, graph.node("ReduceMax", x, axes=[axis], keepdims=1))
        descending, _ = graph.nodes("TopK", x, graph.constant([size]), outputs=2, axis=axis)
        sums = graph.node("CumSum", descending, graph.constant(axis))
        sums = graph.node("Sub", sums, graph.constant(1.0))
        counts = np.arange(1.0, size + 1).reshape(-1, *[1] * (-axis - 1))
        scaled = graph.node("Mul", descending, graph.constant(counts))
        above = graph.cast(graph.node("Greater", scaled, sums), graph.dtype)
        number = graph.node("ReduceSum", above, graph.constant([axis]), keepdims=1)
        # The elements above the threshold come first, so the last of them has this number.
        last = graph.cast(graph.node("Equal", number, graph.constant(counts)), graph.dtype)
        total = graph.node(
            "ReduceSum", graph.node("Mul", sums, last), graph.constant([axis]), keepdims=1
        )
        threshold = graph.node("Div", total, number)
        return graph.node("Relu", graph.node("Sub", x, threshold))


def _threshold(x: Array, axis: int) -> Array:
    """Return the threshold of `Sparsemax` along an axis, of size 1 there."""
    descending = np.moveaxis(-np.sort(-x, axis=axis), axis, -1)
    sums = np.cumsum(descending, axis=-1)
    sums -= 1
    count = np.arange(1, x.shape[axis] + 1, dtype=x.dtype)
    # The elements above the threshold come first; NaN has none, and a threshold of NaN.
    above = (descending * count > sums).sum(axis=-1, keepdims=True)
    last = np.maximum(above - 1, 0)
    threshold = np.take_along_axis(sums, last, axis=-1) / (last + 1).astype(x.dtype)
    return np.moveaxis(threshold, -1, axis)
