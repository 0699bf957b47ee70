"""The negative log-likelihood of normal distributions with predicted variances."""

import math
from typing import Any

import numpy as np
from pydantic import Field

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


class GaussianNLL:
    """Negative log-likelihood of normal targets: (log(v) + (target - mean)^2 / v) / 2.

    v is max(variance, epsilon). A loss of two outputs, ``"mean+variance"``, each (N, ...); targets
    (N, ...), the mean over a sample's elements. The variance should be positive, as softplus or
    exponential makes it. The gradient of a variance below ``epsilon`` is that of ``epsilon``, so
    that it can grow.

    Source: Nix and Weigend, "Estimating the Mean and Variance of the Target Probability
    Distribution", 1994.
    """

    family = "regression"
    per_sample = True
    output_count = 2
    examples = (
        {
            "out_shape": [[2], [2]],
            "targets": [[0.0, 1.5], [-2.0, 1.0]],
            "outputs": [[[0.5, -1.2], [0.3, 2.0]], [[0.7, 0.1], [1.5, 2.5]]],
        },
    )

    class Config(PositionsConfig):
        """Parameters of `gaussian_nll`."""

        full: bool = Field(
            default=False,
            description="Add log(2 pi) / 2, which has no gradient, for the exact log-likelihood.",
        )
        epsilon: float = Field(default=1e-6, gt=0, description="Least variance.")

    def __init__(self, config: Config) -> None:
        self.counts_positions = config.average_over == "positions"
        self.epsilon, self.constant = config.epsilon, math.log(2 * math.pi) * config.full

    def forward(
        self,
        ctx: Context,
        outputs: tuple[Array, Array],
        targets: Array,
        weights: Array | None = None,
    ) -> tuple[float, Any]:
        mean, variance = outputs
        self.check_shapes((mean.shape[1:], variance.shape[1:]), targets.shape[1:])
        residual = mean - match_targets(mean, targets).astype(mean.dtype, copy=False)
        variance = np.maximum(variance, self.epsilon)
        ratio = np.square(residual) / variance
        values = (np.log(variance) + ratio + self.constant) / 2
        total = weighted_sum(values, weights, by_position=self.counts_positions)
        if not ctx.keep:
            return total, None
        gradients = residual / variance, (1 - ratio) / (2 * variance)
        for gradient in gradients:
            scale_gradient(gradient, mean.shape, weights, by_position=self.counts_positions)
        return total, gradients

    def backward(self, ctx: Context, cache: Any) -> tuple[Array, Array]:
        gradients: tuple[Array, Array] = cache
        return gradients

    def count(self, targets: Array, weights: Array | None) -> float:
        return count_positions(targets, weights)

    def check_shapes(self, out_shape: tuple[Shape, ...], target_shape: Shape) -> None:
        mean, variance = out_shape
        if mean != variance or mean not in (target_shape, (*target_shape, 1)):
            raise ShapeError(
                "gaussian_nll needs two outputs of the target's shape; the mean has the shape"
                f" {mean}, the variance {variance} and the target {target_shape}"
            )

    def bad_target(self, out_shape: tuple[Shape, ...], targets: Array) -> Bad | None:
        return first_bad(targets, np.isfinite(targets), "a finite number")
