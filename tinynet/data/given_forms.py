"""The forms of data that a Python program passes: arrays, or tables."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinynet.errors import DataError

MEMORY = "memory"
"""The type of a dataset whose arrays are passed."""

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
    x, y = value
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
    is_row = y is not None and not isinstance(y, Mapping) and np.ndim(y) == 1
    return is_row and is_frame(x)


def as_table(value: Any, target: Any) -> Any:
    """Return a passed table, with the targets of (x, y) as the column ``target``."""
    if not _has_table(value):
        return value
    x, y = value
    y = y.to_numpy() if hasattr(y, "to_numpy") else y
    columns = {str(name): x[name] for name in _names(x)}
    if target in columns:
        raise DataError(
            f"the table has a column {target!r}, which is the name of the target, too; leave it"
            " out, or give the table alone, as in data=df"
        )
    return {**columns, target: y}


def _target_name(x: Any, y: Any) -> str:
    name = getattr(y, "name", None)
    taken = map(str, _names(x))
    return name if isinstance(name, str) and name and name not in taken else "target"


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
