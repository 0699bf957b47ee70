"""Activation functions: each maps every element of its input by itself.

In NumPy, array comparisons and np.clip are several times faster than np.maximum with a scalar, or
np.where with a mask; the formulas below are written accordingly.
"""

import numpy as np
from pydantic import Field

from tinynet.builtin.layers._elementwise import SameShape, SlopeFromInput, SlopeFromOutput
from tinynet.functional import sigmoid
from tinynet.layer import (
    Array,
    Build,
    Cache,
    Context,
    Gradients,
    Layer,
    LayerConfig,
    OnnxGraph,
    Rectifiable,
    Shape,
)


class ReLU(SameShape):
    """Rectified linear unit: y = max(x, 0).  (N, ...) -> (N, ...).

    The gradient at exactly 0 is 0; NaN stays NaN.
    """

    replayable = True
    family = "activation"
    operations = 1

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y = ctx.kernels.relu(x, ctx.empty)
        return y, y if ctx.keep else None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        return (ctx.kernels.relu_backward(dy, cache, ctx.empty) if ctx.needs_input() else None,), {}

    def fuse_into(self, previous: Layer) -> Layer | None:
        return previous.with_relu() if isinstance(previous, Rectifiable) else None

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        return graph.node("Relu", x)


class LeakyReLU(SlopeFromOutput):
    """Leaky ReLU: y = x where x > 0, else negative_slope * x.  (N, ...) -> (N, ...).

    The gradient at exactly 0 is ``negative_slope``. Source: Maas et al., 2013.
    """

    operations = 2

    class Config(LayerConfig):
        """Parameters of a `leaky_relu` node."""

        negative_slope: float = Field(
            default=0.01, ge=0, le=1, description="Slope of the output where the input is negative."
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        self._negative_slope = config.negative_slope

    def evaluate(self, x: Array, y: Array) -> None:
        np.multiply(x, self._negative_slope, out=y)
        np.maximum(x, y, out=y)

    def slope(self, y: Array, slope: Array) -> None:
        np.greater(y, 0, out=slope)
        np.clip(slope, self._negative_slope, 1, out=slope)

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        return graph.node("LeakyRelu", x, alpha=self._negative_slope)


class Sigmoid(SlopeFromOutput):
    """Logistic function: y = 1 / (1 + exp(-x)).  (N, ...) -> (N, ...)."""

    operations = 4

    def evaluate(self, x: Array, y: Array) -> None:
        sigmoid(x, out=y)

    def slope(self, y: Array, slope: Array) -> None:
        np.subtract(1, y, out=slope)
        slope *= y

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        return graph.node("Sigmoid", x)


class Tanh(SlopeFromOutput):
    """Hyperbolic tangent: y = tanh(x).  (N, ...) -> (N, ...)."""

    operations = 1

    def evaluate(self, x: Array, y: Array) -> None:
        np.tanh(x, out=y)

    def slope(self, y: Array, slope: Array) -> None:
        np.multiply(y, y, out=slope)
        np.subtract(1, slope, out=slope)

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        return graph.node("Tanh", x)


class SiLU(SlopeFromInput):
    """Sigmoid linear unit, or swish: y = x * sigmoid(x).  (N, ...) -> (N, ...).

    Source: Elfwing et al., 2018.
    """

    operations = 5

    def evaluate(self, x: Array, y: Array, slope: Array | None) -> None:
        sigmoid(x, out=y)
        if slope is not None:  # s * (1 + x * (1 - s)), where s = sigmoid(x)
            np.subtract(1, y, out=slope)
            slope *= x
            slope += 1
            slope *= y
        y *= x

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        return graph.node("Mul", x, graph.node("Sigmoid", x))
