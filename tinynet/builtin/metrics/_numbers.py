"""The base of metrics of predicted numbers, and the functions that they share."""

from typing import ClassVar

import numpy as np

from tinynet.builtin.metrics._sums import Sums
from tinynet.errors import ShapeError
from tinynet.metric import State
from tinynet.targets import match_targets
from tinynet.types import Array, Shape


class MeanOfNumbers(Sums):
    """A figure that follows from the mean of a value of each element.

    The state is two numbers, the sum of the values in float64 and their count. A subclass
    implements `values`, and `of_mean` unless the figure is the mean itself.

    Predictions (N, ...); targets the same, or without the predictions' last axis where that is 1.
    """

    family = "regression"
    greater_is_better: ClassVar[bool] = False

    def values(self, predictions: Array, targets: Array) -> Array:
        """Return the value of each element, (N, ...), of two arrays of that shape in float64."""
        raise NotImplementedError

    def of_mean(self, mean: float) -> float:
        """Return the figure of the mean value of at least one element."""
        return mean

    def start(self, out_shape: Shape) -> State:
        return {"sum": np.zeros((), np.float64), "count": np.zeros((), np.int64)}

    def update(self, state: State, predictions: Array, targets: Array) -> None:
        targets = numbers(predictions, targets).astype(np.float64, copy=False)
        values = self.values(predictions.astype(np.float64, copy=False), targets)
        state["sum"] += values.sum()
        state["count"] += values.size

    def result(self, state: State) -> float:
        count = int(state["count"])
        return self.of_mean(float(state["sum"]) / count) if count else 0.0


def numbers(predictions: Array, targets: Array) -> Array:
    """Return the targets in the shape of the predictions.

    Raises:
        ShapeError: if they have another one.
    """
    try:
        return match_targets(predictions, targets)
    except ShapeError as error:
        hint = 'the metric compares numbers; for classes use "accuracy" or "f1"'
        raise ShapeError(f"{error}; {hint}") from error
