"""The forms of data that a Python program passes: arrays, or tables."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinynet.text.warning import warn

MEMORY = "memory"
"""The type of a dataset whose arrays are passed."""

MANY = 20
"""Targets that equal a column of a table only if they are that column."""

TABLE = "memory_table"
"""The type of a dataset that is a table and is passed."""


def kind_of(value: Any, target: Any) -> tuple[str, dict[str, Any]]:
    """Return the type of a dataset that is passed, and the options that follow from its form.

    Args:
        value: The dataset.
        target: The target column of a table that the spec names, or None.
    """
    if is_frame(value) or is_records(value) or (target is not None and isinstance(value, Mapping)):
        return TABLE, {}
    if not _has_table(value):
        return MEMORY, {}
    x, y = _parts(value)
    options: dict[str, Any] = {}
    if target is None:
        options["target"] = target = _target_name(x, y)
    if np.asarray(y).dtype.kind in "biu":
        options["target_type"] = "class"
    return TABLE, options


def _has_table(value: Any) -> bool:
    """Return True for (x, y) with a table, and one target for each row."""
    if not isinstance(value, tuple) or len(value) != 2:
        return False
    x, y = value
    if not is_frame(x) or y is None or isinstance(y, Mapping):
        return False
    return len(_names(y)) == 1 if is_frame(y) else np.ndim(y) == 1


def _parts(value: Any) -> tuple[Any, Any]:
    """Return the table and its targets; a table of one column is that column."""
    x, y = value
    return x, y[_names(y)[0]] if is_frame(y) else y


def as_table(value: Any, target: Any) -> Any:
    """Return a passed table, with the targets of (x, y) as the column ``target``.

    A column of that name in x is left out, with a warning.
    """
    if not _has_table(value):
        return value
    x, y = _parts(value)
    if target in map(str, _names(x)):
        reason = "has the name of the targets, or equals them"
        warn(f"the column {target!r} of the table is not a feature, since it {reason}")
    y = y.to_numpy() if hasattr(y, "to_numpy") else y
    columns = {str(name): x[name] for name in _names(x) if str(name) != target}
    return {**columns, target: y}


def _target_name(x: Any, y: Any) -> str:
    """Return the name of the targets, or else that of the column of x which equals them."""
    name = getattr(y, "name", None)
    if isinstance(name, str) and name:
        return name
    return next((str(n) for n in _names(x) if _are_equal(x[n], y)), "target")


def _are_equal(column: Any, y: Any) -> bool:
    """Return True if a column has the targets, which are too many to be equal by chance."""
    own, targets = np.asarray(column), np.asarray(y)
    pairs = zip(own, targets, strict=False)  # NA of pandas has no truth value, but a text
    return len(own) == len(targets) >= MANY and all(str(a) == str(b) for a, b in pairs)


def is_frame(value: Any) -> bool:
    """Return True for a DataFrame, a table of pyarrow, or a structured array."""
    has_columns = hasattr(value, "columns") or hasattr(value, "column_names")
    return has_columns or getattr(getattr(value, "dtype", None), "names", None) is not None


def _names(table: Any) -> Sequence[Any]:
    """Return the names of the columns of a table."""
    if hasattr(table, "column_names"):
        return list(table.column_names)
    return list(table.columns if hasattr(table, "columns") else table.dtype.names)


def is_records(value: Any) -> bool:
    """Return True for a list of dicts."""
    return isinstance(value, list) and bool(value) and all(isinstance(v, Mapping) for v in value)
