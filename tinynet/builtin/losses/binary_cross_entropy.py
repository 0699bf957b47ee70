"""Binary cross-entropy on logits."""

import numpy as np
from pydantic import Field

from tinynet.builtin.losses._elementwise import Elementwise
from tinynet.builtin.losses._positions import PositionsConfig
from tinynet.functional import sigmoid
from tinynet.loss import OnnxGraph
from tinynet.targets import Bad, bad_probability
from tinynet.types import Array, Shape


class BinaryCrossEntropy(Elementwise):
    """Cross-entropy of logits x with targets z: -z log s(x) - (1 - z) log(1 - s(x)).

    s is the sigmoid, and targets are in [0, 1]. Computed as max(x, 0) - x z + log1p(exp(-|x|)),
    which neither overflows nor loses small values. Outputs (N, 1) or (N, labels); targets (N,) or
    the outputs' shape.  The mean is taken over a sample's labels.
    """

    family = "classification"
    name = "binary_cross_entropy"

    class Config(PositionsConfig):
        """Parameters of `binary_cross_entropy`."""

        label_smoothing: float = Field(
            default=0.0,
            ge=0,
            lt=1,
            description="Label smoothing s: a target z becomes z (1 - s) + s / 2.",
        )

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.label_smoothing = config.label_smoothing

    def values(self, outputs: Array, targets: Array) -> Array:
        targets = self._smooth(targets)
        values: Array = np.log1p(np.exp(-np.abs(outputs)))
        values += np.maximum(outputs, 0)
        values -= outputs * targets
        return values

    def slopes(self, outputs: Array, targets: Array, out: Array) -> None:
        sigmoid(outputs, out=out)
        out -= self._smooth(targets)

    def predict(self, outputs: Array) -> Array:
        """Probabilities, in the shape of ``outputs``."""
        return sigmoid(outputs)

    def max_classes(self, out_shape: Shape) -> int:
        return 2

    def bad_target(self, out_shape: Shape, targets: Array) -> Bad | None:
        return bad_probability(targets)

    def _smooth(self, targets: Array) -> Array:
        if not self.label_smoothing:
            return targets
        return targets * (1 - self.label_smoothing) + self.label_smoothing / 2

    def to_onnx(self, graph: OnnxGraph, outputs: str) -> str:
        return graph.node("Sigmoid", outputs)
