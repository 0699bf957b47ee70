"""Softmax and cross-entropy in one, on logits."""

import numpy as np

from tinynet.kernels.memory import Empty
from tinynet.types import Array


def softmax_cross_entropy(
    logits: Array, labels: Array, label_smoothing: float, empty: Empty
) -> tuple[Array, Array]:
    """See `Kernels.softmax_cross_entropy`."""
    rows, classes = logits.shape
    at_label = np.arange(rows), labels
    shifted = empty(logits.shape, logits.dtype)
    np.subtract(logits, logits.max(axis=1, keepdims=True), out=shifted)
    gradient = np.exp(shifted, out=empty(logits.shape, logits.dtype))
    total = gradient.sum(axis=1, keepdims=True)
    # -sum(target * log_softmax), where log_softmax = shifted - log(total) and targets sum to 1.
    losses = np.log(total[:, 0]) - (1 - label_smoothing) * shifted[at_label]
    if label_smoothing:
        losses -= label_smoothing * shifted.mean(axis=1)
    gradient /= total
    gradient -= label_smoothing / classes
    gradient[at_label] -= 1 - label_smoothing
    return losses, gradient
