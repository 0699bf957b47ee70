"""Figures of predicted numbers."""

import numpy as np

from tinynet.builtin.metrics._sums import Sums
from tinynet.errors import ShapeError
from tinynet.metric import MetricConfig, State
from tinynet.targets import match_targets
from tinynet.types import Array, Shape


class MAE(Sums):
    """Mean absolute error, in the targets' unit: mean |prediction - target| over all elements.

    Predictions (N, ...); targets the same, or without the predictions' last axis where that is 1.
    """

    greater_is_better = False

    def start(self, out_shape: Shape) -> State:
        return {"error": np.zeros((), np.float64), "count": np.zeros((), np.int64)}

    def update(self, state: State, predictions: Array, targets: Array) -> None:
        errors = np.subtract(predictions, _numbers(predictions, targets), dtype=np.float64)
        state["error"] += np.abs(errors).sum()
        state["count"] += errors.size

    def result(self, state: State) -> float:
        return float(state["error"]) / max(int(state["count"]), 1)


class R2:
    """Coefficient of determination: 1 - sum (target - prediction)^2 / sum (target - mean)^2.

    Predictions and targets as for `mae`; of several outputs the mean of their figures. An output
    whose target never varies, for which the figure is not defined, counts as 0.

    Batches are merged by their means and squared deviations, so that a large offset of the
    targets does not cancel digits: Chan, Golub and LeVeque, "Updating Formulae and a Pairwise
    Algorithm for Computing Sample Variances", 1979.
    """

    greater_is_better = True

    Config = MetricConfig

    def __init__(self, config: MetricConfig) -> None:
        """Take a config that has no fields."""

    def start(self, out_shape: Shape) -> State:
        return {
            "count": np.zeros((), np.int64),
            "mean": np.zeros(out_shape, np.float64),
            "deviation": np.zeros(out_shape, np.float64),
            "residual": np.zeros(out_shape, np.float64),
        }

    def update(self, state: State, predictions: Array, targets: Array) -> None:
        if not len(targets):
            return
        targets = _numbers(predictions, targets).astype(np.float64)
        # Distances from the first target: those of a target that never varies are exactly 0.
        distances = targets - targets[0]
        mean = distances.mean(axis=0)
        batch = {
            "count": np.array(len(targets)),
            "mean": targets[0] + mean,
            "deviation": np.square(distances - mean).sum(axis=0),
            "residual": np.square(targets - predictions).sum(axis=0),
        }
        self.merge(state, batch)

    def merge(self, state: State, other: State) -> None:
        count = state["count"] + other["count"]
        if not count:
            return
        share = other["count"] / count
        distance = other["mean"] - state["mean"]
        state["deviation"] += other["deviation"] + distance**2 * share * state["count"]
        state["residual"] += other["residual"]
        state["mean"] += distance * share
        state["count"] += other["count"]

    def result(self, state: State) -> float:
        deviation, residual = state["deviation"], state["residual"]
        varies = deviation > 0
        explained = 1 - residual / np.where(varies, deviation, 1)
        return float(np.where(varies, explained, 0).mean())


def _numbers(predictions: Array, targets: Array) -> Array:
    """Return the targets in the shape of the predictions."""
    try:
        return match_targets(predictions, targets)
    except ShapeError as error:
        hint = 'the metric compares numbers; for classes use "accuracy" or "f1"'
        raise ShapeError(f"{error}; {hint}") from error
