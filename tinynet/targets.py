"""What losses and metrics ask of targets: do they fit the outputs, are they possible at all."""

from typing import TypeAlias

import numpy as np

from tinynet.errors import ShapeError
from tinynet.types import Array

__all__ = [
    "Bad",
    "bad_distribution",
    "bad_label",
    "bad_probability",
    "first_bad",
    "match_targets",
]

Bad: TypeAlias = tuple[int, str]
"""The row of a target that is impossible, and why."""

SUM_TOLERANCE = 1e-3
"""How far probabilities may be from summing to 1; those kept in float16 must pass."""


def match_targets(outputs: Array, targets: Array) -> Array:
    """``targets`` in the shape of ``outputs``: (N, ...) already, or without a last axis of 1.

    Raises:
        ShapeError: for any other shape; to broadcast (N, 1) against (N,) without a word is a
            classic way to train on nonsense.
    """
    if outputs.shape == targets.shape:
        return targets
    if outputs.shape == (*targets.shape, 1):
        return targets[..., None]
    raise ShapeError(
        f"outputs {outputs.shape} and targets {targets.shape} cannot be compared element by"
        " element: they must have the same shape"
    )


def first_bad(targets: Array, good: Array, wanted: str) -> Bad | None:
    """The first row of ``targets`` (N, ...) with an element that is not good; None if all are.

    Args:
        targets: What the dataset says.
        good: Whether each element of ``targets`` is possible, (N, ...).
        wanted: What would be right.
    """
    if good.all():
        return None
    place = np.unravel_index(np.argmin(good), good.shape)
    return int(place[0]), f"{targets[place]} is not {wanted}"


def bad_label(targets: Array, classes: int) -> Bad | None:
    """The first row of ``targets`` (N, ...) that is no index of a class."""
    good = (targets >= 0) & (targets < classes)
    if targets.dtype.kind not in "iu":
        good &= np.floor(targets) == targets
    wanted = f"an integer label from 0 to {classes - 1}, for outputs of {classes} classes"
    return first_bad(targets, good, wanted)


def bad_probability(targets: Array) -> Bad | None:
    """The first row of ``targets`` (N, ...) with an element outside [0, 1]."""
    return first_bad(targets, (targets >= 0) & (targets <= 1), "a number from 0 to 1")


def bad_distribution(targets: Array) -> Bad | None:
    """The first row of ``targets`` (N, ..., classes) whose last axis is no set of probabilities."""
    bad = bad_probability(targets)
    if bad is not None:
        return bad
    sums = targets.sum(axis=-1, dtype=np.float64)
    good = np.abs(sums - 1) <= SUM_TOLERANCE
    return first_bad(sums, good, "the sum of a row of probabilities, which is 1")
