"""Area under the receiver operating characteristic and under the precision-recall curve."""

from typing import Literal

import numpy as np
from pydantic import Field

from tinynet.builtin.metrics._classes import ClassMetricConfig, class_count, is_binary
from tinynet.builtin.metrics._labels import counted_labels
from tinynet.builtin.metrics._sums import Sums
from tinynet.errors import DataError, ShapeError
from tinynet.metric import State
from tinynet.types import Array, Shape

OCTAVES = 32
"""Halvings of the distance from 0 or 1 that have cells of their own."""


class AUC(Sums):
    """Area under the curve of each class against the rest: ROC, or precision and recall.

    ``"curve": "roc"`` is the share of pairs of a positive and a negative sample in which the
    positive one has the higher score; equal scores count one half. ``"curve": "pr"`` is the average
    precision: the mean, over the positive samples, of the precision among the samples of at least
    that score.

    Predictions are probabilities (N, ..., classes), or of class 1 alone: (N,) or (N, ..., 1).
    Targets are labels (N, ...), or 0 and 1 in the shape of the predictions, where a sample may have
    several labels. A class without a positive sample is left out of the mean, in "roc" also one
    without a negative sample; the figure is 0 if none is left. NaN counts as the wrong answer.

    The figure is that of scikit-learn for scores rounded to a grid, whatever the batches: the state
    is two integers for each class and cell of the grid, ``16 (bins + 1)`` bytes for each class.
    With 65536 bins, scores share a cell only if the first 11 binary digits of their distance from 0
    or 1, whichever is nearer, are the same, or if that distance is below 2^-32. Multiples of 2^-12
    are therefore exact. For "roc" the error is at most half the share of pairs, of a positive and a
    negative sample, within one cell.

    Source: Hanley and McNeil, "The Meaning and Use of the Area under a Receiver Operating
    Characteristic (ROC) Curve", 1982.
    """

    family = "classification"
    greater_is_better = True

    class Config(ClassMetricConfig):
        """Parameters of `auc`."""

        curve: Literal["roc", "pr"] = Field(
            default="roc",
            description="'roc': true positive rate over false positive rate; 'pr': precision over"
            " recall.",
        )
        average: Literal["macro", "binary"] = Field(
            default="macro",
            description="'macro': mean over the classes that occur; 'binary': class 1 of two.",
        )
        bins: int = Field(
            default=65536,
            ge=64,
            le=2**26,
            multiple_of=64,
            description="Cells of the grid of scores, which take 16 bytes for each class.",
        )

    def __init__(self, config: Config) -> None:
        self.curve = config.curve
        self.average = config.average
        self.bins = config.bins
        self.ignore_label = config.ignore_label

    def start(self, out_shape: Shape) -> State:
        classes = class_count(out_shape)
        if self.average == "binary" and classes != 2:
            raise ShapeError(
                f'"average": "binary" needs two classes, but there are {classes}; choose "macro"'
            )
        columns = 1 if is_binary(out_shape) or self.average == "binary" else classes
        shape = (columns, self.bins + 1)
        return {name: np.zeros(shape, np.int64) for name in ("positive", "negative")}

    def update(self, state: State, predictions: Array, targets: Array) -> None:
        scores, positive, counted = counted_labels(predictions, targets, self.ignore_label)
        columns = len(state["positive"])
        # Of two columns "binary" keeps the last, class 1.
        scores, positive, counted = (a[:, -columns:] for a in (scores, positive, counted))
        cells = self._cells(np.where(np.isnan(scores), ~positive, scores))
        column = np.broadcast_to(np.arange(columns), cells.shape)
        for name, kept in (("positive", positive & counted), ("negative", ~positive & counted)):
            np.add.at(state[name], (column[kept], cells[kept]), 1)

    def result(self, state: State) -> float:
        area = _roc if self.curve == "roc" else _average_precision
        pairs = zip(state["positive"], state["negative"], strict=True)
        areas = [area(p, n) for p, n in pairs if p.any() and (n.any() or self.curve == "pr")]
        return float(sum(areas) / max(len(areas), 1))

    def _cells(self, scores: Array) -> Array:
        """Return the cell of each score: 0 for 0, the middle one for exactly 1/2, the last for 1.

        Cells are as narrow as the spacing of floating-point numbers with few digits: towards 0, and
        likewise towards 1, where the scores of a good classifier lie.
        """
        if scores.size and not (scores.min() >= 0 and scores.max() <= 1):
            bad = scores[(scores < 0) | (scores > 1)][0]
            raise DataError(
                f"auc needs predictions that are probabilities, but one is {bad:g}; use a loss such"
                ' as "binary_cross_entropy" or "softmax_cross_entropy"'
            )
        scores = scores.astype(np.float64)
        distance = np.maximum(np.minimum(scores, 1 - scores), 2.0 ** -(OCTAVES + 1))
        mantissa, exponent = np.frexp(distance)  # mantissa in [0.5, 1)
        half = self.bins // 2
        octave = half // OCTAVES
        cells = (exponent + OCTAVES) * octave + np.floor((2 * mantissa - 1) * octave).astype(
            np.intp
        )
        folded: Array = np.where(scores > 0.5, 2 * half - cells, cells)
        return folded


def _roc(positive: Array, negative: Array) -> float:
    """Return the share of pairs in the right order, from the counts of ascending scores."""
    # Twice the negative samples below, plus those of the same score once.
    lower = 2 * negative.cumsum() - negative
    pairs = 2.0 * int(positive.sum()) * int(negative.sum())
    return float(positive.astype(np.float64) @ lower.astype(np.float64) / pairs)


def _average_precision(positive: Array, negative: Array) -> float:
    """Return the average precision, from the counts of ascending scores."""
    true, false = positive[::-1].cumsum(), negative[::-1].cumsum()
    precision = true / np.maximum(true + false, 1)
    return float(precision @ positive[::-1] / true[-1])
