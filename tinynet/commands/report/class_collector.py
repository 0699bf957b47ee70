"""Predictions of classes of a whole split: counts, and scores for curves."""

import numpy as np

from tinynet.commands.report.kept_rows import KeptRows
from tinynet.types import Array

MAX_KEPT = 4_000_000
"""Scores that are kept for curves."""

MAX_MATRIX = 1000
"""Classes of which all pairs are counted in a matrix."""

_SMALLEST = 1e-12


class ClassCollector:
    """Counts of true and predicted classes.

    Attributes:
        classes: The names of the classes.
        probable: True if the scores are probabilities.
        positions: The number of labels, one or several for each sample.
        matrix: The counts of the predicted classes (columns) of each true one (rows), (C, C).
        kept: The true classes (P,) and scores (P, C) of labels; a part of them if they are many.
    """

    def __init__(
        self, classes: tuple[str, ...], ignored: int | None, expected: int, *, probable: bool
    ) -> None:
        """Start without samples.

        Args:
            classes: The names of the classes.
            ignored: The label that does not count; None if all count.
            expected: The number of labels that will be added.
            probable: True if the values are probabilities.
        """
        self.classes, self.probable, self._ignored = classes, probable, ignored
        self.positions = 0
        self.matrix = np.zeros((len(classes), len(classes)), np.int64)
        self.kept = KeptRows(max(MAX_KEPT // len(classes), 1), expected)

    def add(self, values: Array, targets: Array, weights: Array | None) -> Array:
        """Add samples, and return the mean cross-entropy of each, (N,).

        Without probabilities it is the difference to the largest value. NaN is a sample without a
        label that counts.

        Args:
            values: The predictions, (N, *positions, C) or, of two classes, one value of each.
            targets: The classes, (N, *positions), or rows of shares of the classes.
            weights: Weight of each sample, (N,), or of each position; or None.
        """
        scores = two_classes(values, targets) if self._is_single(values, targets) else values
        labels = targets.argmax(axis=-1) if targets.shape == scores.shape else targets
        labels = labels.reshape(scores.shape[:-1]).astype(np.int64)
        counts = self._counting(labels, weights)
        flat, true = scores[counts], labels[counts]
        self.positions += len(true)
        codes = true * len(self.classes) + flat.argmax(axis=-1)
        self.matrix += np.bincount(codes, minlength=self.matrix.size).reshape(self.matrix.shape)
        self.kept.add(true, np.nan_to_num(flat.astype(np.float32)))
        own = np.take_along_axis(flat, true[:, None], axis=-1)[:, 0]
        losses = -np.log(np.maximum(own, _SMALLEST)) if self.probable else flat.max(-1) - own
        return _sample_means(losses, counts)

    def _is_single(self, values: Array, targets: Array) -> bool:
        return len(self.classes) == 2 and values.shape[1:] in (
            targets.shape[1:],
            (*targets.shape[1:], 1),
        )

    def _counting(self, labels: Array, weights: Array | None) -> Array:
        """Return True for each label that counts."""
        counts = (labels >= 0) & (labels < len(self.classes))
        if self._ignored is not None:
            counts &= labels != self._ignored
        if weights is not None:
            counts &= (weights != 0).reshape(weights.shape + (1,) * (labels.ndim - weights.ndim))
        return counts


def two_classes(values: Array, targets: Array) -> Array:
    """Return the scores of two classes, (..., 2), of the probability of the second."""
    positive = values.reshape(targets.shape)
    return np.stack([1 - positive, positive], axis=-1)


def _sample_means(losses: Array, counts: Array) -> Array:
    """Return the mean over the labels that count of each sample, (N,); NaN without one."""
    if counts.ndim == 1 and counts.all():
        return losses
    spread = np.zeros(counts.shape)
    spread[counts] = losses
    numbers = counts.reshape(len(counts), -1).sum(axis=1)
    means: Array = spread.reshape(len(counts), -1).sum(axis=1) / np.where(numbers, numbers, np.nan)
    return means
