"""Checks of targets that losses and metrics share: shapes and values."""

from typing import TypeAlias

import numpy as np

from tinynet.errors import DataError, ShapeError
from tinynet.types import Array

__all__ = [
    "Bad",
    "BadTargetError",
    "bad_distribution",
    "bad_label",
    "bad_probability",
    "first_bad",
    "match_targets",
]

Bad: TypeAlias = tuple[int, str]
"""The row of a target that is impossible, and the reason."""


class BadTargetError(DataError):
    """A target that a metric is not defined for.

    Attributes:
        row: Its row in the batch.
        why: The value, and what is wrong with it.
    """

    def __init__(self, row: int, why: str) -> None:
        self.row, self.why = row, why
        super().__init__(f"target {row} of the batch: {why}")


SUM_TOLERANCE = 1e-3
"""Largest distance of a sum of probabilities from 1; those stored in float16 must pass."""


def match_targets(outputs: Array, targets: Array) -> Array:
    """Return ``targets`` in the shape of ``outputs``, which may have a last axis of 1 more.

    Raises:
        ShapeError: for any other shape. Broadcasting (N, 1) against (N,) silently would train on
            (N, N) wrong pairs.
    """
    if outputs.shape == targets.shape:
        return targets
    if outputs.shape == (*targets.shape, 1):
        return targets[..., None]
    raise ShapeError(
        f"outputs of shape {outputs.shape[1:]} and targets of shape {targets.shape[1:]} cannot be"
        " compared element by element: they must have the same shape"
    )


def first_bad(targets: Array, good: Array, wanted: str) -> Bad | None:
    """Return the first row of ``targets`` (N, ...) with an element that is not good, or None.

    Args:
        targets: The targets.
        good: True for each possible element of ``targets``, (N, ...).
        wanted: The rule for an element, for the message.
    """
    if np.count_nonzero(good) == good.size:  # In a small array faster than `all`.
        return None
    place = np.unravel_index(np.argmin(good), good.shape)
    return int(place[0]), f"{_as_written(targets[place])} is not {wanted}"


def _as_written(value: np.generic) -> str:
    """Return a number as a file has it: 5 where a table was read as 5.0."""
    return str(value).removesuffix(".0")


def bad_label(targets: Array, classes: int) -> Bad | None:
    """Return the first row of ``targets`` (N, ...) that is not the index of a class, or None."""
    if targets.dtype.kind in "iu" and targets.dtype.isnative and targets.size:
        # As numbers without a sign, those below 0 are the largest: one pass finds both faults.
        unsigned = targets.view(f"u{targets.itemsize}")
        if np.maximum.reduce(unsigned, axis=None) < classes:
            return None
    good = (targets >= 0) & (targets < classes)
    if targets.dtype.kind not in "iu":
        good &= np.floor(targets) == targets
    required = f"an integer label from 0 to {classes - 1}, for outputs of {classes} classes"
    return first_bad(targets, good, required)


def bad_probability(targets: Array) -> Bad | None:
    """Return the first row of ``targets`` (N, ...) with an element outside [0, 1], or None."""
    return first_bad(targets, (targets >= 0) & (targets <= 1), "a number from 0 to 1")


def bad_distribution(targets: Array) -> Bad | None:
    """Return the first row of ``targets`` (N, ..., classes) that has no probabilities."""
    bad = bad_probability(targets)
    if bad is not None:
        return bad
    sums = targets.sum(axis=-1, dtype=np.float64)
    good = np.abs(sums - 1) <= SUM_TOLERANCE
    if good.all():
        return None
    place = np.unravel_index(np.argmin(good), good.shape)
    return int(place[0]), f"the probabilities of the classes sum to {sums[place]:g}, not to 1"
