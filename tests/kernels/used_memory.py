"""Memory that a kernel must write before it reads it."""

import numpy as np


def dirty(shape, dtype):
    """Return memory as a workspace hands it out: full of something else."""
    return np.full(shape, 99, dtype)
