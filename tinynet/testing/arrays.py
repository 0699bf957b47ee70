"""Drawing, copying and comparing named arrays."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from tinynet.dataset import TEXT, Field
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
    if array.dtype == object:
        return array.copy()
    copy = aligned_empty(array.shape, array.dtype)
    copy[...] = array
    return copy


def read_only(array: Array) -> Array:
    """Return a copy that cannot be written to."""
    copy = owned(array)
    copy.flags.writeable = False
    return copy


def as_samples(samples: Any, field: Field) -> Array:
    """Return samples of a field as an array, (N, *field.shape): text as objects, numbers cast."""
    return np.asarray(samples, object if field.dtype == TEXT else field.dtype)


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
    """Raise `CheckFailed` unless ``value`` is an array of that shape and dtype, or of text."""
    require(isinstance(value, np.ndarray), f"{what} is a {type(value).__name__}, not an array")
    if shape is not None:
        require(value.shape == shape, f"{what} has shape {value.shape} instead of {shape}")
    if dtype is not None:
        right = np.dtype(object if dtype == TEXT else dtype)
        require(value.dtype == right, f"{what} is {value.dtype} instead of {right}")
        texts = value.ravel() if dtype == TEXT else ()
        require(all(type(text) is str for text in texts), f"{what} holds other objects than str")


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
        if _bits(array) != _bits(right):
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
        if right.dtype == object:
            require_same_bits({name: right}, {name: array}, when)
            continue
        allowed = tolerance * max(1.0, float(np.abs(right).max(initial=0.0)))
        bad = ~(np.abs(array - right) <= allowed)
        if bad.any():
            index = _first(bad)
            raise CheckFailed(
                f"{when}: {name}{_place(index)} is {array[index]} instead of {right[index]}"
                f" (tolerance {allowed:.1e})"
            )


def _bits(array: Array) -> Any:
    """Return the content of an array for comparison; the bytes of objects are their addresses."""
    return array.tolist() if array.dtype == object else array.tobytes()


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
