"""Detection of samples that are overlapping windows of one sequence."""

from math import ceil

import numpy as np

from tinynet.data.splits import gather
from tinynet.dataset import Dataset, Field
from tinynet.types import Array

ROWS = 9
"""Neighboring samples that are compared."""

MIN_LENGTH = 4
"""Steps of the shortest window that is recognized."""


def gap_of_windows(dataset: Dataset, name: str, field: Field) -> int:
    """Return the number of samples to leave out between two that must not overlap.

    It is 0 unless neighboring samples of an input are one sequence, shifted by some steps.

    Args:
        dataset: The dataset.
        name: Name of the input, (T,) or (T, C).
        field: The input's field.
    """
    if not 1 <= len(field.shape) <= 2 or field.shape[0] < MIN_LENGTH or len(dataset) < ROWS:
        return 0
    middle = (len(dataset) - ROWS) // 2
    rows = gather(dataset, np.arange(middle, middle + ROWS)).inputs[name]
    length = field.shape[0]
    # A few equal steps may be chance, except where that is half of the window.
    longest = max(length // 2, length - MIN_LENGTH)
    shift = next((steps for steps in range(1, longest + 1) if _shifted(rows, steps)), None)
    return 0 if shift is None else ceil(length / shift)


def _shifted(rows: Array, steps: int) -> bool:
    """Return True if each row starts with the end of the row before it, and is not constant."""
    kept = rows[1:, :-steps]
    changing = (kept != kept[:, :1]).reshape(len(kept), -1).any(axis=1)
    return bool(changing.all() and np.array_equal(rows[:-1, steps:], kept))
