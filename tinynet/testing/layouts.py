"""Memory layouts that a plugin's tests seldom try, with the same numbers."""

from collections.abc import Callable, Mapping

import numpy as np

from tinynet.types import Array


def _fortran(array: Array) -> Array:
    return np.array(array, order="F")


def _strided(array: Array) -> Array:
    return np.repeat(array, 2, axis=-1)[..., ::2]


def _reversed(array: Array) -> Array:
    return array[::-1].copy()[::-1]


LAYOUTS: Mapping[str, Callable[[Array], Array]] = {
    "in Fortran order": _fortran,
    "every second number of a larger array": _strided,
    "stored backwards": _reversed,
}
