"""A table whose columns are chosen, parsed and checked."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tinynet.builtin.tables.cells import MissingMarkers, SourceColumn
from tinynet.builtin.tables.columns import Column, NumberColumn, date_numbers, parse_column
from tinynet.builtin.tables.config import ColumnConfig, TableConfig
from tinynet.builtin.tables.dates import fitting_formats
from tinynet.builtin.tables.faults import Faults
from tinynet.builtin.tables.inference import infer
from tinynet.builtin.tables.layout import Layout, choose_layout
from tinynet.builtin.tables.raw_table import ChooseColumns, ChosenColumns, RawTable
from tinynet.builtin.tables.remedies import Remedies, correction_message
from tinynet.builtin.tables.targets import target_options
from tinynet.builtin.tables.value_columns import value_column
from tinynet.errors import DataError
from tinynet.files.number_cells import NumberFormat
from tinynet.text.wording import format_list, suggest
from tinynet.types import Array

_OPTIONS_OF_NUMBERS = {"missing", "indicator", "fill"}
"""Options that leave the kind of a column open."""


@dataclass(frozen=True)
class OpenedTable:
    """The used columns of a table in compact form, without dropped rows.

    Attributes:
        raw: The table, without its cells.
        layout: The use of its columns.
        columns: The used columns by name.
        unused: Features that were left out, with the reason.
        rows: Number of each sample's row in the table, (N,).
    """

    raw: RawTable
    layout: Layout
    columns: Mapping[str, Column]
    unused: Mapping[str, str]
    rows: Array


def open_table(
    config: TableConfig,
    place: str,
    read: Callable[[ChooseColumns], RawTable],
    *,
    is_new: bool = False,
) -> OpenedTable:
    """Read a table and parse the columns that a spec uses.

    ``is_new`` is True for a table that a trained network is evaluated on: no setting can be changed
    any more, and rows without a target are dropped.

    Raises:
        DataError: naming all columns with cells that cannot be used, and the settings for them.
    """
    layouts: list[Layout] = []

    def choose(header: Sequence[str]) -> Sequence[str]:
        layouts.append(choose_layout(config, place, header))
        used = {*layouts[-1].columns}
        names = [name for name in header if name in used]
        return ChosenColumns(names, _may_be_numbers(config, layouts[-1]))

    raw = read(choose)
    layout = layouts[0]
    if not raw.rows:
        raise DataError(f"{raw.place} has a header and no rows")
    sources = source_columns(config, raw)
    options = _options(config, layout, sources, raw.place)
    if is_new:
        for name in layout.target_columns:
            options[name] = options[name].model_copy(update={"missing": "drop_row"})
    layout, unused = _without_unused(layout, options, sources)
    texts = [name for name in layout.features if options[name].kind == "text"]
    layout = layout.with_own_inputs(texts)
    faults = Faults(raw)
    used = {name: sources[name] for name in layout.columns}
    columns = {name: parse_column(column, options[name], faults) for name, column in used.items()}
    dropped = rows_to_drop(columns.values(), raw.rows)
    faults.settle(dropped)
    if faults.columns and is_new:
        raise DataError(correction_message(config, faults, layout.features, layout.roles))
    if faults.columns:
        raise DataError(Remedies(config, layout, options, sources, faults).message())
    rows = np.flatnonzero(~dropped)
    if not len(rows) and is_new:
        raise DataError(
            f"{raw.place}: no row can be evaluated: each lacks a target, or a cell that is needed"
        )
    if not len(rows):
        dropping = [repr(name) for name, own in options.items() if own.missing == "drop_row"]
        raise DataError(
            f"{raw.place}: every row has a missing cell in a column that drops such rows"
            f" ({format_list(dropping)}); choose another strategy for one of them"
        )
    if len(rows) < raw.rows:
        columns = {name: column.take(rows) for name, column in columns.items()}
    return OpenedTable(without_cells(raw), layout, columns, unused, rows)


def source_columns(
    config: TableConfig, raw: RawTable, positions: Mapping[str, str] | None = None
) -> dict[str, SourceColumn]:
    """Return the columns of a table by name, for parsing.

    ``positions`` holds the name in the table of each column, if some have other names there.
    """
    markers = MissingMarkers(config.missing_values, raw.numbers)
    names = positions or {name: name for name in raw.columns}
    return {
        name: SourceColumn(
            name,
            raw.columns[own],
            raw.numbers,
            markers,
            typed=raw.typed,
            underscores=raw.underscores,
        )
        for name, own in names.items()
    }


def _may_be_numbers(config: TableConfig, layout: Layout) -> Iterator[str]:
    """Yield the columns that are numbers if all of their cells are."""
    of_classes = config.target_type == "class" or config.classes is not None
    labels = {*layout.target_columns} if of_classes else set()
    for name in layout.columns:
        options = config.options(name)
        free = options.kind == "number" or options.changed.keys() <= _OPTIONS_OF_NUMBERS
        if free and name not in labels:
            yield name


def source_column(
    config: TableConfig, name: str, read: Callable[[ChooseColumns], RawTable]
) -> tuple[SourceColumn, RawTable]:
    """Return one column of a table, and the table.

    Raises:
        DataError: for a column that does not exist, with a suggestion.
    """

    def choose(header: Sequence[str]) -> Sequence[str]:
        if name not in header:
            raise DataError(f"there is no column {name!r}; {suggest(name, header)}")
        return [name]

    raw = read(choose)
    return source_columns(config, raw)[name], raw


def column_of_cells(config: TableConfig, name: str, cells: Sequence[Any]) -> SourceColumn:
    """Return cells of another table as a column: texts are read as those of a text file."""
    texts = all(isinstance(cell, str) for cell in cells)
    column = (
        np.array(cells, np.dtypes.StringDType())
        if texts
        else value_column("the input", name, cells)
    )
    form = getattr(config, "numbers", NumberFormat())
    markers = MissingMarkers(config.missing_values, form)
    return SourceColumn(name, column, form, markers, typed=not texts)


def order_options(config: TableConfig, source: SourceColumn) -> ColumnConfig:
    """Return the options by which a column sorts or groups rows: its kind, and a date's format."""
    own = config.options(source.name)
    keys = {"date": {"kind": "date", "format": own.format}, "number": {"kind": "number"}}
    return infer(source, ColumnConfig.model_validate(keys.get(own.kind or "", {})))


