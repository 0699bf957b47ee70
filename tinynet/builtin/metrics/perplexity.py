"""Perplexity: the uncertainty of predicted probabilities about the true classes."""

import math

import numpy as np

from tinynet.builtin.metrics._classes import ClassMetricConfig, counted_rows, is_binary
from tinynet.builtin.metrics._sums import Sums
from tinynet.errors import ShapeError
from tinynet.metric import State
from tinynet.types import Array, Shape


class Perplexity(Sums):
    """Perplexity: exp of the mean cross-entropy, -log p(true class).

    The mean is taken over all positions. Predictions are probabilities (N, ..., classes); targets
    as for `accuracy`. A uniform guess among k classes has the perplexity k. A probability of 0
    counts as the smallest normal number of its dtype, so that the figure is finite.
    """

    family = "classification"
    greater_is_better = False

    class Config(ClassMetricConfig):
        """Parameters of `perplexity`."""

    def __init__(self, config: Config) -> None:
        self.ignore_label = config.ignore_label

    def start(self, out_shape: Shape) -> State:
        if is_binary(out_shape):
            raise ShapeError(
                "perplexity needs probabilities of at least 2 classes, but predictions have the"
                f' shape {out_shape}: use "accuracy"'
            )
        return {"cross_entropy": np.zeros((), np.float64), "count": np.zeros((), np.int64)}

    def update(self, state: State, predictions: Array, targets: Array) -> None:
        rows, labels = counted_rows(predictions, targets, self.ignore_label)
        smallest = np.finfo(rows.dtype).tiny
        probabilities = np.maximum(rows[np.arange(len(rows)), labels], smallest)
        state["cross_entropy"] -= np.log(probabilities, dtype=np.float64).sum()
        state["count"] += len(rows)

    def result(self, state: State) -> float:
        count = int(state["count"])
        return math.exp(float(state["cross_entropy"]) / count) if count else 0.0
