"""Rotation of vectors by angles that depend on their position."""

import numpy as np

from tinynet.kernels.memory import Empty
from tinynet.types import Array


def rotate(x: Array, cosines: Array, sines: Array, empty: Empty) -> Array:
    """See `Kernels.rotate`."""
    half = cosines.shape[-1]
    cosines, sines = cosines[:, None], sines[:, None]
    y = empty(x.shape, x.dtype)
    product = empty((*x.shape[:-1], half), x.dtype)
    first, second = x[..., :half], x[..., half:]
    np.multiply(first, cosines, out=y[..., :half])
    y[..., :half] -= np.multiply(second, sines, out=product)
    np.multiply(second, cosines, out=y[..., half:])
    y[..., half:] += np.multiply(first, sines, out=product)
    return y
