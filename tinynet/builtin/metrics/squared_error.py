"""Figures of the mean squared error."""

import math

import numpy as np
from pydantic import Field

from tinynet.builtin.metrics._numbers import MeanOfNumbers
from tinynet.metric import MetricConfig
from tinynet.types import Array


class MSE(MeanOfNumbers):
    """Mean squared error: mean (prediction - target)^2.

    The mean is taken over all elements of the split. Predictions (N, ...); targets the same, or
    without the predictions' last axis where that is 1. The state is a sum and a count, so that the
    figure does not depend on the batches.
    """

    def values(self, predictions: Array, targets: Array) -> Array:
        squares: Array = np.square(predictions - targets)
        return squares


class RMSE(MSE):
    """Root mean squared error, in the targets' unit.

    The mean is taken over all elements of the split. Predictions and targets as for `mse`. It is
    the root of one mean over all outputs, not the mean of each output's root.
    """

    def of_mean(self, mean: float) -> float:
        return math.sqrt(mean)


class PSNR(MSE):
    """Peak signal-to-noise ratio in decibels: 10 log10(max_val^2 / mean squared error).

    Predictions and targets as for `mse`. The mean is over all elements of the split, not the mean
    of each image's ratio, which no image that is predicted perfectly would leave finite. A mean
    squared error of 0 counts as the smallest normal number of float64.
    """

    family = "images"
    greater_is_better = True

    class Config(MetricConfig):
        """Parameters of `psnr`."""

        max_val: float = Field(
            default=1.0,
            gt=0,
            description="Difference of the largest and the least possible value.",
        )

    def __init__(self, config: Config) -> None:
        self.max_val = config.max_val

    def of_mean(self, mean: float) -> float:
        smallest = float(np.finfo(np.float64).tiny)
        return 20 * math.log10(self.max_val) - 10 * math.log10(max(mean, smallest))
