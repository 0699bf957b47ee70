"""Activation functions without a kink, other than those in `activations`."""

import numpy as np

from tinynet.builtin.layers._elementwise import SlopeFromInput, SlopeFromOutput
from tinynet.functional import sigmoid, softplus
from tinynet.layer import Array, OnnxGraph


class Exponential(SlopeFromOutput):
    """Exponential: y = exp(x).

    (N, ...) -> (N, ...). Infinite from about x = 89 in float32, 710 in float64.
    """

    operations = 1

    # Moderate numbers: the exponential of 10,000 is infinite.
    examples = ({"in_shapes": [[2]], "inputs": [[[0.5, -1.2], [0.3, 2.0]]]},)

    def evaluate(self, x: Array, y: Array) -> None:
        np.exp(x, out=y)

    def slope(self, y: Array, slope: Array) -> None:
        slope[...] = y

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        return graph.node("Exp", x)


class Softplus(SlopeFromOutput):
    """A smooth ReLU: y = log(1 + exp(x)).  (N, ...) -> (N, ...).

    Source: Dugas et al., "Incorporating Second-Order Functional Knowledge for Better Option
    Pricing", 2001.
    """

    operations = 5

    def evaluate(self, x: Array, y: Array) -> None:
        softplus(x, out=y)

    def slope(self, y: Array, slope: Array) -> None:
        np.negative(y, out=slope)  # sigmoid(x) = 1 - exp(-y)
        np.expm1(slope, out=slope)
        np.negative(slope, out=slope)

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        return graph.node("Softplus", x)


class LogSigmoid(SlopeFromOutput):
    """Logarithm of the logistic function: y = -log(1 + exp(-x)).  (N, ...) -> (N, ...)."""

    operations = 6

    def evaluate(self, x: Array, y: Array) -> None:
        np.negative(x, out=y)
        softplus(y, out=y)
        np.negative(y, out=y)

    def slope(self, y: Array, slope: Array) -> None:
        np.expm1(y, out=slope)  # 1 - sigmoid(x)
        np.negative(slope, out=slope)

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        return graph.node("Neg", graph.node("Softplus", graph.node("Neg", x)))


class Softsign(SlopeFromInput):
    """A sigmoid of fractions: y = x / (1 + |x|).  (N, ...) -> (N, ...).

    Source: Turian, Bergstra and Bengio, "Quadratic Features and Deep Architectures for Chunking",
    2009.
    """

    operations = 3

    def evaluate(self, x: Array, y: Array, slope: Array | None) -> None:
        np.abs(x, out=y)
        y += 1
        if slope is not None:
            np.reciprocal(y, out=slope)
            slope *= slope
        np.divide(x, y, out=y)

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        return graph.node("Softsign", x)


class Mish(SlopeFromInput):
    """Mish, a smooth ReLU: y = x * tanh(log(1 + exp(x))).  (N, ...) -> (N, ...).

    Source: Misra, "Mish: A Self Regularized Non-Monotonic Activation Function", 2020.
    """

    operations = 7

    def evaluate(self, x: Array, y: Array, slope: Array | None) -> None:
        softplus(x, out=y)
        np.tanh(y, out=y)
        if slope is not None:  # t + x * sigmoid(x) * (1 - t * t), where t = tanh(softplus(x))
            sigmoid(x, out=slope)
            slope *= x
            slope *= 1 - y * y
            slope += y
        y *= x

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        return graph.node("Mul", x, graph.node("Tanh", graph.node("Softplus", x)))


class TanhShrink(SlopeFromInput):
    """Shrinkage by tanh: y = x - tanh(x).  (N, ...) -> (N, ...)."""

    operations = 2

    def evaluate(self, x: Array, y: Array, slope: Array | None) -> None:
        np.tanh(x, out=y)
        if slope is not None:
            np.multiply(y, y, out=slope)
        np.subtract(x, y, out=y)

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        return graph.node("Sub", x, graph.node("Tanh", x))
