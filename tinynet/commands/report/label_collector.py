"""Predictions of labels, of which a sample has any number, of a whole split."""

import numpy as np

from tinynet.commands.report.kept_rows import KeptRows
from tinynet.types import Array

MAX_KEPT = 4_000_000
"""Probabilities that are kept for curves."""

_SMALLEST = 1e-12


class LabelCollector:
    """Counts of true and predicted labels.

    Attributes:
        labels: The names of the labels.
        true: Samples with the label that are predicted to have it, (L,).
        support: Samples with the label, (L,).
        predicted: Samples that are predicted to have it, (L,).
        samples: The number of samples.
        exact: The number of samples whose labels are all right.
        kept: True where a sample has a label (P, L), and probabilities (P, L); a part if many.
    """

    def __init__(self, labels: tuple[str, ...], expected: int) -> None:
        """Start without samples; ``expected`` is the number of them that will be added."""
        self.labels = labels
        self.true, self.support, self.predicted = (
            np.zeros(len(labels), np.int64) for _ in range(3)
        )
        self.samples = self.exact = 0
        self.kept = KeptRows(max(MAX_KEPT // len(labels), 1), expected)

    def add(self, values: Array, targets: Array, weights: Array | None) -> Array:
        """Add samples, and return the mean binary cross-entropy of each, (N,).

        Args:
            values: The probabilities, (N, L).
            targets: 1 for each label of a sample, else 0, (N, L).
            weights: Weight of each sample, (N,); those of weight 0 do not count.
        """
        counts = np.ones(len(values), bool) if weights is None else weights != 0
        counts = counts.reshape(len(values), -1).any(axis=1)
        has, chosen = targets[counts] > 0.5, values[counts] > 0.5
        self.true += (has & chosen).sum(axis=0)
        self.support += has.sum(axis=0)
        self.predicted += chosen.sum(axis=0)
        self.samples += len(has)
        self.exact += int((has == chosen).all(axis=1).sum())
        self.kept.add(has, np.nan_to_num(values[counts].astype(np.float32)))
        right = np.where(targets > 0.5, values, 1 - values)
        losses: Array = -np.log(np.maximum(right, _SMALLEST)).mean(axis=1)
        return np.where(counts, losses, np.nan)
