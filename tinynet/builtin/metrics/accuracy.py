"""Accuracy: the fraction of correct predictions."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from tinynet.builtin.metrics._classes import (
    ClassMetricConfig,
    class_count,
    classes_of,
    counted_rows,
    is_binary,
)
from tinynet.builtin.metrics._sums import Sums
from tinynet.errors import ShapeError
from tinynet.metric import State
from tinynet.types import Array, Shape


class Accuracy(Sums):
    """Share of predictions with the right class.

    Predictions are probabilities (N, ..., classes), or of class 1 alone, (N,) or (N, ..., 1),
    where a probability above 0.5 means class 1; NaN counts as a wrong prediction. Targets are
    labels (N, ...), or probabilities in the shape of the predictions, of which the largest counts.
    """

    family = "classification"
    greater_is_better = True

    class Config(ClassMetricConfig):
        """Parameters of `accuracy`."""

    def __init__(self, config: Config) -> None:
        self.ignore_label = config.ignore_label

    def start(self, out_shape: Shape) -> State:
        return {"correct": np.zeros((), np.int64), "count": np.zeros((), np.int64)}

    def update(self, state: State, predictions: Array, targets: Array) -> None:
        predicted, true = classes_of(predictions, targets, self.ignore_label)
        right = predicted == true
        state["correct"] += np.count_nonzero(right)
        state["count"] += right.size

    def result(self, state: State) -> float:
        return int(state["correct"]) / max(int(state["count"]), 1)


class TopKAccuracy(Accuracy):
    """Share of predictions with the right class among the k most probable.

    Predictions are probabilities (N, ..., classes); targets as for `Accuracy`. Of equal
    probabilities the earlier class comes first, so that k = 1 is `Accuracy`.
    """

    example: ClassVar = {"k": 5}

    class Config(Accuracy.Config):
        """Parameters of `top_k_accuracy`."""

        k: int = Field(default=5, ge=1, description="Number of classes that may be predicted.")

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.k = config.k

    def start(self, out_shape: Shape) -> State:
        classes = class_count(out_shape)
        if is_binary(out_shape) or classes < self.k:
            remedy = 'use "accuracy"' if classes <= 2 else f'set "k" to at most {classes}'
            raise ShapeError(
                f"top_k_accuracy with k = {self.k} needs at least {max(self.k, 2)} classes, but"
                f" predictions have the shape {out_shape}: {remedy}"
            )
        return super().start(out_shape)

    def update(self, state: State, predictions: Array, targets: Array) -> None:
        classes = predictions.shape[-1]
        rows, labels = counted_rows(predictions, targets, self.ignore_label)
        labels = labels[:, None]
        own = np.take_along_axis(rows, labels, axis=1)
        # Count lower-ranked classes, not higher-ranked ones: then a NaN counts as wrong.
        behind = (rows < own) | ((rows == own) & (np.arange(classes) >= labels))
        right = behind.sum(axis=1) > classes - self.k
        state["correct"] += np.count_nonzero(right)
        state["count"] += right.size
