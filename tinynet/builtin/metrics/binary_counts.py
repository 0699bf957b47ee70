"""Right and wrong answers to questions of yes or no."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from tinynet.builtin.metrics._classes import ClassMetricConfig
from tinynet.builtin.metrics._labels import binary_labels, predicted_labels
from tinynet.builtin.metrics._sums import Sums
from tinynet.metric import State
from tinynet.types import Array, Shape


class BinaryConfig(ClassMetricConfig):
    """Parameters of metrics of labels that apply or not."""

    threshold: float = Field(
        default=0.5, ge=0, le=1, description="A label is predicted above this probability."
    )


class _BinaryCounts(Sums):
    """Counts of the elements by true and predicted answer.

    Predictions are probabilities, one for each label: (N,) or (N, ..., labels); or of two classes.
    Targets are 0 or 1 in the shape of the predictions; of one label or two classes also (N, ...).
    The state is four integers, so that the figure does not depend on the batches.
    """

    family = "binary and multi-label"
    greater_is_better = True
    Config = BinaryConfig

    def __init__(self, config: BinaryConfig) -> None:
        self.threshold = config.threshold
        self.ignore_label = config.ignore_label

    def start(self, out_shape: Shape) -> State:
        return {"counts": np.zeros((2, 2), np.int64)}

    def update(self, state: State, predictions: Array, targets: Array) -> None:
        scores, positive, counted = binary_labels(predictions, targets, self.ignore_label)
        predicted = predicted_labels(scores, positive, self.threshold)
        cells = 2 * positive[counted] + predicted[counted]
        state["counts"] += np.bincount(cells, minlength=4).reshape(2, 2)


class BinaryAccuracy(_BinaryCounts):
    """Share of right answers, where a label applies above a threshold.

    It counts all elements. Predictions are probabilities, one for each label: (N,) or (N, ...,
    labels); or of two classes. Targets are 0 or 1 in the shape of the predictions; of one label or
    two classes also (N, ...). The state is four integers, so that the figure does not depend on the
    batches.
    """

    def result(self, state: State) -> float:
        counts = state["counts"]
        return float(counts.trace() / max(counts.sum(), 1))


class _Count(_BinaryCounts):
    """One of the four counts."""

    cell: ClassVar[tuple[int, int]]

    def result(self, state: State) -> float:
        return float(state["counts"][self.cell])


class TruePositives(_Count):
    """Number of elements that are 1 and predicted to be.

    Predictions and targets as for `binary_accuracy`.
    """

    cell = 1, 1


class TrueNegatives(_Count):
    """Number of elements that are 0 and predicted to be.

    Predictions and targets as for `binary_accuracy`.
    """

    cell = 0, 0


class FalsePositives(_Count):
    """Number of elements that are 0 and predicted to be 1.

    Predictions and targets as for `binary_accuracy`.
    """

    cell = 0, 1
    greater_is_better = False


class FalseNegatives(_Count):
    """Number of elements that are 1 and predicted to be 0.

    Predictions and targets as for `binary_accuracy`.
    """

    cell = 1, 0
    greater_is_better = False
