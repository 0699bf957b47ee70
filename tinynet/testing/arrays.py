"""Drawing, copying and comparing named arrays."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from tinynet.errors import UsageError
from tinynet.kernels.memory import aligned_empty
from tinynet.testing.checks import CheckFailed, require
from tinynet.types import Array, Shape

Arrays: TypeAlias = dict[str, Array]
"""The arrays of a pass, by their names in messages: ``"output"``, ``"gradient of weight"``."""

TOLERANCE = 1e-10
"""Relative to the largest element, for float64 results that may be rounded in another order."""


def spread(
    rng: np.random.Generator, shapes: Sequence[Shape], dtype: DTypeLike, scale: float = 2.0
) -> tuple[Array, ...]:
    """Return evenly spaced numbers within +-``scale`` in random order, over all ``shapes``.

    No two are equal and none is 0, so that a maximum has no tie and a ReLU no kink nearby.
    """
    sizes = [math.prod(shape) for shape in shapes]
    count = sum(sizes)
    # A third of a cell off the center: no count of cells puts a number at 0.
    numbers = ((np.arange(count) + 1 / 3) * (2 / count) - 1) * scale
    parts = np.split(rng.permutation(numbers), np.cumsum(sizes)[:-1])
    return tuple(
        owned(part.reshape(shape).astype(dtype)) for part, shape in zip(parts, shapes, strict=True)
    )


def owned(array: Array) -> Array:
    """Return a writable, contiguous, aligned copy: arrays as the engine passes them."""
    array = np.asarray(array)
    copy = aligned_empty(array.shape, array.dtype)
    copy[...] = array
    return copy


def read_only(array: Array) -> Array:
    """Return a copy that cannot be written to."""
    copy = owned(array)
    copy.flags.writeable = False
    return copy


def dtype_names(dtypes: Sequence[str]) -> tuple[str, ...]:
    """Return the argument ``dtypes`` of a kit's function as a tuple.

    Raises:
        UsageError: for a single string, whose characters would be taken for dtypes.
    """
    if isinstance(dtypes, str):
        raise UsageError(f"dtypes={dtypes!r} must be a list of strings, such as {[dtypes]!r}")
    return tuple(dtypes)


def is_float(array: Array) -> bool:
    """Return True if the array holds real numbers, which can have a gradient."""
    return np.issubdtype(array.dtype, np.floating)


def require_array(value: Any, what: str, shape: Shape | None, dtype: DTypeLike | None) -> None:
    """Raise `CheckFailed` unless ``value`` is an array of that shape and dtype."""
    require(isinstance(value, np.ndarray), f"{what} is a {type(value).__name__}, not an array")
    if shape is not None:
        require(value.shape == shape, f"{what} has shape {value.shape} instead of {shape}")
    if dtype is not None:
        right = np.dtype(dtype)
        require(value.dtype == right, f"{what} is {value.dtype} instead of {right}")


def require_finite(arrays: Arrays, when: str) -> None:
    """Raise `CheckFailed` at the first NaN or infinity."""
    for name, array in arrays.items():
        if is_float(array) and not np.isfinite(array).all():
            index = _first(~np.isfinite(array))
            raise CheckFailed(f"{when}: {name}{_place(index)} is {array[index]}")


@contextmanager
def floating_point_errors(when: str) -> Iterator[None]:
    """Raise `CheckFailed` at errors that NumPy warns of, such as overflow and 0 / 0."""
    try:
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            yield
    except FloatingPointError as error:
        raise CheckFailed(f"{when}: {error}") from error


def require_same_bits(expected: Arrays, actual: Arrays, when: str) -> None:
    """Raise `CheckFailed` unless both hold the same arrays, bit for bit."""
    _require_same_names(expected, actual, when)
    for name, right in expected.items():
        array = actual[name]
        require_array(array, f"{when}: {name}", right.shape, right.dtype)
        if array.tobytes() != right.tobytes():
            index = _first(array != right)
            raise CheckFailed(
                f"{when}: {name}{_place(index)} is {array[index]} instead of {right[index]}"
            )


def require_close(
    expected: Arrays, actual: Arrays, when: str, tolerance: float = TOLERANCE
) -> None:
    """Raise `CheckFailed` unless both hold the same arrays up to rounding.

    The tolerance is relative to the largest element of each array, or to 1 if all are smaller.
    """
    _require_same_names(expected, actual, when)
    for name, right in expected.items():
        array = actual[name]
        require_array(array, f"{when}: {name}", right.shape, None)
        allowed = tolerance * max(1.0, float(np.abs(right).max(initial=0.0)))
        bad = ~(np.abs(array - right) <= allowed)
        if bad.any():
            index = _first(bad)
            raise CheckFailed(
                f"{when}: {name}{_place(index)} is {array[index]} instead of {right[index]}"
                f" (tolerance {allowed:.1e})"
            )


def _require_same_names(expected: Arrays, actual: Arrays, when: str) -> None:
    for name in expected.keys() - actual.keys():
        raise CheckFailed(f"{when}: {name} is missing")
    for name in actual.keys() - expected.keys():
        raise CheckFailed(f"{when}: {name} appears, and did not before")


def _first(mask: Array) -> tuple[int, ...]:
    """Return the index of the first True, or of the first element without one (-0.0 and 0.0)."""
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(mask)), np.shape(mask)))


def _place(index: tuple[int, ...]) -> str:
    return f" at [{', '.join(map(str, index))}]" if index else ""
