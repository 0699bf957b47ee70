"""Accuracy in which every class has the same weight."""

import numpy as np

from tinynet.builtin.metrics._class_counts import ClassCounts
from tinynet.metric import State


class BalancedAccuracy(ClassCounts):
    """Mean over the classes of the share of a class that is predicted right.

    Predictions and targets as for `accuracy`. A class that is never true is left out of the mean,
    while the macro average of `recall` counts it as 0 if it was predicted. The state is three
    integers for each class, so that the figure does not depend on the batches.
    """

    def result(self, state: State) -> float:
        true = state["true"]
        recalls = state["hits"] / np.maximum(true, 1)
        return float(recalls.sum() / max(np.count_nonzero(true), 1))
