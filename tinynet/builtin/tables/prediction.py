"""Unlabeled rows of tables, read by the rules of the table that a model was trained on."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tinynet.builtin.tables.columns import Column, parse_column
from tinynet.builtin.tables.config import TableConfig
from tinynet.builtin.tables.faults import Faults
from tinynet.builtin.tables.inputs import TableInput, make_input
from tinynet.builtin.tables.layout import column_names, find_features, flat
from tinynet.builtin.tables.learned import unpack
from tinynet.builtin.tables.opened import rows_to_drop, source_columns
from tinynet.builtin.tables.raw_table import ChooseColumns, RawTable
from tinynet.builtin.tables.remedies import correction_message, kind_options
from tinynet.builtin.tables.time_zones import in_zone
from tinynet.builtin.tables.unknown_cells import UnknownCells
from tinynet.dataset import Field, InputRows, State
from tinynet.errors import DataError
from tinynet.text.wording import suggest
from tinynet.types import Array

Inputs = Mapping[str, str | tuple[str, ...]]

ROWS = 4096
"""Rows that are read at a time, at least."""


def read_rows(
    config: TableConfig,
    place: str,
    read: Callable[[ChooseColumns], Iterator[RawTable]],
    fields: Mapping[str, Field],
    state: State,
    keep: Sequence[str],
) -> Iterator[InputRows]:
    """Yield the inputs of a table, part by part; see `tinynet.dataset.RowReader`."""
    inputs = _inputs_of(config, fields)
    learned = unpack(state)
    features = [*flat(inputs.values())]
    positions: dict[str, str] = {}

    def choose(header: Sequence[str]) -> Sequence[str]:
        positions.update(_positions(config, place, header, features))
        if unknown := [name for name in keep if name not in header]:
            raise DataError(
                f"{place} has no column {unknown[0]!r} to keep; {suggest(unknown[0], header)}"
            )
        needed = {*positions.values(), *keep}
        return [name for name in header if name in needed]

    start, unknown = 0, UnknownCells(place)
    for raw in _larger(read(choose)):
        if raw.rows:
            columns, rows = _parsed(config, raw, positions)
            unknown.add(columns.values(), learned)
            arrays = {
                name: _made(entry, columns).encoded(learned).gather(rows)
                for name, entry in inputs.items()
            }
            kept = {name: _kept(raw, name, rows) for name in keep}
            places = [raw.where(row) for row in rows.tolist()]
            left_out = [
                (start + row, {name: raw.columns[name][row] for name in keep})
                for row in np.setdiff1d(np.arange(raw.rows), rows).tolist()
            ]
            yield InputRows(arrays, rows + start, places, kept, len(left_out), left_out)
        start += raw.rows
    if not start:
        raise DataError(f"{place} has a header and no rows")
    unknown.report()


def _larger(parts: Iterable[RawTable]) -> Iterator[RawTable]:
    """Join consecutive parts of a file, so that its first row is not read alone."""
    joined: list[RawTable] = []
    for part in parts:
        if joined and part.place != joined[0].place:
            yield _join(joined)
            joined = []
        joined.append(part)
        if sum(table.rows for table in joined) >= ROWS:
            yield _join(joined)
            joined = []
    if joined:
        yield _join(joined)


def _join(parts: Sequence[RawTable]) -> RawTable:
    first = parts[0]
    if len(parts) == 1:
        return first
    columns = {
        name: np.concatenate([part.columns[name] for part in parts]) for name in first.columns
    }
    lines = None if first.lines is None else [n for part in parts for n in part.lines or ()]
    rows = sum(part.rows for part in parts)
    underscores = any(part.underscores for part in parts)
    return replace(first, columns=columns, rows=rows, lines=lines, underscores=underscores)


def _inputs_of(config: TableConfig, fields: Mapping[str, Field]) -> Inputs:
    """Return the columns of each input; those of older checkpoints are numbers."""
    features = config.inferred.features if config.inferred is not None else None
    if features is None:
        return {name: field.names or () for name, field in fields.items()}
    if isinstance(features, dict):
        return {name: column_names(entry) for name, entry in features.items()}
    names = column_names(features)
    return {"input": names}


def _parsed(
    config: TableConfig, raw: RawTable, positions: Mapping[str, str]
) -> tuple[dict[str, Column], Array]:
    """Return the columns of the features, and the rows (N,) that are not dropped."""
    faults = Faults(raw)
    sources = source_columns(config, raw, positions)
    columns = {
        name: parse_column(source, kind_options(config, name), faults)
        for name, source in sources.items()
    }
    dropped = rows_to_drop(columns.values(), raw.rows)
    faults.settle(dropped)
    if faults.columns:
        raise DataError(correction_message(config, faults, [*positions]))
    return columns, np.flatnonzero(~dropped)


def _kept(raw: RawTable, name: str, rows: Array) -> list[Any]:
    """Return the cells of a column, times in the zone of the source."""
    cells = [raw.columns[name][row] for row in rows.tolist()]
    return in_zone(cells, raw.zones[name]) if name in raw.zones else cells


def _made(entry: str | tuple[str, ...], columns: Mapping[str, Column]) -> TableInput:
    if isinstance(entry, str):
        return make_input(columns[entry])
    return make_input([columns[name] for name in entry])


def _positions(
    config: TableConfig, place: str, header: Sequence[str], features: Sequence[str]
) -> dict[str, str]:
    """Return the column of a table that holds each feature of the training.

    With a header, columns are found by name. Without one, the table has the columns of the training
    table, or the features alone, in their order.
    """
    if config.has_header:
        find_features(config, place, header, features)
        return {name: name for name in features}
    if len(header) == len(features):
        return dict(zip(features, header, strict=True))
    width = len(header)
    trained = len(features) + (1 if config.weights is None else 2)
    if config.inferred is not None and config.inferred.columns:
        trained = len({*config.inferred.columns, *(config.columns or {})})
    by_position = width > max(int(name) for name in features)
    if by_position and (config.features is not None or width == trained):
        return {name: header[int(name)] for name in features}
    expected = "all" if config.features is not None else f"all {trained}"
    raise DataError(
        f"{place} has {width} columns; give it {expected} columns of the training file, or only"
        f" its {len(features)} features"
    )
