"""Cross-entropy of one class out of several, on logits."""

import numpy as np
from pydantic import Field

from tinynet.builtin.losses._class_rows import ClassConfig, ClassRows
from tinynet.loss import Context
from tinynet.types import Array, Shape


class SoftmaxCrossEntropy(ClassRows):
    """Cross-entropy of logits and classes: -sum_c target_c log(softmax(logits)_c).

    Outputs (N, ..., classes). Targets of one axis less, (N, ...), are labels, integers from 0 to
    classes - 1; targets of the outputs' shape are probabilities (one-hot rows, for example). A
    sample's loss is the mean over its positions, in the outputs' dtype; the sum over samples is
    taken in float64.

    Positions whose label is ``ignore_label`` count nowhere: not in the loss, not in the gradient,
    and not in the number of positions that a mean is divided by.

    Label smoothing s replaces each target by (1 - s) target + s / classes (Szegedy et al.,
    "Rethinking the Inception Architecture for Computer Vision", 2016).
    """

    family = "classification"
    name = "softmax_cross_entropy"

    class Config(ClassConfig):
        """Parameters of `softmax_cross_entropy`."""

        label_smoothing: float = Field(
            default=0.0,
            ge=0,
            lt=1,
            description="Share of each target that is spread evenly over all classes.",
        )

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.label_smoothing = config.label_smoothing

    def compare_labels(self, ctx: Context, rows: Array, labels: Array) -> tuple[Array, Array]:
        losses, gradient = ctx.kernels.softmax_cross_entropy(
            rows, labels, self.label_smoothing, ctx.empty
        )
        return losses, gradient

    def replayed_targets(self, outputs: Shape, targets: Array) -> Array | None:
        if self.ignore_label is not None or len(outputs) != 2 or targets.shape != outputs[:1]:
            return None
        labels = targets.astype(np.int64, copy=False)
        # As numbers without a sign, those below 0 are the largest.
        return labels if np.maximum.reduce(labels.view(np.uint64), initial=0) < outputs[1] else None

    def losses_and_gradient(
        self, ctx: Context, outputs: Array, targets: Array
    ) -> tuple[Array, Array]:
        return self.compare_labels(ctx, outputs, targets)

    def compare(self, ctx: Context, rows: Array, targets: Array) -> tuple[Array, Array]:
        if self.label_smoothing:
            targets = targets * (1 - self.label_smoothing)
            targets += self.label_smoothing / rows.shape[1]
        shifted = rows - rows.max(axis=1, keepdims=True)
        gradient = np.exp(shifted, out=ctx.empty(rows.shape, rows.dtype))
        total = gradient.sum(axis=1, keepdims=True)
        losses: Array = np.sum(targets * (np.log(total) - shifted), axis=1)
        gradient *= targets.sum(axis=1, keepdims=True) / total
        gradient -= targets
        return losses, gradient
