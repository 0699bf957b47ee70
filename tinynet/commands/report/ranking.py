"""Curves and areas that follow from the order of scores: ROC, precision and recall, calibration."""

from typing import NamedTuple

import numpy as np

from tinynet.types import Array

MAX_POINTS = 80
"""Points of a curve in a report."""

BINS = 10
"""Intervals of probability of a calibration."""


class Curve(NamedTuple):
    """A curve and a number that sums it up, such as its area."""

    x: Array
    y: Array
    value: float


class _Counts(NamedTuple):
    """True and false positives at each distinct score as the threshold, descending."""

    true: Array
    false: Array


def roc_curve(positive: Array, scores: Array) -> Curve | None:
    """Return the ROC curve with the area under it; None if only one of the classes occurs.

    Args:
        positive: True for samples of the class, (N,).
        scores: Scores of the class, (N,); equal ones are one threshold.
    """
    counts = _counts(positive, scores)
    positives, negatives = counts.true[-1], counts.false[-1]
    if not positives or not negatives:
        return None
    x = np.concatenate([[0.0], counts.false / negatives])
    y = np.concatenate([[0.0], counts.true / positives])
    return Curve(x, y, float(np.trapezoid(y, x)))


def precision_recall_curve(positive: Array, scores: Array) -> Curve | None:
    """Return precision over recall with the average precision; None without a positive.

    The average precision is the sum of the precisions, weighted by the steps of the recall.
    """
    counts = _counts(positive, scores)
    if not counts.true[-1]:
        return None
    precision = counts.true / (counts.true + counts.false)
    recall = counts.true / counts.true[-1]
    average = float(np.sum(np.diff(recall, prepend=0.0) * precision))
    x, y = np.concatenate([[0.0], recall]), np.concatenate([precision[:1], precision])
    return Curve(x, y, average)


def _counts(positive: Array, scores: Array) -> _Counts:
    order = np.argsort(-scores, kind="stable")
    ordered, found = scores[order], positive[order].astype(np.int64)
    last = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    true = np.cumsum(found)[last]
    return _Counts(true, 1 + last - true)


class Calibration(NamedTuple):
    """The calibration of probabilities, in intervals that hold some samples."""

    predicted: Array  # the mean probability in each
    observed: Array  # the share of correct ones in each
    counts: Array  # in all intervals
    error: float  # the expected calibration error


def calibration(correct: Array, probabilities: Array) -> Calibration:
    """Return the calibration in `BINS` intervals of equal width.

    Args:
        correct: True where the predicted class is right, (N,).
        probabilities: Its probabilities, (N,).
    """
    bins = np.clip((probabilities * BINS).astype(np.int64), 0, BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    held = counts > 0
    predicted = np.bincount(bins, probabilities, BINS)[held] / counts[held]
    observed = np.bincount(bins, correct, BINS)[held] / counts[held]
    shares = counts[held] / max(len(correct), 1)
    return Calibration(
        predicted, observed, counts, float(np.sum(shares * abs(predicted - observed)))
    )


def thinned(curve: Curve) -> Curve:
    """Return a curve of at most `MAX_POINTS` points, evenly spread along its length."""
    if len(curve.x) <= MAX_POINTS:
        return curve
    steps = np.hypot(np.diff(curve.x), np.diff(curve.y))
    along = np.concatenate([[0.0], np.cumsum(steps)])
    places = np.searchsorted(along, np.linspace(0, along[-1], MAX_POINTS))
    chosen = np.unique(np.clip(places, 0, len(along) - 1))
    return Curve(curve.x[chosen], curve.y[chosen], curve.value)
