"""Focal losses: cross-entropies that count less where the prediction is good already.

Source: Lin et al., "Focal Loss for Dense Object Detection", 2017.
"""

from typing import Annotated

import numpy as np
from pydantic import Field

from tinynet.builtin.losses._class_rows import ClassConfig, ClassRows
from tinynet.builtin.losses.binary_cross_entropy import BinaryCrossEntropy
from tinynet.errors import ShapeError
from tinynet.functional import log_softmax, sigmoid
from tinynet.loss import Context
from tinynet.types import Array, Shape

GAMMA = "Exponent of the discount of good predictions; 0 for none."


class BinaryFocalCrossEntropy(BinaryCrossEntropy):
    """Focal loss of yes or no: alpha_z (1 - p_z)^gamma times the cross-entropy.

    With logits x and targets z: p = sigmoid(x); p_z = z p + (1 - z) (1 - p); alpha_z = z
    alpha + (1 - z) (1 - alpha), and 1 without alpha.  Outputs (N, 1) or (N, labels); targets (N,)
    or the outputs' shape, in [0, 1].
    """

    name = "binary_focal_cross_entropy"

    class Config(BinaryCrossEntropy.Config):
        """Parameters of `binary_focal_cross_entropy`."""

        gamma: float = Field(default=2.0, ge=0, description=GAMMA)
        alpha: float | None = Field(
            default=None,
            ge=0,
            le=1,
            description="Weight of class 1, beside 1 - alpha for class 0; null: both weigh 1.",
        )

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.gamma, self.alpha = config.gamma, config.alpha

    def values(self, outputs: Array, targets: Array) -> Array:
        rest = self._rest(outputs, self._smooth(targets))
        return self._weights(targets) * rest**self.gamma * super().values(outputs, targets)

    def slopes(self, outputs: Array, targets: Array, out: Array) -> None:
        smooth = self._smooth(targets)
        rest = self._rest(outputs, smooth)
        super().slopes(outputs, targets, out)
        # d rest / dx = (1 - 2 z) p (1 - p); divided by rest, it has no pole at rest = 0.
        change = (1 - 2 * smooth) * sigmoid(outputs) * sigmoid(-outputs)
        change = np.divide(change, rest, out=np.zeros_like(rest), where=rest > 0)
        out += self.gamma * change * super().values(outputs, targets)
        out *= self._weights(targets) * rest**self.gamma

    def _rest(self, outputs: Array, targets: Array) -> Array:
        """Return 1 - p_z without cancellation."""
        rest: Array = targets * sigmoid(-outputs) + (1 - targets) * sigmoid(outputs)
        return rest

    def _weights(self, targets: Array) -> Array:
        if self.alpha is None:
            return np.ones_like(targets)
        weights: Array = (1 - self.alpha) + self._smooth(targets) * (2 * self.alpha - 1)
        return weights


class CategoricalFocalCrossEntropy(ClassRows):
    """Focal loss of classes: -sum_c alpha_c target_c (1 - p_c)^gamma log(p_c).

    p is softmax(logits). Outputs (N, ..., classes); targets are labels (N, ...) or probabilities
    (N, ..., classes). With gamma 0 and no alpha it is softmax_cross_entropy.
    """

    family = "classification"
    name = "categorical_focal_cross_entropy"

    class Config(ClassConfig):
        """Parameters of `categorical_focal_cross_entropy`."""

        gamma: float = Field(default=2.0, ge=0, description=GAMMA)
        alpha: (
            Annotated[float, Field(ge=0)]
            | Annotated[tuple[Annotated[float, Field(ge=0)], ...], Field(min_length=2)]
            | None
        ) = Field(
            default=None,
            description="Weight of each class, in their order, or one weight of all classes; null:"
            " all weigh 1.",
        )
        label_smoothing: float = Field(
            default=0.0,
            ge=0,
            lt=1,
            description="Share of each target that is spread evenly over all classes.",
        )

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.gamma, self.alpha = config.gamma, config.alpha
        self.label_smoothing = config.label_smoothing

    def compare(self, ctx: Context, rows: Array, targets: Array) -> tuple[Array, Array]:
        if self.label_smoothing:
            targets = targets * (1 - self.label_smoothing)
            targets += self.label_smoothing / rows.shape[1]
        if self.alpha is not None:
            targets = targets * np.asarray(self.alpha, rows.dtype)
        log_p = log_softmax(rows)
        p, rest = np.exp(log_p), -np.expm1(log_p)
        # log(p) / (1 - p) without a pole, down to the limit -1 at p = 1.
        ratio = np.divide(log_p, rest, out=np.full_like(log_p, -1), where=rest > 0)
        weighed = targets * rest**self.gamma
        losses = -np.sum(weighed * log_p, axis=1)
        slopes = weighed * (self.gamma * p * ratio - 1)
        others = slopes.sum(axis=1, keepdims=True) - slopes
        return losses, slopes * rest - p * others

    def check_shapes(self, out_shape: Shape, target_shape: Shape) -> None:
        super().check_shapes(out_shape, target_shape)
        if isinstance(self.alpha, tuple) and len(self.alpha) != out_shape[-1]:
            raise ShapeError(
                f"{self.name}: alpha has {len(self.alpha)} weights, but the output has"
                f" {out_shape[-1]} classes; give one weight for each class"
            )
