"""Arrays that several files of tests draw and compare."""

import numpy as np


def poisoned(shape, dtype):
    """Return memory that is poisoned: a kernel must write every element before it reads it."""
    array = np.empty(shape, dtype)
    array.fill(np.nan if array.dtype.kind == "f" else 255)
    return array


def normal(rng, dtype, *shapes):
    """Return normally distributed numbers, in an array of each shape."""
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


def as_bytes(results):
    """Return the bytes of arrays, which are equal where the bits are."""
    return [None if array is None else array.tobytes() for array in results]
