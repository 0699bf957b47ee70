"""The targets of a table: classes, numbers, and several labels."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

import numpy as np

from tinynet.builtin.datasets._arrays import MAX_CLASSES, Source
from tinynet.builtin.tables.cells import SourceColumn
from tinynet.builtin.tables.columns import CodedColumn, Column, NumberColumn
from tinynet.builtin.tables.config import ColumnConfig, TableConfig
from tinynet.builtin.tables.inputs import label_table
from tinynet.builtin.tables.layout import Layout
from tinynet.builtin.tables.learned import in_order, learn
from tinynet.builtin.tables.raw_table import RawTable
from tinynet.dataset import Field
from tinynet.errors import DataError
from tinynet.files.csv_rows import quote_cell
from tinynet.text.labels import LabelIndex, whole_numbers
from tinynet.text.wording import format_list, suggest
from tinynet.types import Array

MAX_UNKNOWN = 5
"""Unknown labels that a message names."""


@dataclass(frozen=True)
class TargetPlace:
    """The place of a target in its table.

    Attributes:
        table: The table.
        rows: The rows that are used, (N,).
        role: The role of the column, such as ``the target``.
        listed: True if the spec lists the columns.
    """

    table: RawTable
    rows: Array
    role: str
    listed: bool

    def short(self, sample: int) -> str:
        """Return the line of a sample."""
        return self.table.where(int(self.rows[sample])).removeprefix(f"{self.table.place}, ")

    def locate(self, column: str | None) -> Callable[[int], str]:
        """Return the function from a sample to its place in a column."""
        suffix = "" if column is None else f", column {column!r}"
        return lambda sample: f"{self.table.where(int(self.rows[sample]))}{suffix}"


def target_options(
    config: TableConfig, layout: Layout, source: SourceColumn, place: str
) -> ColumnConfig:
    """Return the options of a target column: its kind, number or category, and its classes.

    If any cell is a number, the column holds numbers: one typing error among a thousand numbers
    must not turn them into a thousand classes.

    Raises:
        DataError: for options that a target cannot have.
    """
    options = config.options(source.name)
    where = f"{place}: column {source.name!r} ({layout.roles[source.name]})"
    if options.kind in ("text", "date"):
        raise DataError(
            f'{where} has the kind "{options.kind}"; a target is a number or a category'
        )
    without_labels = options.missing == "unknown" and options.separator is not None
    if options.missing not in (None, "error", "drop_row") and not without_labels:
        raise DataError(
            f'{where} has "missing": "{options.missing}", which would train on invented targets;'
            ' set it to "drop_row" or "error"'
        )
    if options.categories is None and config.classes is not None:
        options = options.model_copy(update={"categories": config.classes})
    if any(source.name in entry for entry in layout.targets.values() if isinstance(entry, tuple)):
        return _number_in_list(options, source, layout, where)
    if options.kind is None:
        named = options.categories is not None or options.separator is not None
        as_class = config.target_type == "class" or (
            config.target_type == "auto" and (named or _holds_labels(source))
        )
        options = options.model_copy(update={"kind": "category" if as_class else "number"})
    elif config.target_type == "class":
        options = options.model_copy(update={"kind": "category"})
    if options.kind == "number" and options.categories is not None:
        raise DataError(f"{where} holds numbers, which have no classes; leave out its classes")
    strategy = options.missing or "error"
    return options.model_copy(update={"missing": strategy})


def _number_in_list(
    options: ColumnConfig, source: SourceColumn, layout: Layout, where: str
) -> ColumnConfig:
    """Return the options of a column of a target that has several, all of numbers."""
    if options.kind == "category" or (options.kind is None and _holds_labels(source)):
        names = {name: name for name in layout.target_columns}
        raise DataError(
            f"{where} holds classes, but one target of several columns has numbers; for several"
            f' targets set "target": {json.dumps(names, ensure_ascii=False)}'
        )
    return options.model_copy(update={"kind": "number", "missing": options.missing or "error"})


def make_target(columns: Sequence[Column], place: TargetPlace) -> Source:
    """Return the array of one target.

    One column of classes is their indices (); one with a separator is a row with 1 for each label
    of the cell (C,); columns of numbers are a number () or, if the spec lists them, a row of them.

    Raises:
        DataError: for labels that are not classes, and for too many classes.
    """
    first = columns[0]
    if isinstance(first, CodedColumn):
        return _labels(first, place) if first.options.separator else _classes(first, place)
    values = np.concatenate([c.values for c in columns if isinstance(c, NumberColumn)], axis=1)
    if not place.listed:
        return Source(values[:, 0], place.table.place, locate=place.locate(first.name))
    names = tuple(column.name for column in columns)
    return Source(values, place.table.place, names=names, locate=place.locate(None))


def target_field(source: Source, columns: Sequence[Column]) -> Field:
    """Return the field of a target: classes that the spec does not name are `whole_numbers`.

    The source keeps the spelling of the file, which fingerprints of older checkpoints cover.
    """
    field = source.field
    if field.classes is None or columns[0].options.categories is not None:
        return field
    return replace(field, classes=whole_numbers(field.classes))


def _classes(column: CodedColumn, place: TargetPlace) -> Source:
    classes = column.options.categories
    if classes is None:
        used = np.bincount(column.codes, minlength=len(column.texts))
        present = [text for text, n in zip(column.texts, used.tolist(), strict=True) if n]
        classes = tuple(in_order(present))
        if len({*(spelled := whole_numbers(classes))}) < len(classes):
            classes = tuple(in_order({*spelled}))
        if len(classes) > MAX_CLASSES:
            raise DataError(
                f"{place.table.place}, column {column.name!r} ({place.role}): {len(classes):,}"
                f" different labels, such as {quote_cell(classes[0])}; at most {MAX_CLASSES:,} are"
                ' accepted as classes unless "classes" names them'
            )
    index = LabelIndex(classes)
    lookup = np.array([index.get(text, -1) for text in column.texts], np.int64)
    values = lookup[column.codes]
    if (values < 0).any():
        _refuse(column, np.flatnonzero(values < 0), classes, place)
    return Source(values, place.table.place, classes, locate=place.locate(column.name))


def _labels(column: CodedColumn, place: TargetPlace) -> Source:
    categories = learn(column, np.arange(len(column.codes))).categories
    labels = label_table(column, categories).astype(np.float64)
    return Source(
        labels[column.codes], place.table.place, names=categories, locate=place.locate(column.name)
    )


def _refuse(
    column: CodedColumn, rows: Array, classes: Sequence[str], place: TargetPlace
) -> NoReturn:
    """Raise an error that names every label, at these rows, that is not a class."""
    lines: dict[str, int] = {}
    for row in rows.tolist():
        lines.setdefault(column.texts[column.codes[row]], row)
    where = f"{place.table.place}, column {column.name!r} ({place.role})"
    if len(lines) == 1:
        ((label, row),) = lines.items()
        raise DataError(
            f"{where}, {place.short(row)}: {quote_cell(label)} is not one of the classes;"
            f" {suggest(label, classes)}"
        )
    shown = [f"{quote_cell(label)} ({place.short(row)})" for label, row in lines.items()]
    rest = len(shown) - MAX_UNKNOWN
    more = f" and {rest:,} more" if rest > 0 else ""
    raise DataError(
        f'{where}: {", ".join(shown[:MAX_UNKNOWN])}{more} are not in "classes"'
        f" ({format_list(classes)}); correct these cells, or add the labels to it"
    )


def _holds_labels(source: SourceColumn) -> bool:
    """Return True if no cell of a column is a number."""
    if source.is_boolean:
        return True
    if source.numbers is not None:
        return False
    present = source.present
    if source.typed:
        return bool(present)
    return bool(present) and all(source.format.parse_one(text) is None for text in present)
