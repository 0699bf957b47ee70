"""Channels are the last axis, and short: how to reduce and broadcast over all others at speed.

NumPy runs one inner loop over the last axis for every other index. With few channels it spends
its time between those loops; the helpers here make them long.
"""

import numpy as np

from tinynet.types import Array


def channel_sums(x: Array) -> Array:
    """Sum over every axis but the last: (..., C) -> (C,), as one matrix product."""
    rows = x.reshape(-1, x.shape[-1])
    return np.ones(len(rows), x.dtype) @ rows


def rectify(x: Array) -> None:
    """max(x, 0) in place, of any shape; NaN stays NaN."""
    rows = wide(x)
    # NumPy takes a number for np.maximum several times more slowly than an array.
    np.maximum(rows, np.zeros(rows.shape[-1], x.dtype), out=rows)


def widen(vector: Array, x: Array) -> Array:
    """(C,) repeated to fit a row of `wide`."""
    if x.ndim <= 2:
        return vector
    repeated = np.empty(x.shape[-2:], vector.dtype)
    repeated[...] = vector
    return repeated.reshape(-1)


def wide(x: Array) -> Array:
    """(..., W, C) as rows (R, W * C); a view if ``x`` is contiguous."""
    return x.reshape(-1, x.shape[-2] * x.shape[-1]) if x.ndim > 2 else x
