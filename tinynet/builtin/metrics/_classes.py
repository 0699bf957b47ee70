"""Functions of the classification metrics: predicted and true classes."""

import numpy as np

from tinynet.errors import ShapeError
from tinynet.targets import (
    Bad,
    BadTargetError,
    bad_distribution,
    bad_label,
    bad_probability,
    match_targets,
)
from tinynet.types import Array, Shape


def is_binary(out_shape: Shape) -> bool:
    """Return True if predictions are the probabilities of class 1 alone."""
    return not out_shape or out_shape[-1] == 1


def class_count(out_shape: Shape) -> int:
    """Return the number of classes of predictions of ``out_shape``."""
    return 2 if is_binary(out_shape) else out_shape[-1]


def classes_of(predictions: Array, targets: Array) -> tuple[Array, Array]:
    """Return the predicted and the true class of each sample, both flat.

    Predictions are probabilities (N, ..., classes), of which a tie goes to the first class, or of
    class 1 alone: (N,) or (N, ..., 1). Targets as for `true_classes`.
    """
    if not is_binary(predictions.shape[1:]):
        return predictions.argmax(axis=-1).reshape(-1), true_classes(predictions, targets)
    _check(bad_probability(targets), _NUMBERS)
    targets = match_targets(predictions, targets)
    predicted, true = ((p > 0.5).astype(np.intp).reshape(-1) for p in (predictions, targets))
    return predicted, true


def true_classes(predictions: Array, targets: Array) -> Array:
    """Return the class that each target names, flat.

    Predictions are probabilities (N, ..., classes); targets are labels (N, ...), or probabilities
    in the shape of ``predictions``.

    Raises:
        ShapeError: if the targets' shape is neither.
        DataError: for a target that does not name one class, as several labels at once do.
    """
    if targets.shape == predictions.shape:
        _check(bad_distribution(targets), "the metric needs one class for each sample")
        classes: Array = targets.argmax(axis=-1)
    elif targets.shape == predictions.shape[:-1]:
        _check(bad_label(targets, predictions.shape[-1]), _NUMBERS)
        classes = targets.astype(np.intp, copy=False)
    else:
        raise ShapeError(
            f"targets of shape {targets.shape[1:]} do not fit predictions of shape"
            f" {predictions.shape[1:]}; save labels of shape {predictions.shape[1:-1]}, or"
            f' probabilities of shape {predictions.shape[1:]}; for numbers use "mae" or "r2"'
        )
    return classes.reshape(-1)


_NUMBERS = 'the metric compares classes; for a target that is a number use "mae" or "r2"'


def _check(bad: Bad | None, hint: str) -> None:
    if bad is not None:
        row, why = bad
        raise BadTargetError(row, f"{why}; {hint}")
