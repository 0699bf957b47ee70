"""Columns of a dataset's source that group its samples, or give their order."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import numpy as np

from tinynet.data.splits import POINTER, chunks, gather
from tinynet.dataset import ColumnValues, Dataset, Located
from tinynet.engine.layer_calls import described
from tinynet.errors import DataError
from tinynet.text.plugin_errors import PluginErrors, plugin_error
from tinynet.text.wording import format_value, suggest
from tinynet.types import Array

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
    if (missing := np.flatnonzero(_is_missing(values))).size:
        raise DataError(
            f"{key} names the column {name!r}, which is empty in {len(missing):,} of"
            f" {len(values):,} samples ({_places(dataset, missing)}); fill in its values, or remove"
            " these samples"
        )
    return values


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


def _is_missing(values: Array) -> Array:
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
    if values.dtype.kind not in "biufM":
        values = _comparable(dataset, values, name, key)
    return np.argsort(values, kind="stable")


def _comparable(dataset: Dataset, values: Array, name: str, key: str) -> Array:
    """Return text or objects as numbers, or as seconds for dates."""
    try:
        numbers = np.array([float(value) for value in values])
    except (TypeError, ValueError):
        return _seconds(dataset, values, name, key)
    if (bad := np.flatnonzero(~np.isfinite(numbers))).size:
        raise _unsortable(dataset, values, bad, name, key)
    return numbers


def _seconds(dataset: Dataset, values: Array, name: str, key: str) -> Array:
    moments = list(_moments(values))
    if bad := [i for i, moment in enumerate(moments) if moment is None]:
        raise _unsortable(dataset, values, np.array(bad), name, key)
    return np.array(moments, "datetime64[us]")


def _moments(values: Array) -> Iterator[datetime | None]:
    """Yield each value as a time without a time zone; None for one that is no date."""
    for value in values:
        try:
            moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        except ValueError:
            moment = None
        if isinstance(moment, datetime):
            is_local = moment.tzinfo is None
            yield moment if is_local else moment.astimezone(UTC).replace(tzinfo=None)
        elif isinstance(moment, date):
            yield datetime(moment.year, moment.month, moment.day)
        else:
            yield None


def _unsortable(dataset: Dataset, values: Array, bad: Array, name: str, key: str) -> DataError:
    return DataError(
        f"{key} sorts by the column {name!r}, but {format_value(str(values[bad[0]]))} is neither a"
        f" number nor an ISO date such as 2024-12-31 ({len(bad):,} of {len(values):,} samples:"
        f' {_places(dataset, bad)}); write dates as YYYY-MM-DD, or sort the file and set "order":'
        ' "as_is"'
    )


def _places(dataset: Dataset, indices: Array) -> str:
    shown = [int(index) for index in indices[:_MAX_PLACES]]
    if isinstance(dataset, Located):
        with PluginErrors(dataset, "where raised"):
            places = [dataset.where(index) for index in shown]
    else:
        places = [f"sample {index}" for index in shown]
    return "; ".join(places) + ("; ..." if len(indices) > len(shown) else "")
