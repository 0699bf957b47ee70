"""Elements that are positive or negative: one label or several for each sample."""

import numpy as np

from tinynet.builtin.metrics._classes import counted_rows, is_binary
from tinynet.errors import ShapeError
from tinynet.targets import BadTargetError, bad_probability, match_targets
from tinynet.types import Array


def counted_labels(
    predictions: Array, targets: Array, ignore_label: int | None = None
) -> tuple[Array, Array, Array]:
    """Return the score of each label, True where it is positive, and True where it counts.

    All are (R, labels), one row for each sample or position. An element of the targets is positive
    above 0.5.

    Args:
        predictions: Probabilities (N, ..., labels), or of one label: (N,) or (N, ..., 1).
        targets: Probabilities in the shape of ``predictions``, or the labels of classes: (N, ...).
        ignore_label: The target that does not count; None if all do.

    Raises:
        ShapeError: if the targets' shape is neither.
        DataError: for a target that is not a probability, or not the index of a class.
    """
    if not is_binary(predictions.shape[1:]):
        labels = predictions.shape[-1]
        if targets.shape != predictions.shape:
            rows, true = counted_rows(predictions, targets, ignore_label)
            positive = true[:, None] == np.arange(labels)
            return rows, positive, np.ones_like(positive)
    else:
        labels = 1
        try:
            targets = match_targets(predictions, targets)
        except ShapeError as error:
            raise ShapeError(f"{error}; save 0 or 1 for each prediction") from error
    counted = np.ones(targets.shape, bool) if ignore_label is None else targets != ignore_label
    if bad := bad_probability(np.where(counted, targets, 0)):
        row, why = bad
        raise BadTargetError(row, f"{why}; the metric needs 0 or 1 for each label")
    scores, positive, counted = (
        a.reshape(-1, labels) for a in (predictions, targets > 0.5, counted)
    )
    return scores, positive, counted


def predicted_labels(scores: Array, positive: Array, threshold: float) -> Array:
    """Return True for each label that is predicted, above the threshold; NaN is a wrong answer.

    Args:
        scores: The score of each label, (R, labels).
        positive: True where the label is positive, in the same shape.
        threshold: The score above which a label is predicted.
    """
    return np.where(np.isnan(scores), ~positive, scores > threshold)


def binary_labels(
    predictions: Array, targets: Array, ignore_label: int | None = None
) -> tuple[Array, Array, Array]:
    """Return `counted_labels`, of two classes with one label for each sample those of class 1.

    Raises:
        ShapeError: for one label of more classes.
        DataError: as `counted_labels`.
    """
    labels = counted_labels(predictions, targets, ignore_label)
    if is_binary(predictions.shape[1:]) or targets.shape == predictions.shape:
        return labels
    if predictions.shape[-1] != 2:
        raise ShapeError(
            f"the metric needs targets of 0 and 1 in the predictions' shape"
            f" {predictions.shape[1:]}, but theirs is {targets.shape[1:]}; for one class of several"
            ' use "accuracy" or "f1"'
        )
    scores, positive, counted = (a[:, 1:] for a in labels)
    return scores, positive, counted
