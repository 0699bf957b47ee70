"""The rectifier.

NumPy compares an array with an array several times faster than it takes np.maximum of an array and
a number, or np.where of a mask. Hence the forms below.
"""

import numpy as np

from tinynet.kernels.memory import Empty
from tinynet.types import Array


def relu(x: Array, empty: Empty) -> Array:
    """See `Kernels.relu`."""
    y = empty(x.shape, x.dtype)
    y.fill(0)
    return np.maximum(x, y, out=y)


def relu_backward(dy: Array, y: Array, empty: Empty) -> Array:
    """See `Kernels.relu_backward`."""
    dx = empty(dy.shape, dy.dtype)
    np.greater(y, 0, out=dx)
    dx *= dy
    return dx
