"""Elementary functions of each number: those that are no activations."""

import numpy as np

from tinynet.builtin.layers._elementwise import SlopeFromInput
from tinynet.layer import Array, OnnxGraph


class Absolute(SlopeFromInput):
    """Absolute value: y = |x|.  (N, ...) -> (N, ...). The gradient at 0 is 0."""

    operations = 1

    def evaluate(self, x: Array, y: Array, slope: Array | None) -> None:
        np.abs(x, out=y)
        if slope is not None:
            np.sign(x, out=slope)

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        return graph.node("Abs", x)


class Log(SlopeFromInput):
    """Natural logarithm: y = log(x).  (N, ...) -> (N, ...).

    It is -inf at 0 and not a number below; a `clip` before it with a small ``min`` prevents both.
    """

    operations = 1

    # The kit draws negative numbers and numbers near 0, where there is no finite slope.
    examples = ({"in_shapes": [[2]], "inputs": [[[0.5, 1.2], [0.3, 2.0]]]},)

    def evaluate(self, x: Array, y: Array, slope: Array | None) -> None:
        np.log(x, out=y)
        if slope is not None:
            np.reciprocal(x, out=slope)

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        return graph.node("Log", x)


class Sin(SlopeFromInput):
    """Sine: y = sin(x), of radians.  (N, ...) -> (N, ...).

    As an activation: Sitzmann et al., "Implicit Neural Representations with Periodic Activation
    Functions", 2020.
    """

    operations = 2

    def evaluate(self, x: Array, y: Array, slope: Array | None) -> None:
        np.sin(x, out=y)
        if slope is not None:
            np.cos(x, out=slope)

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        return graph.node("Sin", x)


class Cos(SlopeFromInput):
    """Cosine: y = cos(x), of radians.  (N, ...) -> (N, ...)."""

    operations = 2

    def evaluate(self, x: Array, y: Array, slope: Array | None) -> None:
        np.cos(x, out=y)
        if slope is not None:
            np.sin(x, out=slope)
            np.negative(slope, out=slope)

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        return graph.node("Cos", x)
