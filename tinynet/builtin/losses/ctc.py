"""Connectionist temporal classification: labels without alignment."""

from typing import Any

import numpy as np
from pydantic import Field

from tinynet.builtin.losses._positions import require_sample_weights
from tinynet.errors import ShapeError
from tinynet.functional import softmax
from tinynet.loss import (
    Context,
    LossConfig,
    OnnxGraph,
)
from tinynet.targets import Bad
from tinynet.types import Array, Shape


class CTC:
    """Connectionist temporal classification: -log p(labels | logits), over all alignments.

    The probability of a label sequence is summed over its alignments. Outputs (N, T, classes) are
    logits of each time step. Targets (N, L) are labels, padded at the end with ``padding_value``.
    An alignment has a class for each time step; equal neighbors count once, and the class ``blank``
    stands for no label. The sum over samples is taken in float64.

    Source: Graves et al., "Connectionist Temporal Classification", 2006.
    """

    family = "sequences"
    per_sample = True

    class Config(LossConfig):
        """Parameters of `ctc`."""

        blank: int = Field(default=0, ge=0, description="The class that stands for no label.")
        padding_value: int = Field(
            default=-1, description="The number that follows the labels of a shorter target."
        )

    def __init__(self, config: Config) -> None:
        self.blank = config.blank
        self.padding_value = config.padding_value

    def forward(
        self, ctx: Context, outputs: Array, targets: Array, weights: Array | None = None
    ) -> tuple[float, Any]:
        self.check_shapes(outputs.shape[1:], targets.shape[1:])
        require_sample_weights("ctc", weights)
        labels, lengths = self._labels(targets)
        losses, gradient = ctx.kernels.ctc(
            outputs, labels, lengths, self.blank, ctx.empty, ctx.keep
        )
        if weights is not None:
            losses = losses * weights
            if gradient is not None:
                gradient *= weights[:, None, None]
        return float(losses.sum(dtype=np.float64)), gradient

    def backward(self, ctx: Context, cache: Any) -> Array:
        gradient: Array = cache
        return gradient

    def predict(self, outputs: Array) -> Array:
        """Probabilities of the classes at each time step, in the shape of ``outputs``."""
        return softmax(outputs, axis=-1)

    def check_shapes(self, out_shape: Shape, target_shape: Shape) -> None:
        if len(out_shape) != 2 or out_shape[1] < 2 or len(target_shape) != 1:
            raise ShapeError(
                "ctc needs outputs of shape (time steps, classes), with at least 2 classes, and"
                f" targets of shape (labels,), padded with {self.padding_value}; the output has the"
                f" shape {out_shape} and the target {target_shape}"
            )
        if self.blank >= out_shape[1]:
            raise ShapeError(
                f"ctc: blank {self.blank} is not one of the {out_shape[1]} classes of the output;"
                f' set "blank" to a number from 0 to {out_shape[1] - 1}, or add units to the last'
                " dense layer"
            )

    def bad_target(self, out_shape: Shape, targets: Array) -> Bad | None:
        steps, classes = out_shape
        padding = targets == self.padding_value
        labels, lengths = self._labels(targets)
        repeats = np.count_nonzero((labels[:, 1:] == labels[:, :-1]) & ~padding[:, 1:], axis=1)
        wrong = ~padding & ~self._is_label(targets, classes)
        early = padding[:, :-1] & ~padding[:, 1:]
        bad = wrong.any(axis=1) | early.any(axis=1) | (lengths + repeats > steps)
        if not bad.any():
            return None
        row = int(np.argmax(bad))
        if wrong[row].any():
            value = str(targets[row, np.argmax(wrong[row])]).removesuffix(".0")
            return row, (
                f"{value} is not an integer label from 0 to {classes - 1} other than the blank"
                f" {self.blank}, nor the padding {self.padding_value}"
            )
        if early[row].any():
            return row, f"a label follows the padding {self.padding_value}, which must come last"
        separated = f", and {repeats[row]} between equal neighbors" if repeats[row] else ""
        return row, (
            f"its labels need {lengths[row] + repeats[row]} time steps (one for each of"
            f" {lengths[row]} labels{separated}), but the output has {steps}"
        )

    def _labels(self, targets: Array) -> tuple[Array, Array]:
        """Return the labels as indices, with blanks for padding, and the length of each target."""
        padding = targets == self.padding_value
        with np.errstate(invalid="ignore"):  # NaN, which `bad_target` reports
            labels = np.where(padding, self.blank, targets).astype(np.intp)
        return labels, np.count_nonzero(~padding, axis=1)

    def _is_label(self, targets: Array, classes: int) -> Array:
        is_label: Array = (targets >= 0) & (targets < classes) & (targets != self.blank)
        if targets.dtype.kind == "f":
            is_label &= np.floor(targets) == targets
        return is_label

    def to_onnx(self, graph: OnnxGraph, outputs: str) -> str:
        return graph.node("Softmax", outputs, axis=-1)
