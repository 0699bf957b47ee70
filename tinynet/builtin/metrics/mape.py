"""Mean absolute percentage error."""

import numpy as np
from pydantic import Field

from tinynet.builtin.metrics._numbers import MeanOfNumbers
from tinynet.metric import MetricConfig
from tinynet.types import Array


class MAPE(MeanOfNumbers):
    """Mean absolute percentage error: mean 100 |prediction - target| / max(|target|, epsilon).

    The mean is taken over all elements of the split. Predictions (N, ...); targets the same, or
    without the predictions' last axis where that is 1. The state is a sum and a count, so that the
    figure does not depend on the batches.
    """

    class Config(MetricConfig):
        """Parameters of `mape`."""

        epsilon: float = Field(
            default=1e-7, gt=0, description="Least size of a target that errors are divided by."
        )

    def __init__(self, config: Config) -> None:
        self.epsilon = config.epsilon

    def values(self, predictions: Array, targets: Array) -> Array:
        sizes = np.maximum(np.abs(targets), self.epsilon)
        values: Array = 100 * np.abs(predictions - targets) / sizes
        return values
