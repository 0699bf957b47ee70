"""Rotation of vectors by angles that depend on their position."""

from tinynet.kernels.memory import Empty
from tinynet.types import Array
from tinynet_native import _kernels


def rotate(x: Array, cosines: Array, sines: Array, empty: Empty) -> Array:
    """See `tinynet.kernels.Kernels.rotate`."""
    y = empty(x.shape, x.dtype)
    _kernels.rotate(x, cosines, sines, y)
    return y
