"""The mean negative logarithm of the probability of the true class."""

import numpy as np

from tinynet.builtin.metrics._classes import ClassMetricConfig, counted_rows, is_binary
from tinynet.builtin.metrics._labels import counted_labels
from tinynet.builtin.metrics._sums import Sums
from tinynet.metric import State
from tinynet.types import Array, Shape


class LogLoss(Sums):
    """Mean cross-entropy, -log p(true class), over all positions.

    It is the logarithm of `perplexity`. Predictions and targets as for `accuracy`. Unlike the loss,
    it has neither weights nor label smoothing. A probability of 0 counts as the smallest normal
    number of its dtype, so that the figure is finite. The state is a sum in float64 and a count, so
    that the figure does not depend on the batches.
    """

    family = "classification"
    greater_is_better = False

    Config = ClassMetricConfig

    def __init__(self, config: ClassMetricConfig) -> None:
        self.ignore_label = config.ignore_label

    def start(self, out_shape: Shape) -> State:
        return {"sum": np.zeros((), np.float64), "count": np.zeros((), np.int64)}

    def update(self, state: State, predictions: Array, targets: Array) -> None:
        if is_binary(predictions.shape[1:]):
            scores, positive, counted = counted_labels(predictions, targets, self.ignore_label)
            own = np.where(positive, scores, 1 - scores)[counted]
        else:
            rows, labels = counted_rows(predictions, targets, self.ignore_label)
            own = rows[np.arange(len(rows)), labels]
        probabilities = np.maximum(own, np.finfo(own.dtype).tiny)
        state["sum"] -= np.log(probabilities, dtype=np.float64).sum()
        state["count"] += own.size

    def result(self, state: State) -> float:
        return float(state["sum"]) / max(int(state["count"]), 1)
