"""The inputs of an estimator: arrays, tables with columns of any kind, or texts."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.utils.validation import validate_data

from tinynet.types import Array


def validated_inputs(estimator: Any, x: Any, *, reset: bool) -> Any:
    """Check inputs as scikit-learn's estimators do, and return them.

    Arrays have numbers, (N, ...) with at least one feature axis. A DataFrame is returned as it is
    if a column does not hold numbers, or if the estimator's spec has options of columns: tinynet's
    tables encode it. So are texts.

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
    array: Array = validate_data(estimator, x, reset=reset, dtype="numeric", allow_nd=True)
    return array.astype(np.float32) if array.dtype == bool else array


def is_table(x: Any, spec: Any = None) -> bool:
    """Return True for a DataFrame with columns for `spec`, or with others than of numbers."""
    if not (hasattr(x, "columns") and hasattr(x, "dtypes")):
        return False
    data = spec.get("data", {}) if isinstance(spec, Mapping) else {}
    return "columns" in data or not all(_is_numeric(dtype) for dtype in x.dtypes)


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
