"""Columns of pyarrow's tables as the arrays of `RawTable`."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinynet.types import Array


def is_readable(kind: Any) -> bool:
    """Return True if `column_array` can convert a column of an Arrow type."""
    from pyarrow import types

    if types.is_dictionary(kind):
        return is_readable(kind.value_type)
    tests = (
        types.is_boolean,
        types.is_integer,
        types.is_floating,
        types.is_decimal,
        types.is_string,
        types.is_large_string,
        types.is_string_view,
        types.is_binary,
        types.is_large_binary,
        types.is_timestamp,
        types.is_date,
        types.is_null,
    )
    return any(test(kind) for test in tests)


def column_array(column: Any) -> Array:
    """Convert a column (a ``ChunkedArray`` or ``Array`` of pyarrow).

    Integers with missing values are floats, and booleans with missing values are the texts
    ``True`` and ``False``. Times are in UTC. A column without any value is NaN.

    Raises:
        pyarrow.ArrowException: for bytes that are not text, and numbers out of range.
    """
    import pyarrow as pa
    from pyarrow import types

    kind = column.type
    if types.is_dictionary(kind):
        return column_array(column.cast(kind.value_type))
    if types.is_null(kind):
        return np.full(len(column), np.nan)
    if types.is_boolean(kind):
        if column.null_count:
            return text_array([v if v is None else str(v) for v in column.to_pylist()])
        return _numpy(column).astype(bool)
    if types.is_integer(kind) and not column.null_count:
        return _numpy(column.cast(pa.int64()))
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        if types.is_float16(kind):
            column = column.cast(pa.float32())
        return _numpy(column.cast(pa.float64(), safe=False)).astype(np.float64, copy=False)
    if types.is_timestamp(kind) or types.is_date(kind):
        stamps = column.cast(pa.timestamp("us", getattr(kind, "tz", None)), safe=False)
        return _numpy(stamps).astype("M8[us]")
    return _shared_texts(column.cast(pa.string()))


def _shared_texts(column: Any) -> Array:
    """Return texts, equal ones of which share their memory."""
    import pyarrow as pa

    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks() if column.num_chunks else pa.array([], pa.string())
    encoded = column.dictionary_encode()
    texts = encoded.dictionary.to_pylist()
    places = _numpy(encoded.indices.fill_null(len(texts)))
    result: Array = text_array([*texts, None])[places]
    return result


def _numpy(column: Any) -> Array:
    result: Array = np.asarray(column.to_numpy(zero_copy_only=False))
    return result


def text_array(values: Sequence[str | None]) -> Array:
    """Return texts without white space around them, as in text tables; None is missing."""
    result = np.empty(len(values), object)
    result[:] = [value if value is None else value.strip() for value in values]
    return result
