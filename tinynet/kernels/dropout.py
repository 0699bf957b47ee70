"""Dropout."""

import numpy as np

from tinynet.kernels.memory import Empty
from tinynet.types import Array


def dropout(x: Array, uniform: Array, rate: float, empty: Empty) -> tuple[Array, Array]:
    """See `Kernels.dropout`."""
    mask = np.greater_equal(uniform, rate, out=empty(x.shape, x.dtype))
    mask *= 1 / (1 - rate)
    return np.multiply(x, mask, out=empty(x.shape, x.dtype)), mask
