"""Spearman's rank correlation."""

import math

import numpy as np
from pydantic import Field

from tinynet.builtin.metrics._numbers import numbers
from tinynet.errors import DataError
from tinynet.metric import MetricConfig, State
from tinynet.types import Array, Shape


class Spearman:
    """Rank correlation of predictions and targets, from -1 to 1.

    It is the correlation of their ranks; equal values share a rank. Predictions (N, ...); targets
    the same, or without the predictions' last axis where that is 1. Of several outputs it is the
    mean of their figures. An output whose predictions or targets are all equal, or hold NaN, counts
    as 0.

    Ranks need every value of the split, so the state holds them: ``16 max_samples`` bytes for each
    output, reserved at the start. The figure is exact up to that number of samples; one more is an
    error.

    Source: Spearman, "The Proof and Measurement of Association between Two Things", 1904.
    """

    family = "regression"
    greater_is_better = True

    class Config(MetricConfig):
        """Parameters of `spearman`."""

        max_samples: int = Field(
            default=65536,
            ge=1,
            description="Largest number of samples of a split, for which memory is reserved.",
        )

    def __init__(self, config: Config) -> None:
        self.max_samples = config.max_samples

    def start(self, out_shape: Shape) -> State:
        shape = (self.max_samples, *out_shape)
        return {
            "count": np.zeros((), np.int64),
            "predictions": np.zeros(shape, np.float64),
            "targets": np.zeros(shape, np.float64),
        }

    def update(self, state: State, predictions: Array, targets: Array) -> None:
        self._append(state, predictions, numbers(predictions, targets))

    def merge(self, state: State, other: State) -> None:
        count = int(other["count"])
        self._append(state, other["predictions"][:count], other["targets"][:count])

    def result(self, state: State) -> float:
        count = int(state["count"])
        if not count:
            return 0.0
        predictions, targets = (
            state[name][:count].reshape(count, -1).T for name in ("predictions", "targets")
        )
        pairs = zip(predictions, targets, strict=True)
        return float(np.mean([_correlation(p, t) for p, t in pairs]))

    def _append(self, state: State, predictions: Array, targets: Array) -> None:
        start = int(state["count"])
        stop = start + len(targets)
        if stop > self.max_samples:
            raise DataError(
                f"spearman holds {self.max_samples} samples, and the split has at least {stop};"
                f' set "max_samples" to the size of the largest split'
            )
        state["predictions"][start:stop] = predictions
        state["targets"][start:stop] = targets
        state["count"] += len(targets)


def _correlation(predictions: Array, targets: Array) -> float:
    """Return the correlation of the ranks of two arrays (N,), or 0 where it is not defined."""
    if np.isnan(predictions).any() or np.isnan(targets).any():
        return 0.0
    x, y = _centered_ranks(predictions), _centered_ranks(targets)
    spread = math.sqrt(float(x @ x) * float(y @ y))
    return float(x @ y) / spread if spread else 0.0


def _centered_ranks(values: Array) -> Array:
    """Return ranks of mean 0, in steps of 2, where equal values have the mean of their ranks."""
    _, group, sizes = np.unique(values, return_inverse=True, return_counts=True)
    below = sizes.cumsum() - sizes
    ranks: Array = (2 * below + sizes - len(values)).astype(np.float64)[group]
    return ranks
