"""The angle between outputs and targets."""

import numpy as np

from tinynet.builtin.losses._rowwise import Rowwise
from tinynet.types import Array


class CosineSimilarity(Rowwise):
    """Cosine of the angle between output and target vectors, negated.

    It is -1 for equal directions, and 1 for opposite ones. Outputs (N, ..., D),
    targets (N, ..., D): vectors of D numbers; the mean is taken over a sample's vectors. Against a
    vector of zeros the loss is 0, and so is its gradient.
    """

    family = "embeddings"
    name = "cosine_similarity"

    def compare(self, rows: Array, targets: Array) -> tuple[Array, Array]:
        (units, lengths), (directions, _) = _normalize(rows), _normalize(targets)
        losses = -np.sum(units * directions, axis=1)
        gradient = -(directions + losses[:, None] * units) / lengths
        gradient *= units.any(axis=1, keepdims=True)
        return losses, gradient


def _normalize(rows: Array) -> tuple[Array, Array]:
    """Return rows of length 1, and their lengths, (R, 1): 1 for a row of zeros, which stays."""
    # Divided by the largest number first, squares neither overflow nor become 0.
    largest = np.abs(rows).max(axis=1, keepdims=True)
    largest = np.where(largest > 0, largest, 1)
    scaled = rows / largest
    lengths = np.sqrt(np.square(scaled).sum(axis=1, keepdims=True))
    lengths = np.where(lengths > 0, lengths, 1)
    return scaled / lengths, lengths * largest
