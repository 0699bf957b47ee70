"""The distance of normal distributions from the standard normal one, as in autoencoders."""

from typing import Any

import numpy as np

from tinynet.builtin.losses._positions import check_weights, expand
from tinynet.errors import ShapeError
from tinynet.loss import Context, LossConfig
from tinynet.targets import Bad
from tinynet.types import Array, Shape


class StandardNormalKL:
    """KL divergence of N(mean, exp(log_variance)) from N(0, 1), summed over a sample.

    L = sum (mean^2 + exp(log_variance) - 1 - log_variance) / 2.  A loss of two outputs,
    ``"mean+log_variance"``, each (N, ...), without a target. The sum over samples is taken in
    float64.

    Source: Kingma and Welling, "Auto-Encoding Variational Bayes", 2014.
    """

    family = "regularization"
    per_sample = True
    output_count = 2
    takes_target = False
    Config = LossConfig

    # Moderate numbers: the exponential of a log_variance of 10,000 is infinite.
    examples = (
        {
            "out_shape": [[2], [2]],
            "outputs": [[[0.5, -1.2], [0.3, 2.0]], [[-0.7, 0.1], [1.5, -2.5]]],
        },
    )

    def __init__(self, config: LossConfig) -> None:
        """Take a config that has no fields."""

    def forward(
        self,
        ctx: Context,
        outputs: tuple[Array, Array],
        targets: None = None,
        weights: Array | None = None,
    ) -> tuple[float, Any]:
        mean, log_variance = outputs
        self.check_shapes((mean.shape[1:], log_variance.shape[1:]))
        excess = np.expm1(log_variance)
        values = (np.square(mean) + excess - log_variance) / 2
        d_mean, d_log_variance = mean, excess / 2
        if weights is not None:
            check_weights(weights, values.shape)
            factors = expand(weights, values.ndim)
            values, d_mean, d_log_variance = (
                values * factors,
                mean * factors,
                d_log_variance * factors,
            )
        losses = values.sum(axis=tuple(range(1, values.ndim)))
        return float(losses.sum(dtype=np.float64)), (d_mean, d_log_variance) if ctx.keep else None

    def backward(self, ctx: Context, cache: Any) -> tuple[Array, Array]:
        gradients: tuple[Array, Array] = cache
        return gradients

    def check_shapes(self, out_shape: tuple[Shape, ...], target_shape: Shape | None = None) -> None:
        mean, log_variance = out_shape
        if mean != log_variance:
            raise ShapeError(
                "standard_normal_kl needs two outputs of one shape; the mean has the shape"
                f" {mean} and the log_variance {log_variance}"
            )

    def bad_target(self, out_shape: tuple[Shape, ...], targets: Array) -> Bad | None:
        return None
