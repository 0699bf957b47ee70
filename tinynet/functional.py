"""Functions that several plugins share, computed without overflow or cancellation."""

import numpy as np

from tinynet.types import Array

__all__ = ["log_softmax", "sigmoid", "softmax", "softplus"]


def log_softmax(x: Array, axis: int = -1) -> Array:
    """Return the logarithm of `softmax` along ``axis``; any shape, dtype kept.

    Args:
        x: float32 or float64; not changed.
        axis: The axis whose exponentials sum to 1.
    """
    shifted = x - np.max(x, axis=axis, keepdims=True)
    logarithms: Array = shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))
    return logarithms


def sigmoid(x: Array, out: Array | None = None) -> Array:
    """Return the logistic function 1 / (1 + exp(-x)), elementwise; any shape, dtype kept.

    Args:
        x: float32 or float64; not changed unless it is ``out``, too.
        out: The array for the result; None for a new one.
    """
    y = np.negative(x, out=np.empty_like(x) if out is None else out)
    with np.errstate(over="ignore"):  # where exp(-x) is infinite, 0 is the right answer
        np.exp(y, out=y)
    y += 1
    return np.reciprocal(y, out=y)


def softmax(x: Array, axis: int = -1, out: Array | None = None) -> Array:
    """Return exp(x) / sum(exp(x)) along ``axis``; any shape, dtype kept.

    The maximum is subtracted first, so the exponential never overflows.

    Args:
        x: float32 or float64; not changed unless it is ``out``, too.
        axis: The axis that sums to 1.
        out: The array for the result; None for a new one.
    """
    # The methods of the functions, since np.max and np.sum take as long as a small array.
    top = np.maximum.reduce(x, axis=axis, keepdims=True)
    y: Array = np.subtract(x, top, out=np.empty_like(x) if out is None else out)
    np.exp(y, out=y)
    y /= np.add.reduce(y, axis=axis, keepdims=True)
    return y


def softplus(x: Array, out: Array | None = None) -> Array:
    """Return log(1 + exp(x)), elementwise; any shape, dtype kept.

    Args:
        x: float32 or float64; not changed unless it is ``out``, too.
        out: The array for the result; None for a new one.
    """
    positive = np.clip(x, 0, np.inf)
    y: Array = np.abs(x, out=np.empty_like(x) if out is None else out)
    np.negative(y, out=y)
    np.exp(y, out=y)
    np.log1p(y, out=y)
    y += positive
    return y
