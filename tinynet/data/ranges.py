"""Checks that preprocessed values stay finite in the network's own dtype.

A number such as 1e39 is finite in a table, which is read in float64, and infinite in float32.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from tinynet.data.preprocessing import Preprocessing
from tinynet.dataset import Field
from tinynet.errors import DataError
from tinynet.transform import SampleError
from tinynet.types import Array


def may_overflow(preprocessing: Preprocessing, name: str, dtype: np.dtype[Any]) -> bool:
    """Return True if an array can become infinite in transforms, or when cast to ``dtype``."""
    own = np.dtype(preprocessing.fields[name].dtype)
    if own.kind != "f":
        return False
    transformed = any(stage.on == name for stage in preprocessing.stages)
    return transformed or bool(np.finfo(own).max > np.finfo(dtype).max)


@contextmanager
def naming_samples(place: Callable[[int], str]) -> Iterator[None]:
    """Name the origin of a sample that a transform refuses; ``place`` returns that of a row."""
    try:
        yield
    except SampleError as error:
        raise DataError(f"{place(error.row)}: {error.why}") from error


def require_finite(
    preprocessing: Preprocessing,
    arrays: Mapping[str, Array],
    dtype: np.dtype[Any],
    place: Callable[[int], str],
    *,
    fitted: bool = False,
) -> None:
    """Require preprocessed arrays to be finite once they are cast to the network's dtype.

    Args:
        preprocessing: The transforms that were applied.
        arrays: By name, (N, ...) each.
        dtype: The network's dtype.
        place: Return the origin of a row, for messages.
        fitted: True if the transforms belong to a trained model and cannot be changed.

    Raises:
        DataError: with the first NaN or infinity of each array.
    """
    problems = []
    for name, array in arrays.items():
        if array.dtype.kind != "f" or not may_overflow(preprocessing, name, dtype):
            continue
        with np.errstate(over="ignore", invalid="ignore"):
            finite = np.isfinite(array.astype(dtype, copy=False))
        if not finite.all():
            row, *position = (int(axis) for axis in np.argwhere(~finite)[0])
            value = array[(row, *position)]
            after, remedy = "", 'value, or scale it with a transform such as "standardize"'
            if any(stage.on == name for stage in preprocessing.stages):
                after, remedy = " after its transforms", "value or the transforms"
            if fitted:
                remedy = "value"
            problems.append(
                f"{place(row)}: {_part(preprocessing.fields[name], position)} of {name!r} is"
                f" {value:g}{after}, but the network's {dtype.name} holds numbers up to"
                f" {np.finfo(dtype).max:.2g}; correct the {remedy}"
            )
    if problems:
        raise DataError("\n  ".join(problems))


def _part(field: Field, position: list[int]) -> str:
    if field.names is not None and position:
        return f"column {field.names[position[-1]]!r}"
    return f"the value at {position}" if position else "the value"