def order_values(source: SourceColumn, options: ColumnConfig, raw: RawTable) -> Array:
    """Return a column, (N,): numbers, dates, or `str` as objects; NaN, NaT or "" if missing.

    Raises:
        DataError: for text among numbers, with its place in the table ``raw``.
    """
    if options.kind == "number":
        faults = Faults(raw)
        column = parse_column(source, options, faults)
        assert isinstance(column, NumberColumn)
        faults.settle(np.zeros(raw.rows, bool))
        if "text" in faults.columns.get(source.name, {}):
            remedy = 'correct these cells, or set "decimal" or "thousands" if they are numbers'
            raise DataError(faults.message({}, {source.name: remedy}))
        values: Array = column.values[:, 0]
        return values
    if options.kind == "date":
        return date_numbers(source, options).astype("M8[us]")
    texts, codes = source.coded
    texts = ["" if source.is_missing(text) else text for text in texts]
    return np.array(texts, object)[codes]


def rows_to_drop(columns: Iterable[Column], rows: int) -> Array:
    """Return True for each row with a missing cell in a column that drops such rows, (N,)."""
    dropped = np.zeros(rows, bool)
    for column in columns:
        if column.options.missing == "drop_row":
            dropped |= column.missing
    return dropped


def without_cells(raw: RawTable) -> RawTable:
    """Return a table with the places of its rows alone."""
    return replace(raw, columns={})


def _options(
    config: TableConfig, layout: Layout, sources: Mapping[str, SourceColumn], place: str
) -> dict[str, ColumnConfig]:
    """Return the options of all columns, with their kinds."""
    options: dict[str, ColumnConfig] = {}
    for name in layout.columns:
        if name in layout.target_columns:
            options[name] = target_options(config, layout, sources[name], place)
            continue
        own = config.options(name)
        if name == layout.weights:
            own = own.model_copy(update={"kind": "number"})
        options[name] = infer(sources[name], own)
        kind = options[name].kind
        assert kind is not None
        if problem := options[name].problem(kind):
            raise DataError(f"{place}: column {name!r} is a {kind}: {problem}")
    return options


def _why_text(source: SourceColumn) -> str:
    """Return the reason why a column of text is not used, and the setting that uses it."""
    formats = fitting_formats(source.present)
    if len(formats) < 2:
        return "text"
    either = " or ".join(f'"{form}"' for form in formats)
    return f'text; if these are dates, set their "format" in "columns": {either}'


def _without_unused(
    layout: Layout, options: dict[str, ColumnConfig], sources: Mapping[str, SourceColumn]
) -> tuple[Layout, dict[str, str]]:
    """Return the layout without columns that are no features unless the spec names them."""
    empty = [name for name in layout.features if options[name].kind == "ignore"]
    if layout.chosen or len(empty) == len(layout.features):
        for name in empty:  # an error reports their missing cells
            options[name] = options[name].model_copy(update={"kind": "number"})
        return layout, {}
    unused = dict.fromkeys(empty, "every cell is missing")
    texts = [name for name in layout.features if options[name].kind == "text"]
    if len(texts) + len(empty) < len(layout.features):
        unused |= {name: _why_text(sources[name]) for name in texts}
    return layout.without(unused), unused
