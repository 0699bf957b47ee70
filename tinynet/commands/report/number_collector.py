"""Predictions of numbers of a whole split: sums for errors, and pairs for charts."""

import math
from collections.abc import Callable

import numpy as np

from tinynet.commands.report.kept_rows import KeptRows
from tinynet.types import Array, Shape

MAX_NUMBERS = 64
"""Numbers of a sample that have errors of their own; more are put together."""

MAX_KEPT = 100_000
"""Numbers that are kept for charts."""


class NumberCollector:
    """Errors of predicted numbers, in the units of the data.

    Attributes:
        shape: The shape of a sample's target.
        joined: True if all numbers of a sample are put together: those of images, or many.
        kept: True and predicted numbers, (P, K) each; a part of the rows if they are many.
        count: The number of rows.
    """

    def __init__(self, shape: Shape, expected: int, restore: Callable[[Array], Array]) -> None:
        """Start without samples.

        Args:
            shape: The shape of a sample's target.
            expected: The number of samples that will be added.
            restore: Turns targets or predictions (N, *shape) into the units of the data.
        """
        self.shape, self._restore = shape, restore
        numbers = math.prod(shape)
        self.joined = numbers > MAX_NUMBERS or len(shape) > 2
        columns = 1 if self.joined else numbers
        rows = expected * numbers // columns
        self.kept = KeptRows(max(MAX_KEPT // columns, 1), rows)
        self.count = 0
        self._shift: Array | None = None
        self._sums = np.zeros((5, columns))

    def add(self, values: Array, targets: Array, weights: Array | None) -> Array:
        """Add samples, and return the mean absolute error of each, (N,).

        Args:
            values: The predictions, (N, *shape).
            targets: The targets, likewise.
            weights: Weight of each sample, (N,); those of weight 0 do not count. Weights of
                positions count where all numbers of a sample are put together.
        """
        true, predicted = (
            np.asarray(self._restore(array.reshape(-1, *self.shape)), np.float64)
            for array in (targets, values)
        )
        counts = np.ones(true.shape, bool)
        if weights is not None and weights.ndim <= true.ndim:
            counts &= (weights != 0).reshape(weights.shape + (1,) * (true.ndim - weights.ndim))
        errors = np.where(counts, np.abs(predicted - true), np.nan).reshape(len(true), -1)
        rows = counts.reshape(len(true), -1)
        if self.joined:
            pairs = true[counts][:, None], predicted[counts][:, None]
        else:
            whole = rows.all(axis=1)
            pairs = true.reshape(len(true), -1)[whole], predicted.reshape(len(true), -1)[whole]
        self._add_sums(*pairs)
        self.kept.add(*pairs)
        numbers = rows.sum(axis=1)
        means: Array = np.nansum(errors, axis=1) / np.where(numbers, numbers, np.nan)
        return means

    def _add_sums(self, true: Array, predicted: Array) -> None:
        if self._shift is None and len(true):
            self._shift = true.mean(axis=0)
        self.count += len(true)
        error, shifted = predicted - true, true - (0 if self._shift is None else self._shift)
        for row, array in enumerate((error, abs(error), error**2, shifted, shifted**2)):
            self._sums[row] += array.sum(axis=0)

    @property
    def bias(self) -> Array:
        """Mean of predicted minus true values, (K,)."""
        return self._mean(0)

    @property
    def mean_absolute_error(self) -> Array:
        """Mean absolute error of each number, (K,)."""
        return self._mean(1)

    @property
    def root_mean_squared_error(self) -> Array:
        """Root mean squared error of each number, (K,)."""
        return np.asarray(np.sqrt(self._mean(2)))

    @property
    def true_mean(self) -> Array:
        """Mean of the true values of each number, (K,)."""
        return np.asarray(self._mean(3) + (0 if self._shift is None else self._shift))

    @property
    def true_deviation(self) -> Array:
        """Standard deviation of the true values of each number, (K,)."""
        return np.asarray(np.sqrt(np.maximum(self._mean(4) - self._mean(3) ** 2, 0)))

    @property
    def r_squared(self) -> Array:
        """1 - squared errors / squared deviations from the mean of each number, (K,).

        NaN for a number that is always the same.
        """
        total = self._sums[4] - self._sums[3] ** 2 / max(self.count, 1)
        return np.asarray(1 - self._sums[2] / np.where(total > 0, total, np.nan))

    def _mean(self, row: int) -> Array:
        means: Array = self._sums[row] / max(self.count, 1)
        return means
