"""The hinge loss of scores of several classes."""

import numpy as np

from tinynet.builtin.losses._class_rows import ClassRows
from tinynet.loss import Context
from tinynet.types import Array


class CategoricalHinge(ClassRows):
    """Hinge loss of classes: max(1 + max_c (1 - target_c) x_c - sum_c target_c x_c, 0).

    For a label this is 1 plus the largest other score, or 0 if all others are negative, minus the
    label's score: the definition of Keras. Outputs (N, ..., classes); targets are labels (N, ...)
    or probabilities (N, ..., classes). Of equal scores the first has the gradient.
    Predictions are the softmax of the scores: it keeps their order.
    """

    family = "classification"
    name = "categorical_hinge"

    def compare(self, ctx: Context, rows: Array, targets: Array) -> tuple[Array, Array]:
        others = 1 - targets
        weighed = others * rows
        largest = np.arange(len(rows)), weighed.argmax(axis=1)
        losses: Array = np.maximum(1 + weighed[largest] - np.sum(targets * rows, axis=1), 0)
        gradient = -targets
        gradient[largest] += others[largest]
        gradient *= (losses > 0)[:, None]
        return losses, gradient
