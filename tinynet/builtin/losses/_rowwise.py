"""The base of losses that compare rows: the last axis of outputs and targets."""

from typing import Any, ClassVar

import numpy as np

from tinynet.builtin.losses._positions import (
    PositionsConfig,
    count_positions,
    scale_gradient,
    weighted_sum,
)
from tinynet.errors import ShapeError
from tinynet.loss import Context
from tinynet.targets import Bad, bad_distribution, bad_label, first_bad
from tinynet.types import Array, Shape


class Rowwise:
    """The mean over a sample's rows, summed over samples.

    Outputs (N, ..., C), targets of the same shape; each sample has prod(...) rows.  A weight of a
    position, (N, T), applies to all rows of the position. With ``average_over`` "positions" the
    mean is taken over the rows of a position, and the sum over positions.

    A subclass gives `compare`.
    """

    per_sample = True
    name: ClassVar[str]
    """The loss's name in a spec, for messages."""

    Config: ClassVar[type[PositionsConfig]] = PositionsConfig

    def __init__(self, config: PositionsConfig) -> None:
        self.counts_positions = config.average_over == "positions"

    def compare(self, rows: Array, targets: Array) -> tuple[Array, Array]:
        """Return the loss of each row, (R,), and its gradient, (R, C).

        Args:
            rows: Rows of the outputs, (R, C).
            targets: Their targets, (R, C), in the same dtype.
        """
        raise NotImplementedError

    def forward(
        self, ctx: Context, outputs: Array, targets: Array, weights: Array | None = None
    ) -> tuple[float, Any]:
        self.check_shapes(outputs.shape[1:], targets.shape[1:])
        shape = outputs.shape[:-1]
        losses, gradient = self.compare(
            outputs.reshape(-1, outputs.shape[-1]), self._rows_of(outputs, targets)
        )
        total = weighted_sum(losses.reshape(shape), weights, by_position=self.counts_positions)
        if not ctx.keep:
            return total, None
        gradient = gradient.reshape(outputs.shape)
        scale_gradient(gradient, shape, weights, by_position=self.counts_positions)
        return total, gradient

    def backward(self, ctx: Context, cache: Any) -> Array:
        gradient: Array = cache
        return gradient

    def count(self, targets: Array, weights: Array | None) -> float:
        return count_positions(targets, weights)

    def predict(self, outputs: Array) -> Array:
        return outputs

    def check_shapes(self, out_shape: Shape, target_shape: Shape) -> None:
        if out_shape != target_shape or not out_shape:
            raise ShapeError(
                f"{self.name} needs outputs and targets of the same shape, with at least one axis,"
                f" but the output has the shape {out_shape} and the target {target_shape}: end the"
                f" network with outputs of shape {target_shape or (1,)}"
            )

    def bad_target(self, out_shape: Shape, targets: Array) -> Bad | None:
        return first_bad(targets, np.isfinite(targets), "a finite number")

    def _rows_of(self, outputs: Array, targets: Array) -> Array:
        """Return the target of each row of the outputs, (R, C)."""
        return targets.reshape(-1, outputs.shape[-1]).astype(outputs.dtype, copy=False)


class ClassRows(Rowwise):
    """The base of losses of classes: rows of scores, (N, ..., classes).

    Targets of one axis less, (N, ...), are labels, integers from 0 to classes - 1; `compare` gets
    them as one-hot rows. Targets of the outputs' shape are probabilities.
    """

    def check_shapes(self, out_shape: Shape, target_shape: Shape) -> None:
        if target_shape in (out_shape, out_shape[:-1]) and out_shape[-1:] > (1,):
            return
        raise ShapeError(
            f"{self.name} needs outputs (..., classes), of at least 2 classes, and targets that are"
            f" labels, (...), or probabilities, (..., classes); the output has the shape"
            f" {out_shape} and the target {target_shape}: set the last dense layer's units to the"
            " number of classes"
        )

    def max_classes(self, out_shape: Shape) -> int:
        return out_shape[-1] if out_shape else 1

    def bad_target(self, out_shape: Shape, targets: Array) -> Bad | None:
        if targets.ndim == len(out_shape):
            return bad_label(targets, out_shape[-1])
        return bad_distribution(targets)

    def _rows_of(self, outputs: Array, targets: Array) -> Array:
        if targets.ndim == outputs.ndim:
            return super()._rows_of(outputs, targets)
        labels = targets.reshape(-1, 1)
        one_hot: Array = (labels == np.arange(outputs.shape[-1])).astype(outputs.dtype)
        return one_hot
