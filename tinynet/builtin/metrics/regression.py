"""Figures of predicted numbers."""

import numpy as np

from tinynet.builtin.metrics._moments import merge_moments, moments, start_moments
from tinynet.builtin.metrics._numbers import numbers
from tinynet.builtin.metrics._sums import Sums
from tinynet.metric import MetricConfig, State
from tinynet.types import Array, Shape


class MAE(Sums):
    """Mean absolute error, in the targets' unit: mean |prediction - target| over all elements.

    Predictions (N, ...); targets the same, or without the predictions' last axis where that is 1.
    """

    family = "regression"
    greater_is_better = False

    def start(self, out_shape: Shape) -> State:
        return {"error": np.zeros((), np.float64), "count": np.zeros((), np.int64)}

    def update(self, state: State, predictions: Array, targets: Array) -> None:
        errors = np.subtract(predictions, numbers(predictions, targets), dtype=np.float64)
        state["error"] += np.abs(errors).sum()
        state["count"] += errors.size

    def result(self, state: State) -> float:
        return float(state["error"]) / max(int(state["count"]), 1)


class R2:
    """Coefficient of determination: 1 - sum (target - prediction)^2 / sum (target - mean)^2.

    Predictions and targets as for `mae`; of several outputs the mean of their figures. An output
    whose target never varies, for which the figure is not defined, counts as 0.
    """

    family = "regression"
    greater_is_better = True

    Config = MetricConfig

    def __init__(self, config: MetricConfig) -> None:
        """Take a config that has no fields."""

    def start(self, out_shape: Shape) -> State:
        return start_moments(out_shape) | {"residual": np.zeros(out_shape, np.float64)}

    def update(self, state: State, predictions: Array, targets: Array) -> None:
        if not len(targets):
            return
        targets = numbers(predictions, targets).astype(np.float64)
        residual = np.square(targets - predictions).sum(axis=0)
        self.merge(state, moments(targets) | {"residual": residual})

    def merge(self, state: State, other: State) -> None:
        merge_moments(state, other)
        state["residual"] += other["residual"]

    def result(self, state: State) -> float:
        deviation, residual = state["deviation"], state["residual"]
        varies = deviation > 0
        explained = 1 - residual / np.where(varies, deviation, 1)
        return float(np.where(varies, explained, 0).mean())
