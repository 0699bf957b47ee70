"""Precision, recall and F1."""

from typing import Literal

import numpy as np
from pydantic import Field

from tinynet.builtin.metrics._classes import ClassMetricConfig, class_count, classes_of
from tinynet.builtin.metrics._sums import Sums
from tinynet.errors import ShapeError
from tinynet.metric import State
from tinynet.types import Array, Shape


class _Confusion(Sums):
    """Counts, for each class, how often it was predicted, how often true, and how often both.

    A subclass implements `possible`, which returns the denominator of each class.
    """

    greater_is_better = True

    class Config(ClassMetricConfig):
        """Parameters of `precision`, `recall` and `f1`."""

        average: Literal["macro", "micro", "weighted", "binary"] = Field(
            default="macro",
            description=(
                "'macro': mean over the classes that occur; 'weighted': mean weighted by each"
                " class's number of samples; 'micro': from the total counts of all classes;"
                " 'binary': class 1 of two."
            ),
        )

    def __init__(self, config: Config) -> None:
        self.average = config.average
        self.ignore_label = config.ignore_label

    def possible(self, predicted: Array, true: Array) -> Array:
        """Return the divisor of the hits of each class, from its two counts; all (classes,)."""
        raise NotImplementedError

    def start(self, out_shape: Shape) -> State:
        classes = class_count(out_shape)
        if self.average == "binary" and classes != 2:
            raise ShapeError(
                f'"average": "binary" needs two classes, but there are {classes};'
                ' choose "macro", "micro" or "weighted"'
            )
        return {name: np.zeros(classes, np.int64) for name in ("hits", "predicted", "true")}

    def update(self, state: State, predictions: Array, targets: Array) -> None:
        predicted, true = classes_of(predictions, targets, self.ignore_label)
        classes = class_count(predictions.shape[1:])
        state["hits"] += np.bincount(true[predicted == true], minlength=classes)
        state["predicted"] += np.bincount(predicted, minlength=classes)
        state["true"] += np.bincount(true, minlength=classes)

    def result(self, state: State) -> float:
        hits, true = state["hits"], state["true"]
        possible = self.possible(state["predicted"], true)
        if self.average == "micro":
            return float(hits.sum() / max(possible.sum(), 1))
        ratios = hits / np.maximum(possible, 1)
        if self.average == "binary":
            return float(ratios[1])
        weights = true if self.average == "weighted" else (true + state["predicted"]) > 0
        return float(ratios @ weights / max(weights.sum(), 1))


class Precision(_Confusion):
    """Of the samples predicted to be of a class, the share that is.

    Predictions and targets as for `accuracy`. A class that was never predicted has precision 0;
    one that occurs neither in predictions nor in targets is left out of the mean.
    """

    def possible(self, predicted: Array, true: Array) -> Array:
        return predicted


class Recall(_Confusion):
    """Of the samples of a class, the share that is predicted to be.

    Predictions and targets as for `accuracy`. A class that was predicted and is never true has
    recall 0; one that occurs neither in predictions nor in targets is left out of the mean.
    """

    def possible(self, predicted: Array, true: Array) -> Array:
        return true


class F1(_Confusion):
    """The harmonic mean of precision and recall: 2 hits / (predicted + true).

    Predictions and targets as for `accuracy`. A class that occurs neither in predictions nor in
    targets is left out of the mean.
    """

    def possible(self, predicted: Array, true: Array) -> Array:
        return (predicted + true) / 2
