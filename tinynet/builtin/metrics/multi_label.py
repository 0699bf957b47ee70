"""Precision, recall and F1 of several labels for each sample."""

from typing import Literal

import numpy as np
from pydantic import Field

from tinynet.builtin.metrics._labels import binary_labels, predicted_labels
from tinynet.builtin.metrics._sums import Sums
from tinynet.builtin.metrics.binary_counts import BinaryConfig
from tinynet.metric import State
from tinynet.types import Array, Shape


class _MultiLabel(Sums):
    """Hits divided by a count, of each label or each sample.

    A subclass implements `possible`, which returns the divisor of the hits.
    """

    family = "binary and multi-label"
    greater_is_better = True

    class Config(BinaryConfig):
        """Parameters of `multi_label_precision`, `multi_label_recall` and `multi_label_f1`."""

        average: Literal["macro", "micro", "weighted", "samples"] = Field(
            default="macro",
            description=(
                "'macro': mean over the labels that occur; 'weighted': mean weighted by each"
                " label's number of samples; 'micro': from the total counts of all labels;"
                " 'samples': mean over the samples with a true or predicted label."
            ),
        )

    def __init__(self, config: Config) -> None:
        self.average = config.average
        self.threshold = config.threshold
        self.ignore_label = config.ignore_label

    def possible(self, predicted: Array, true: Array) -> Array:
        """Return the divisors of the hits, from two counts in the same shape."""
        raise NotImplementedError

    def start(self, out_shape: Shape) -> State:
        labels = out_shape[-1] if out_shape else 1
        counts = {name: np.zeros(labels, np.int64) for name in ("hits", "predicted", "true")}
        sums = {"ratios": np.zeros((), np.float64), "samples": np.zeros((), np.int64)}
        return counts | sums

    def update(self, state: State, predictions: Array, targets: Array) -> None:
        scores, true, counted = binary_labels(predictions, targets, self.ignore_label)
        predicted = predicted_labels(scores, true, self.threshold) & counted
        true = true & counted
        elements = {"hits": predicted & true, "predicted": predicted, "true": true}
        for name, values in elements.items():
            # Two classes with one label for each sample are one column: class 1.
            state[name][-values.shape[1] :] += values.sum(axis=0)
        hits, predicted, true = (values.sum(axis=1) for values in elements.values())
        state["ratios"] += (hits / np.maximum(self.possible(predicted, true), 1)).sum()
        state["samples"] += np.count_nonzero(predicted + true)

    def result(self, state: State) -> float:
        hits, predicted, true = state["hits"], state["predicted"], state["true"]
        possible = self.possible(predicted, true)
        if self.average == "samples":
            return float(state["ratios"] / max(int(state["samples"]), 1))
        if self.average == "micro":
            return float(hits.sum() / max(possible.sum(), 1))
        ratios = hits / np.maximum(possible, 1)
        weights = true if self.average == "weighted" else (true + predicted) > 0
        return float(ratios @ weights / max(weights.sum(), 1))


class MultiLabelPrecision(_MultiLabel):
    """Of the labels that are predicted, the share that applies.

    Predictions and targets as for `binary_accuracy`. A label that is true and never predicted has
    precision 0; one that is neither is left out of the mean, and so is a sample without any label.
    The state is three integers for each label and two numbers, so that the figure does not depend
    on the batches.
    """

    def possible(self, predicted: Array, true: Array) -> Array:
        return predicted


class MultiLabelRecall(_MultiLabel):
    """Of the labels that apply, the share that is predicted.

    Predictions and targets as for `binary_accuracy`. A label that is predicted and never true has
    recall 0; one that is neither is left out of the mean, and so is a sample without any label.
    The state is three integers for each label and two numbers, so that the figure does not depend
    on the batches.
    """

    def possible(self, predicted: Array, true: Array) -> Array:
        return true


class MultiLabelF1(_MultiLabel):
    """The harmonic mean of precision and recall of labels: 2 hits / (predicted + true).

    Predictions and targets as for `binary_accuracy`. A label that is neither predicted nor true is
    left out of the mean, and so is a sample without any label. The state is three integers for each
    label and two numbers, so that the figure does not depend on the batches.
    """

    def possible(self, predicted: Array, true: Array) -> Array:
        return (predicted + true) / 2
