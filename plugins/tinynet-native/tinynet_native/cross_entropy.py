"""Softmax and cross-entropy in one, on logits."""

import numpy as np

from tinynet.kernels.memory import Empty
from tinynet.types import Array
from tinynet_native import _kernels


def softmax_cross_entropy(
    logits: Array, labels: Array, label_smoothing: float, empty: Empty
) -> tuple[Array, Array]:
    """See `tinynet.kernels.Kernels.softmax_cross_entropy`.

    Raises:
        IndexError: A label is not one of the classes.
    """
    losses = empty(logits.shape[:1], logits.dtype)
    gradient = empty(logits.shape, logits.dtype)
    labels = labels.astype(np.int64, copy=False, casting="same_kind")
    _kernels.softmax_cross_entropy(logits, labels, losses, gradient, label_smoothing)
    return losses, gradient
