"""The norms of optimizers that scale the step of a whole parameter."""

import math

import numpy as np

from tinynet.types import Array


def norm(x: Array) -> float:
    """Return the Euclidean norm, summed in float64 and not by BLAS: it depends on no threads."""
    return math.sqrt(np.square(x, dtype=np.float64).sum())
