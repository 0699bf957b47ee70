"""The option and the functions of classification metrics: predicted and true classes."""

import numpy as np
from pydantic import Field

from tinynet.errors import ShapeError
from tinynet.metric import MetricConfig
from tinynet.targets import (
    Bad,
    BadTargetError,
    bad_distribution,
    bad_label,
    bad_probability,
    match_targets,
)
from tinynet.types import Array, Shape


class ClassMetricConfig(MetricConfig):
    """Parameters of every classification metric."""

    ignore_label: int | None = Field(
        default=None,
        description="Label of the targets that are not counted, such as padding; null: all are"
        " counted.",
    )


def is_binary(out_shape: Shape) -> bool:
    """Return True if predictions are the probabilities of class 1 alone."""
    return not out_shape or out_shape[-1] == 1


def class_count(out_shape: Shape) -> int:
    """Return the number of classes of predictions of ``out_shape``."""
    return 2 if is_binary(out_shape) else out_shape[-1]


def classes_of(
    predictions: Array, targets: Array, ignore_label: int | None = None
) -> tuple[Array, Array]:
    """Return the predicted and the true class of each target that counts, both flat.

    Predictions are probabilities (N, ..., classes), of which a tie goes to the first class, or of
    class 1 alone: (N,) or (N, ..., 1). NaN predicts a wrong class: the one after the true one.
    Targets as for `counted_rows`.
    """
    if not is_binary(predictions.shape[1:]):
        rows, true = counted_rows(predictions, targets, ignore_label)
        predicted = rows.argmax(axis=-1)
        unknown = np.isnan(np.maximum.reduce(rows, axis=1))  # a NaN is the largest
        return _wrong_where(unknown, predicted, true, rows.shape[1]), true
    targets = match_targets(predictions, targets)
    counted_targets = _without_ignored(targets, ignore_label)
    _check(bad_probability(counted_targets), _SIGNS if (counted_targets == -1).any() else _NUMBERS)
    if ignore_label is not None:
        counted = targets != ignore_label
        predictions, targets = predictions[counted], targets[counted]
    predicted, true = ((p > 0.5).astype(np.intp).reshape(-1) for p in (predictions, targets))
    return _wrong_where(np.isnan(predictions).reshape(-1), predicted, true, 2), true


def _wrong_where(unknown: Array, predicted: Array, true: Array, classes: int) -> Array:
    """Return the predicted classes, (R,), with a wrong one where a prediction is unknown."""
    return np.where(unknown, (true + 1) % classes, predicted) if unknown.any() else predicted


def counted_rows(
    predictions: Array, targets: Array, ignore_label: int | None = None
) -> tuple[Array, Array]:
    """Return the probabilities (R, classes) and the true class (R,) of each target that counts.

    Args:
        predictions: Probabilities (N, ..., classes).
        targets: Labels (N, ...), or probabilities in the shape of ``predictions``.
        ignore_label: The label of targets that do not count; None if all do.

    Raises:
        ShapeError: if the targets' shape is neither.
        DataError: for a target that does not name one class, as several labels at once do.
    """
    rows = predictions.reshape(-1, predictions.shape[-1])
    if targets.shape == predictions.shape:
        if ignore_label is not None:
            raise ShapeError(
                f"ignore_label needs targets that are labels, of shape {predictions.shape[1:-1]};"
                f" it got probabilities of shape {targets.shape[1:]}"
            )
        _check(bad_distribution(targets), "the metric needs one class for each sample")
        return rows, targets.argmax(axis=-1).reshape(-1)
    if targets.shape != predictions.shape[:-1]:
        raise ShapeError(
            f"targets of shape {targets.shape[1:]} do not fit predictions of shape"
            f" {predictions.shape[1:]}; save labels of shape {predictions.shape[1:-1]}, or"
            f' probabilities of shape {predictions.shape[1:]}; for numbers use "mae" or "r2"'
        )
    _check(bad_label(_without_ignored(targets, ignore_label), predictions.shape[-1]), _LABELS)
    labels = targets.reshape(-1)
    if ignore_label is not None:
        counted = labels != ignore_label
        rows, labels = rows[counted], labels[counted]
    return rows, labels.astype(np.intp, copy=False)


def _without_ignored(targets: Array, ignore_label: int | None) -> Array:
    """Return the targets with a valid label, 0, in place of the one to ignore."""
    return targets if ignore_label is None else np.where(targets == ignore_label, 0, targets)


_NUMBERS = 'the metric compares classes; for a target that is a number use "mae" or "r2"'
_SIGNS = (
    "the metric counts the classes 0 and 1: write 0 for -1, as hinge and squared_hinge accept it"
)
_LABELS = f'{_NUMBERS}, and to leave out such labels set "ignore_label" in the metric'


def _check(bad: Bad | None, hint: str) -> None:
    if bad is not None:
        row, why = bad
        raise BadTargetError(row, f"{why}; {hint}")
