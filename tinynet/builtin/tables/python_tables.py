"""Tables that are objects of Python, as `RawTable`; no library of data frames is imported."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tinynet.builtin.tables.arrow_columns import column_array
from tinynet.builtin.tables.raw_table import ChooseColumns, RawTable
from tinynet.builtin.tables.time_zones import zone_of
from tinynet.builtin.tables.value_columns import value_column
from tinynet.errors import DataError
from tinynet.types import Array


def table_from_object(source: Any, choose: ChooseColumns | None = None) -> RawTable | None:
    """Return an object as a table; None if it is not one.

    Tables are data frames of pandas and polars, tables of pyarrow, structured arrays of NumPy,
    dicts of columns, a dict of one value per column (one row), and lists of such dicts.

    Args:
        source: The object.
        choose: A function from the names of all columns to those that are read; by default all.

    Raises:
        DataError: for columns of different lengths, with equal names, or with values that are
            neither numbers, texts, dates nor booleans.
    """
    for read in (_arrow, _frame, _structured, _dict, _records):
        if (found := read(source)) is not None:
            place, header, column = found
            return _table(place, header, column, choose)
    return None


_Found = tuple[str, Sequence[Any], Callable[[Any], Any]]
"""Place for messages, keys of the columns, and the function that returns the values of one."""


def _arrow(source: Any) -> _Found | None:
    if not hasattr(source, "column_names") or not hasattr(source, "schema"):
        return None
    return "the table", source.column_names, source.column


def _frame(source: Any) -> _Found | None:
    if not hasattr(source, "columns") or not hasattr(source, "dtypes"):
        return None
    return "the DataFrame", [*source.columns], lambda name: source[name]


def _structured(source: Any) -> _Found | None:
    if not isinstance(source, np.ndarray) or source.dtype.names is None:
        return None
    return "the array", source.dtype.names, lambda name: source[name]


def _dict(source: Any) -> _Found | None:
    if not isinstance(source, Mapping) or not source:
        return None
    if not any(map(_is_column, source.values())):
        return "the dict", [*source], lambda name: [source[name]]
    return "the dict", [*source], lambda name: source[name]


def _records(source: Any) -> _Found | None:
    if not isinstance(source, list | tuple) or not source:
        return None
    if not all(isinstance(record, Mapping) for record in source):
        return None
    header = list(dict.fromkeys(key for record in source for key in record))
    return "the list", header, lambda name: [record.get(name) for record in source]


def _is_column(value: Any) -> bool:
    return hasattr(value, "__len__") and not isinstance(value, str | bytes)


def _table(
    place: str, keys: Sequence[Any], column: Callable[[Any], Any], choose: ChooseColumns | None
) -> RawTable:
    by_name = {str(key): key for key in keys}
    header = tuple(map(str, keys))
    if repeated := [name for name, count in Counter(header).items() if count > 1]:
        raise DataError(f"{place} has two columns named {repeated[0]!r}; rename one of them")
    if not header:
        raise DataError(f"{place} has no columns")
    chosen = header if choose is None else choose(header)
    values = {name: column(by_name[name]) for name in chosen}
    columns = {name: _array(place, name, cells) for name, cells in values.items()}
    times = [name for name, cells in columns.items() if cells.dtype.kind == "M"]
    zones = {name: zone for name in times if (zone := zone_of(values[name])) is not None}
    rows = _rows(place, columns, column(keys[0]))
    return RawTable(place, columns, rows, header, typed=True, zones=zones)


def _array(place: str, name: str, cells: Any) -> Array:
    is_arrow = hasattr(cells, "to_pylist")
    return value_column(place, name, column_array(cells) if is_arrow else cells)


def _rows(place: str, columns: Mapping[str, Array], first: Any) -> int:
    """Return the length of all columns; that of the ``first`` of the source if none was read."""
    counts = {name: len(cells) for name, cells in columns.items()}
    if len(set(counts.values())) > 1:
        (name, count), *others = counts.items()
        other, differing = next(item for item in others if item[1] != count)
        raise DataError(
            f"{place}: column {name!r} has {count:,} values and column {other!r} has"
            f" {differing:,}; all columns need the same number"
        )
    return next(iter(counts.values())) if counts else len(first)
