"""Precision, recall and F1."""

from tinynet.builtin.metrics._class_counts import ClassRatio
from tinynet.types import Array


class Precision(ClassRatio):
    """Of the samples predicted to be of a class, the share that is.

    Predictions and targets as for `accuracy`. A class that was never predicted has precision 0;
    one that occurs neither in predictions nor in targets is left out of the mean.
    """

    def possible(self, hits: Array, predicted: Array, true: Array) -> Array:
        return predicted


class Recall(ClassRatio):
    """Of the samples of a class, the share that is predicted to be.

    Predictions and targets as for `accuracy`. A class that was predicted and is never true has
    recall 0; one that occurs neither in predictions nor in targets is left out of the mean.
    """

    def possible(self, hits: Array, predicted: Array, true: Array) -> Array:
        return true


class F1(ClassRatio):
    """The harmonic mean of precision and recall: 2 hits / (predicted + true).

    Predictions and targets as for `accuracy`. A class that occurs neither in predictions nor in
    targets is left out of the mean.
    """

    def possible(self, hits: Array, predicted: Array, true: Array) -> Array:
        return (predicted + true) / 2
