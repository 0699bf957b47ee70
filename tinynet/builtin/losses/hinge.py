"""Losses of scores of two classes, as of support vector machines."""

import numpy as np

from tinynet.builtin.losses._elementwise import Elementwise
from tinynet.loss import OnnxGraph
from tinynet.targets import Bad, first_bad
from tinynet.types import Array, Shape


class Hinge(Elementwise):
    """Hinge loss of scores x: max(1 - z x, 0), for targets z of 1, or -1 (or 0).

    Outputs (N, 1) or (N, labels); targets (N,) or the
    outputs' shape. The gradient at z x = 1 is 0. Predictions are (1 + x) / 2, clipped to [0, 1]:
    above 0.5 for class 1.

    Source: Cortes and Vapnik, "Support-Vector Networks", 1995.
    """

    family = "classification"
    name = "hinge"
    examples = ({"out_shape": [2], "targets": [[1, 0], [-1, 1]]},)

    def values(self, outputs: Array, targets: Array) -> Array:
        values: Array = np.maximum(1 - _signs(targets) * outputs, 0)
        return values

    def slopes(self, outputs: Array, targets: Array, out: Array) -> None:
        signs = _signs(targets)
        np.multiply(signs, outputs, out=out)
        np.negative(signs * (out < 1), out=out)

    def predict(self, outputs: Array) -> Array:
        """Numbers in [0, 1], above 0.5 for class 1, in the shape of ``outputs``."""
        scores: Array = np.clip(outputs, -1, 1)
        return (1 + scores) / 2

    def max_classes(self, out_shape: Shape) -> int:
        return 2

    def bad_target(self, out_shape: Shape, targets: Array) -> Bad | None:
        good = (targets == 1) | (targets == 0) | (targets == -1)
        return first_bad(targets, good, "1, or -1 or 0 for the other class")

    def to_onnx(self, graph: OnnxGraph, outputs: str) -> str:
        scores = graph.node("Clip", outputs, graph.constant(-1.0), graph.constant(1.0))
        sums = graph.node("Add", scores, graph.constant(1.0))
        return graph.node("Mul", sums, graph.constant(0.5))


class SquaredHinge(Hinge):
    """Squared hinge loss of scores x: max(1 - z x, 0)^2, for targets z of 1, or -1 (or 0).

    Outputs (N, 1) or (N, labels); targets (N,) or the
    outputs' shape. Predictions are (1 + x) / 2, clipped to [0, 1]: the probability of class 1,
    where the loss is smallest (Zhang, "Statistical Behavior and Consistency of Classification
    Methods Based on Convex Risk Minimization", 2004).
    """

    name = "squared_hinge"

    def values(self, outputs: Array, targets: Array) -> Array:
        values: Array = np.square(super().values(outputs, targets))
        return values

    def slopes(self, outputs: Array, targets: Array, out: Array) -> None:
        np.multiply(_signs(targets), -2 * super().values(outputs, targets), out=out)


def _signs(targets: Array) -> Array:
    """Return targets in which 0 is -1."""
    signs: Array = targets - (targets == 0)
    return signs
