"""Parameters that have the shape of a sample, with size 1 along the axes that share a number."""

import math

import numpy as np

from tinynet.layer import Array, Shape


def shared_sum(gradient: Array, shape: Shape) -> Array:
    """Return the sum over all elements that share a parameter: (N, *in_shape) -> ``shape``."""
    first = next((axis for axis, size in enumerate(shape) if size > 1), len(shape))
    # The axes before it are summed by a matrix product, which is faster than np.sum.
    rows = gradient.reshape(-1, *gradient.shape[1 + first :])
    total = np.ones(len(rows), rows.dtype) @ rows.reshape(len(rows), math.prod(rows.shape[1:]))
    total = total.reshape(rows.shape[1:])
    shared = tuple(axis for axis, size in enumerate(shape[first:]) if size == 1)
    return np.asarray(total.sum(axis=shared)).reshape(shape)
