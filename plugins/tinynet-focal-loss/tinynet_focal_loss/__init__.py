"""The focal loss: a loss for tinynet that calls itself ``focal_loss``."""

import math
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from tinynet.functional import softmax
from tinynet.loss import Array, Context, LossConfig, OnnxGraph, Shape, ShapeError
from tinynet.targets import Bad, bad_label


class FocalLoss:
    """Cross-entropy that counts less what is classified well already.

        L = -alpha_t (1 - p_t)^gamma log(p_t),    p = softmax(logits), t the label

    Outputs (N, ..., classes), targets (N, ...): labels, integers from 0 to classes - 1. A sample's
    loss is the mean over its positions. With gamma 0 and no alpha it is softmax_cross_entropy.

    Source: Lin et al., "Focal Loss for Dense Object Detection", 2017, there for two classes.
    """

    per_sample = True
    examples: tuple[dict[str, Any], ...] = (
        {"options": {}, "out_shape": [3], "targets": [2, 0, 1, 2]},
        {
            "options": {"gamma": 0.5, "alpha": [1.0, 0.0, 2.5]},
            "out_shape": [2, 3],
            "targets": [[2, 0], [1, 1], [0, 2]],
        },
    )

    class Config(LossConfig):
        """Parameters of `focal_loss`."""

        gamma: float = Field(
            default=2.0,
            ge=0,
            description="Discount of samples of high probability; 0 for none.",
        )
        alpha: tuple[Annotated[float, Field(ge=0)], ...] | None = Field(
            default=None,
            min_length=2,
            description="Weight of each label, in the order of the classes; by default all 1.",
        )

    def __init__(self, config: Config) -> None:
        self._gamma, self._alpha = config.gamma, config.alpha

    def forward(
        self, ctx: Context, outputs: Array, targets: Array, weights: Array | None = None
    ) -> tuple[float, Any]:
        self.check_shapes(outputs.shape[1:], targets.shape[1:])
        logits = outputs.reshape(-1, outputs.shape[-1])
        labels = targets.reshape(-1).astype(np.intp, copy=False)
        scale = self._scale(logits, labels, outputs.shape[1:-1], weights)
        losses, gradient = self._of_rows(logits, labels)
        gradient *= scale[:, None]
        value = float((losses * scale).sum(dtype=np.float64))
        return value, gradient.reshape(outputs.shape) if ctx.keep else None

    def backward(self, ctx: Context, cache: Any) -> Array:
        gradient: Array = cache
        return gradient

    def predict(self, outputs: Array) -> Array:
        """Probabilities of the classes, in the shape of ``outputs``."""
        return softmax(outputs)

    def to_onnx(self, graph: OnnxGraph, outputs: str) -> str:
        return graph.node("Softmax", outputs, axis=-1)

    def check_shapes(self, out_shape: Shape, target_shape: Shape) -> None:
        if out_shape[:-1] != target_shape or out_shape[-1:] <= (1,):
            raise ShapeError(
                "focal_loss needs outputs (..., classes) and integer labels (...); the network"
                f" gives {out_shape} and the targets are {target_shape}: give the output"
                " a last axis of the number of classes"
            )
        if self._alpha is not None and len(self._alpha) != out_shape[-1]:
            raise ShapeError(
                f"focal_loss: alpha has {len(self._alpha)} weights and there are {out_shape[-1]}"
                " classes; give one weight for each class"
            )

    def max_classes(self, out_shape: Shape) -> int:
        return out_shape[-1]

    def bad_target(self, out_shape: Shape, targets: Array) -> Bad | None:
        return bad_label(targets, out_shape[-1])

    def _of_rows(self, logits: Array, labels: Array) -> tuple[Array, Array]:
        """Loss of each row (R,), and its gradient (R, classes), without alpha."""
        at_label = np.arange(len(labels)), labels
        shifted = logits - logits.max(axis=1, keepdims=True)
        gradient = np.exp(shifted)
        total = gradient.sum(axis=1, keepdims=True)
        gradient /= total
        log_p = shifted[at_label] - np.log(total[:, 0])
        # 1 - p and log(p) / (1 - p) without cancellation, down to the limit -1 at p = 1.
        rest = -np.expm1(log_p)
        ratio = np.divide(log_p, rest, out=np.full_like(log_p, -1), where=rest > 0)
        discount = rest**self._gamma
        slope = discount * (1 - self._gamma * gradient[at_label] * ratio)
        gradient[at_label] = -rest
        gradient *= slope[:, None]
        return -discount * log_p, gradient

    def _scale(
        self, logits: Array, labels: Array, positions: Shape, weights: Array | None
    ) -> Array:
        """Return the weight of the loss of each row, (R,)."""
        alpha = np.ones(logits.shape[1]) if self._alpha is None else np.asarray(self._alpha)
        scale: Array = alpha[labels] / math.prod(positions)
        if weights is not None:
            scale *= np.repeat(weights, len(labels) // weights.size)  # of samples, or positions
        return scale.astype(logits.dtype)
