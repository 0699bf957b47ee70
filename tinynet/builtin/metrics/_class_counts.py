"""The bases of metrics that follow from counts of each class."""

from typing import Literal

import numpy as np
from pydantic import Field

from tinynet.builtin.metrics._classes import ClassMetricConfig, class_count, classes_of
from tinynet.builtin.metrics._sums import Sums
from tinynet.errors import ShapeError
from tinynet.metric import State
from tinynet.types import Array, Shape


class ClassCounts(Sums):
    """Counts, for each class, how often it was predicted, how often true, and how often both.

    Three integers for each class, however many samples there are; they are exact in any batches.
    """

    family = "classification"
    Config = ClassMetricConfig
    greater_is_better = True

    def __init__(self, config: ClassMetricConfig) -> None:
        self.ignore_label = config.ignore_label

    def start(self, out_shape: Shape) -> State:
        classes = class_count(out_shape)
        return {name: np.zeros(classes, np.int64) for name in ("hits", "predicted", "true")}

    def update(self, state: State, predictions: Array, targets: Array) -> None:
        self.count(state, *classes_of(predictions, targets, self.ignore_label))

    def count(self, state: State, predicted: Array, true: Array) -> None:
        """Count the predicted and the true class of each sample, both (R,), into ``state``."""
        classes = len(state["true"])
        state["hits"] += np.bincount(true[predicted == true], minlength=classes)
        state["predicted"] += np.bincount(predicted, minlength=classes)
        state["true"] += np.bincount(true, minlength=classes)


class ClassRatio(ClassCounts):
    """Of each class the hits divided by a count, combined over the classes.

    A subclass implements `possible`, which returns the denominator of each class.
    """

    class Config(ClassMetricConfig):
        """Parameters of `precision`, `recall`, `f1`, `mean_iou` and `dice`."""

        average: Literal["macro", "micro", "weighted", "binary"] = Field(
            default="macro",
            description=(
                "'macro': mean over the classes that occur; 'weighted': mean weighted by each"
                " class's number of samples; 'micro': from the total counts of all classes;"
                " 'binary': class 1 of two."
            ),
        )

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.average = config.average

    def possible(self, hits: Array, predicted: Array, true: Array) -> Array:
        """Return the divisor of the hits of each class, from its counts; all (classes,)."""
        raise NotImplementedError

    def start(self, out_shape: Shape) -> State:
        classes = class_count(out_shape)
        if self.average == "binary" and classes != 2:
            raise ShapeError(
                f'"average": "binary" needs two classes, but there are {classes};'
                ' choose "macro", "micro" or "weighted"'
            )
        return super().start(out_shape)

    def result(self, state: State) -> float:
        hits, true = state["hits"], state["true"]
        possible = self.possible(hits, state["predicted"], true)
        if self.average == "micro":
            return float(hits.sum() / max(possible.sum(), 1))
        ratios = hits / np.maximum(possible, 1)
        if self.average == "binary":
            return float(ratios[1])
        weights = true if self.average == "weighted" else (true + state["predicted"]) > 0
        return float(ratios @ weights / max(weights.sum(), 1))
