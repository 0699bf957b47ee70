"""The two words every other module speaks: an array, and the shape of one sample."""

from typing import Any, TypeAlias

import numpy as np

__all__ = ["Array", "Shape"]

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
"""A NumPy array of any shape and dtype; docstrings name the axes."""

Shape: TypeAlias = tuple[int, ...]
"""The shape of one sample: the batch axis is never part of it."""
