"""Values of Python and NumPy as a column of a typed table."""

from collections.abc import Sequence
from datetime import UTC, date
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

import numpy as np

from tinynet.builtin.tables.arrow_columns import text_array
from tinynet.errors import DataError
from tinynet.types import Array

_MISSING = ("NAType", "NaTType", "Null")
"""Names of the types that stand for a missing value in pandas and polars, besides None and NaN."""


def value_column(place: str, name: str, values: Any) -> Array:
    """Return the values of a column (N,) as an array of a typed `RawTable`.

    Integers with missing values are floats, and booleans with missing values are the texts
    ``True`` and ``False``; a mixture of texts and other values is text.

    Raises:
        DataError: for values that are neither numbers, texts, dates nor booleans.
    """
    array = _as_array(values)
    if array is None or array.ndim != 1:
        shape = "is not a sequence" if array is None else f"has the shape {array.shape}"
        raise DataError(f"{place}: column {name!r} {shape}; a column is a sequence of values")
    kind = array.dtype.kind
    if kind == "M":
        return array.astype("M8[us]")
    if kind in "bif":
        return array.astype({"b": bool, "i": np.int64, "f": np.float64}[kind], copy=False)
    if kind == "u":
        small = not array.size or array.max() <= np.iinfo(np.int64).max
        return array.astype(np.int64 if small else np.float64)
    if kind in "UTO":
        return _from_objects(place, name, array.tolist())
    raise DataError(
        f"{place}: column {name!r} has dtype {array.dtype}; a column holds numbers, texts, dates or"
        " booleans"
    )


def _as_array(values: Any) -> Array | None:
    """Return values as an array; None if they are not a sequence."""
    dtype = getattr(values, "dtype", None)
    if not isinstance(dtype, np.dtype):
        if getattr(dtype, "kind", "") == "M":  # times of pandas with a time zone, then in UTC
            return np.asarray(values.to_numpy("M8[us]"))
        if dtype is not None:  # of pandas or polars
            return np.asarray(values.to_numpy())
        if isinstance(values, Sequence) and not isinstance(values, str | bytes):
            # NumPy would make one text of a number among texts.
            array = np.empty(len(values), object)
            array[:] = [*values]
            return array
    array = np.asarray(values)
    return array if array.ndim else None


def _from_objects(place: str, name: str, values: list[Any]) -> Array:
    """Return values of Python by the narrowest type that holds them all."""
    present = [not _is_missing(value) for value in values]
    kinds = {_kind(v) for v, there in zip(values, present, strict=True) if there}
    if None in kinds:
        wrong = next(v for v in values if not _is_missing(v) and _kind(v) is None)
        raise DataError(
            f"{place}: column {name!r} holds a value of the type {type(wrong).__name__}; a column"
            " holds numbers, texts, dates or booleans"
        )
    complete = all(present)
    if not kinds:
        return np.full(len(values), np.nan)
    if kinds == {"date"}:
        times = [_in_utc(v) if t else "NaT" for v, t in zip(values, present, strict=True)]
        return np.array(times, "M8[us]")
    if kinds == {"bool"} and complete:
        return np.array(values, bool)
    if kinds == {"int"} and complete and max(map(abs, values)) < 1 << 63:
        return np.array(values, np.int64)
    if kinds <= {"int", "float"}:
        return np.array([_float(v) if t else np.nan for v, t in zip(values, present, strict=True)])
    return text_array([str(v) if t else None for v, t in zip(values, present, strict=True)])


def _is_missing(value: Any) -> bool:
    if value is None or type(value).__name__ in _MISSING:
        return True
    if isinstance(value, np.datetime64):
        return bool(np.isnat(value))
    if isinstance(value, Decimal):
        return value.is_nan()
    return isinstance(value, Real) and bool(value != value)


def _kind(value: Any) -> str | None:
    if isinstance(value, bool | np.bool_):
        return "bool"
    if isinstance(value, Integral):
        return "int"
    if isinstance(value, Real | Decimal):
        return "float"
    if isinstance(value, str):
        return "text"
    return "date" if isinstance(value, date | np.datetime64) else None


def _in_utc(value: Any) -> Any:
    """Return a date or time without a time zone."""
    if getattr(value, "tzinfo", None) is None:
        return value
    return value.astimezone(UTC).replace(tzinfo=None)


def _float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return np.inf if value > 0 else -np.inf
