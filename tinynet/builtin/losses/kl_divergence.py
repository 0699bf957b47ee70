"""The divergence of predicted from given probabilities."""

import numpy as np

from tinynet.builtin.losses._rowwise import Rowwise
from tinynet.errors import ShapeError
from tinynet.functional import log_softmax, softmax
from tinynet.loss import OnnxGraph
from tinynet.targets import Bad, bad_distribution
from tinynet.types import Array, Shape


class KLDivergence(Rowwise):
    """KL divergence of targets from logits: sum_c target_c log(target_c / softmax_c).

    softmax is that of the logits, and 0 log(0) is 0. Outputs (N, ..., classes), targets (N, ...,
    classes): probabilities. It has the gradient of softmax_cross_entropy, but is 0 where the
    predictions are the targets.

    Source: Kullback and Leibler, "On Information and Sufficiency", 1951.
    """

    family = "classification"
    name = "kl_divergence"

    def compare(self, rows: Array, targets: Array) -> tuple[Array, Array]:
        log_p = log_softmax(rows)
        log_targets = np.log(np.where(targets > 0, targets, 1))
        losses: Array = np.sum(targets * (log_targets - log_p), axis=1)
        gradient = np.exp(log_p) * targets.sum(axis=1, keepdims=True) - targets
        return losses, gradient

    def predict(self, outputs: Array) -> Array:
        """Probabilities of the classes, in the shape of ``outputs``."""
        return softmax(outputs)

    def check_shapes(self, out_shape: Shape, target_shape: Shape) -> None:
        if out_shape != target_shape or out_shape[-1:] <= (1,):
            raise ShapeError(
                "kl_divergence needs probabilities as targets, in the shape of the output, with at"
                f" least 2 classes; the output has the shape {out_shape} and the target"
                f" {target_shape} (for labels use softmax_cross_entropy)"
            )

    def bad_target(self, out_shape: Shape, targets: Array) -> Bad | None:
        return bad_distribution(targets)

    def to_onnx(self, graph: OnnxGraph, outputs: str) -> str:
        return graph.node("Softmax", outputs, axis=-1)
