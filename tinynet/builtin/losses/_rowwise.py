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
from tinynet.targets import Bad, first_bad
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
            outputs.reshape(-1, outputs.shape[-1]),
            targets.reshape(-1, outputs.shape[-1]).astype(outputs.dtype, copy=False),
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
        if not target_shape:
            raise ShapeError(
                f"{self.name} compares vectors, but the target of a sample is a single number: give"
                " targets that are vectors, (N, ..., D), and end the network with outputs of their"
                " shape; for single numbers use a loss such as mse"
            )
        if out_shape != target_shape:
            raise ShapeError(
                f"{self.name} needs outputs and targets of the same shape, but the output has the"
                f" shape {out_shape} and the target {target_shape}: end the network with outputs of"
                f" shape {target_shape}"
            )

    def bad_target(self, out_shape: Shape, targets: Array) -> Bad | None:
        return first_bad(targets, np.isfinite(targets), "a finite number")
