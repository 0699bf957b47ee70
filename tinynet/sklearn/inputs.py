"""The inputs of an estimator: arrays, tables with columns of any kind, or texts."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from pydantic import JsonValue
from sklearn.utils.validation import validate_data

from tinynet.types import Array


def validated_inputs(estimator: Any, x: Any, *, reset: bool) -> Any:
    """Check inputs as scikit-learn's estimators do, and return them.

    Arrays have numbers, (N, ...) with at least one feature axis; sparse ones become dense. A
    DataFrame is returned as it is if a column does not hold numbers, or if the estimator's spec has
    options of columns: tinynet's tables encode it. So are texts.

    Args:
        estimator: The estimator, which gets ``n_features_in_`` and ``feature_names_in_``.
        x: The inputs.
        reset: True in `fit`; False to compare with the inputs of `fit`.

    Raises:
        ValueError: for inputs that cannot be used, or differ from those of `fit`.
    """
    if is_table(x, estimator.spec):
        validate_data(estimator, x, reset=reset, skip_check_array=True)
        return x
    if is_text(x):
        return list(x)
    array = validate_data(
        estimator, x, reset=reset, dtype="numeric", allow_nd=True, accept_sparse=["csr", "csc"]
    )
    dense: Array = array.toarray() if hasattr(array, "toarray") else array
    return dense.astype(np.float32) if dense.dtype == bool else dense


def is_table(x: Any, spec: Any = None) -> bool:
    """Return True for a DataFrame with columns for `spec`, or with others than of numbers."""
    if not (hasattr(x, "columns") and hasattr(x, "dtypes")):
        return False
    data = spec.get("data", {}) if isinstance(spec, Mapping) else {}
    return "columns" in data or not all(_is_numeric(dtype) for dtype in x.dtypes)


def with_targets(inputs: Any, y: Array, spec: Any) -> tuple[Any, dict[str, JsonValue]]:
    """Return samples as `tinynet.train` takes them, and the overrides of the spec that follow.

    A table gets its targets as further columns, whose names no feature has: no column of the table
    is taken for the target.

    Args:
        inputs: The validated inputs.
        y: The encoded targets, (N,) or (N, targets).
        spec: The estimator's spec.
    """
    if not is_table(inputs, spec):
        return (inputs, y), {}
    columns = {str(name): inputs[name] for name in inputs.columns}
    start = "target"
    while any(name.startswith(start) for name in columns):
        start += "_"
    if y.ndim == 1:
        return {**columns, start: y}, {"data.target": start}
    names: list[JsonValue] = [f"{start}{index}" for index in range(y.shape[1])]
    return {**columns, **dict(zip(map(str, names), y.T, strict=True))}, {"data.target": names}


def _is_numeric(dtype: Any) -> bool:
    if isinstance(dtype, np.dtype):
        return dtype.kind in "biuf"
    numeric = getattr(dtype, "is_numeric", None)  # Polars has a method; pandas an attribute
    if numeric is not None:
        return bool(numeric())
    return bool(getattr(dtype, "_is_numeric", False))


def is_text(x: Any) -> bool:
    """Return True for a list, a Series or an array of texts."""
    if isinstance(x, list | tuple) or getattr(x, "ndim", 0) == 1:
        return len(x) > 0 and all(isinstance(item, str) for item in x)
    return False
