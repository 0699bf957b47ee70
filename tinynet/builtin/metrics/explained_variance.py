"""Explained variance."""

import numpy as np

from tinynet.builtin.metrics._moments import merge_moments, moments, start_moments
from tinynet.builtin.metrics._numbers import numbers
from tinynet.metric import MetricConfig, State
from tinynet.types import Array, Shape


class ExplainedVariance:
    """Explained variance: 1 - variance of (target - prediction) / variance of the target.

    Variances are taken over the split. Predictions (N, ...); targets the same, or without the
    predictions' last axis where that is 1. Of several outputs it is the mean of their figures.
    Unlike `r2`, it does not count a constant offset of the predictions as an error. An output whose
    target never varies, for which the figure is not defined, counts as 0.

    The state is the mean and the squared deviations of targets and errors, four numbers for each
    output, which merge exactly up to rounding.
    """

    family = "regression"
    greater_is_better = True

    Config = MetricConfig

    def __init__(self, config: MetricConfig) -> None:
        """Take a config that has no fields."""

    def start(self, out_shape: Shape) -> State:
        return start_moments((2, *out_shape))

    def update(self, state: State, predictions: Array, targets: Array) -> None:
        if not len(targets):
            return
        targets = numbers(predictions, targets).astype(np.float64)
        merge_moments(state, moments(np.stack([targets, targets - predictions], axis=1)))

    def merge(self, state: State, other: State) -> None:
        merge_moments(state, other)

    def result(self, state: State) -> float:
        deviation, residual = state["deviation"]
        varies = deviation > 0
        explained = 1 - residual / np.where(varies, deviation, 1)
        return float(np.where(varies, explained, 0).mean())
