"""Columns of a dataset's source that group its samples, or give their order."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from tinynet.data.splits import POINTER, chunks, gather
from tinynet.dataset import ColumnValues, Dataset, Located
from tinynet.engine.layer_calls import described
from tinynet.errors import DataError
from tinynet.text.plugin_errors import PluginErrors, plugin_error
from tinynet.text.wording import format_value, suggest
from tinynet.types import Array

Where: TypeAlias = Callable[[int], str]
"""Return the place of a sample, for messages."""

_MAX_PLACES = 3
"""Samples that a message names."""


def read_column(dataset: Dataset, name: str, key: str, pointer: str = POINTER) -> Array:
    """Return the values (N,) of a column; ``key`` is the key of the spec that names it.

    Without the ability `ColumnValues` the columns of a dataset are its arrays (N,) and the named
    features of its arrays (N, F).

    Raises:
        DataError: for an unknown column, and for missing values.
    """
    if isinstance(dataset, ColumnValues):
        with PluginErrors(dataset, "column_values raised", pointer):
            values: Array = dataset.column_values(name)
        if np.shape(values) != (len(dataset),) or not isinstance(values, np.ndarray):
            message = f"column_values must return an array of shape {(len(dataset),)}; it returned"
            raise plugin_error(dataset, f"{message} {described(values)}", pointer)
    else:
        values = _read_array(dataset, name, key, pointer)
    require_values(values, name, key, partial(_place, dataset))
    return values


def require_values(values: Array, name: str, key: str, where: Where) -> None:
    """Raise `DataError` if a column has missing values; ``where`` returns the place of a sample."""
    if (missing := np.flatnonzero(is_missing(values))).size:
        empty = "empty or not a date" if values.dtype.kind == "M" else "empty"
        raise DataError(
            f"{key} names the column {name!r}, which is {empty} in {len(missing):,} of"
            f" {len(values):,} samples ({_places(where, missing)}); correct its values, or remove"
            " these samples"
        )


def _read_array(dataset: Dataset, name: str, key: str, pointer: str) -> Array:
    available = _columns(dataset)
    if name not in available:
        raise DataError(
            f"{key} names the column {name!r}, which does not exist; {suggest(name, available)}"
        )
    array, position = available[name]
    parts = []
    for indices in chunks(len(dataset)):
        batch = gather(dataset, indices, pointer)
        values: Array = {**batch.inputs, **batch.targets}[array]
        parts.append(values if position is None else values[:, position])
    return np.concatenate(parts)


def _columns(dataset: Dataset) -> dict[str, tuple[str, int | None]]:
    """Return the array of each column, and its feature in it, by the name of the column."""
    columns: dict[str, tuple[str, int | None]] = {}
    for array, field in {**dataset.inputs, **dataset.targets}.items():
        if len(field.shape) == 1:
            features = enumerate(field.names or ())
            columns.update((name, (array, i)) for i, name in features if name not in columns)
        elif not field.shape:
            columns[array] = (array, None)
    return columns


def is_missing(values: Array) -> Array:
    """Return True for each missing value of a column, (N,)."""
    if values.dtype.kind == "O":
        return np.array([v is None or v == "" or v != v for v in values], bool)
    missing: Array = values == "" if values.dtype.kind == "U" else values != values
    return missing


def group_codes(values: Array) -> Array:
    """Return the group of each sample (N,), int64, numbered from 0 by their first samples."""
    if values.dtype.kind == "O":
        numbers: dict[Any, int] = {}
        codes = (numbers.setdefault(value, len(numbers)) for value in values)
        return np.fromiter(codes, np.int64, len(values))
    _, first, inverse = np.unique(values, return_index=True, return_inverse=True)
    ranks = np.empty(len(first), np.int64)
    ranks[np.argsort(first)] = np.arange(len(first))
    codes_of_samples: Array = ranks[inverse]
    return codes_of_samples


def sorted_positions(dataset: Dataset, name: str, key: str, pointer: str = POINTER) -> Array:
    """Return the positions (N,) of the samples in the order of a column; equal ones keep theirs.

    Raises:
        DataError: for values that are neither numbers nor dates.
    """
    values = read_column(dataset, name, key, pointer)
    return np.argsort(sort_keys(values, name, key, partial(_place, dataset)), kind="stable")


def sort_keys(values: Array, name: str, key: str, where: Where) -> Array:
    """Return the values of a column as numbers, or as times for dates.

    Raises:
        DataError: for values that are neither.
    """
    if values.dtype.kind in "biufM":
        return values
    try:
        keys = np.array([float(value) for value in values])
        wrong = np.flatnonzero(~np.isfinite(keys))
    except (TypeError, ValueError):
        keys = np.array([_moment(value) for value in values], "datetime64[us]")
        wrong = np.flatnonzero(np.isnat(keys))
    if wrong.size:
        raise DataError(
            f"{key} sorts by the column {name!r}, but {format_value(str(values[wrong[0]]))} is"
            f" neither a number nor an ISO date such as 2024-12-31 ({len(wrong):,} of"
            f" {len(values):,} samples: {_places(where, wrong)}); write dates as YYYY-MM-DD, or"
            f' declare those of a table: "columns": {{"{name}": {{"kind": "date", "format":'
            ' "%d/%m/%Y"}}; or sort the file and set "order": "as_is"'
        )
    return keys


def _moment(value: Any) -> datetime | None:
    """Return a value as a time without a time zone; None for one that is no date."""
    try:
        moment = (
            datetime.fromisoformat(value.replace("/", "-")) if isinstance(value, str) else value
        )
    except ValueError:
        return None
    if isinstance(moment, datetime):
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    return datetime(moment.year, moment.month, moment.day) if isinstance(moment, date) else None


def _place(dataset: Dataset, index: int) -> str:
    if not isinstance(dataset, Located):
        return f"sample {index}"
    with PluginErrors(dataset, "where raised"):
        return dataset.where(index)


def _places(where: Where, indices: Array) -> str:
    shown = [where(int(index)) for index in indices[:_MAX_PLACES]]
    return "; ".join(shown) + ("; ..." if len(indices) > len(shown) else "")
