"""The base of losses that compare outputs with targets elementwise."""

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
from tinynet.targets import Bad, first_bad, match_targets
from tinynet.types import Array, Shape


class Elementwise:
    """The mean over a sample's elements, summed over samples.

    L = sum_n weight_n * mean_e value(output_ne, target_ne).  Outputs (N, ...), targets of the same
    shape, or without the outputs' last axis where that is 1.  Each sample's loss has the outputs'
    dtype; the sum over samples is taken in float64.

    A weight of a position, (N, T), applies to all elements of the position. With ``average_over``
    "positions" the mean is taken over the elements of a position, and the sum over positions.

    A subclass gives `values` and `slopes`.
    """

    per_sample = True
    name: ClassVar[str]
    """The loss's name in a spec, for messages."""

    Config: ClassVar[type[PositionsConfig]] = PositionsConfig

    def __init__(self, config: PositionsConfig) -> None:
        self.counts_positions = config.average_over == "positions"

    def values(self, outputs: Array, targets: Array) -> Array:
        """Return the loss of each element."""
        raise NotImplementedError

    def slopes(self, outputs: Array, targets: Array, out: Array) -> None:
        """Write the derivative of each value with respect to its output into ``out``."""
        raise NotImplementedError

    def forward(
        self, ctx: Context, outputs: Array, targets: Array, weights: Array | None = None
    ) -> tuple[float, Any]:
        targets = match_targets(outputs, targets).astype(outputs.dtype, copy=False)
        values = self.values(outputs, targets)
        total = weighted_sum(values, weights, by_position=self.counts_positions)
        return total, (outputs, targets, weights) if ctx.keep else None

    def backward(self, ctx: Context, cache: Any) -> Array:
        outputs, targets, weights = cache
        gradient = ctx.empty(outputs.shape, outputs.dtype)
        self.slopes(outputs, targets, gradient)
        scale_gradient(gradient, outputs.shape, weights, by_position=self.counts_positions)
        return gradient

    def count(self, targets: Array, weights: Array | None) -> float:
        return count_positions(targets, weights)

    def predict(self, outputs: Array) -> Array:
        return outputs

    def check_shapes(self, out_shape: Shape, target_shape: Shape) -> None:
        if out_shape in (target_shape, (*target_shape, 1)):
            return
        units = target_shape[-1] if target_shape else 1
        remedy = (
            f"give the output a last axis of {units}, such as the units of a last dense layer"
            if out_shape[:-1] == target_shape[:-1]
            else f"end the network with outputs of shape {target_shape or (1,)}"
        )
        raise ShapeError(
            f"{self.name} needs outputs and targets of the same shape, but the output has the shape"
            f" {out_shape} and the target {target_shape}: {remedy}"
        )

    def bad_target(self, out_shape: Shape, targets: Array) -> Bad | None:
        return first_bad(targets, np.isfinite(targets), "a finite number")
