"""The expected calibration error."""

import numpy as np
from pydantic import Field

from tinynet.builtin.metrics._classes import ClassMetricConfig, counted_rows, is_binary
from tinynet.builtin.metrics._labels import counted_labels
from tinynet.builtin.metrics._sums import Sums
from tinynet.metric import State
from tinynet.types import Array, Shape


class CalibrationError(Sums):
    """Expected calibration error: mean distance of confidence and accuracy, from 0 to 1.

    The confidence of a prediction is the probability of its class. Predictions are grouped by it
    into intervals (a, b] of the same width; the figure is the mean over the groups, weighted by
    their size, of |mean confidence - share of right predictions|.

    Predictions and targets as for `accuracy`. NaN counts as a wrong prediction of confidence 1. The
    state is three numbers for each group, so that the figure does not depend on the batches.

    Source: Guo et al., "On Calibration of Modern Neural Networks", 2017.
    """

    family = "classification"
    greater_is_better = False

    class Config(ClassMetricConfig):
        """Parameters of `calibration_error`."""

        bins: int = Field(default=15, ge=1, le=2**20, description="Number of groups.")

    def __init__(self, config: Config) -> None:
        self.bins = config.bins
        self.ignore_label = config.ignore_label

    def start(self, out_shape: Shape) -> State:
        return {
            "count": np.zeros(self.bins, np.int64),
            "right": np.zeros(self.bins, np.int64),
            "confidence": np.zeros(self.bins, np.float64),
        }

    def update(self, state: State, predictions: Array, targets: Array) -> None:
        if is_binary(predictions.shape[1:]):
            scores, positive, counted = counted_labels(predictions, targets, self.ignore_label)
            scores, right = scores[counted], (scores > 0.5)[counted] == positive[counted]
            confidence = np.maximum(scores, 1 - scores)
        else:
            rows, labels = counted_rows(predictions, targets, self.ignore_label)
            confidence, right = rows.max(axis=-1), rows.argmax(axis=-1) == labels
        unknown = np.isnan(confidence)
        confidence, right = np.where(unknown, 1, confidence), right & ~unknown
        inner = np.linspace(0, 1, self.bins + 1)[1:-1]
        groups = np.searchsorted(inner, confidence.astype(np.float64))
        state["count"] += np.bincount(groups, minlength=self.bins)
        state["right"] += np.bincount(groups[right], minlength=self.bins)
        state["confidence"] += np.bincount(groups, confidence, minlength=self.bins)

    def result(self, state: State) -> float:
        distances = np.abs(state["right"] - state["confidence"])
        return float(distances.sum() / max(state["count"].sum(), 1))
