"""Kinds of columns, inferred from all their cells."""

import re
from collections.abc import Callable

import numpy as np

from tinynet.builtin.tables.cells import SourceColumn
from tinynet.builtin.tables.config import ColumnConfig, Kind
from tinynet.builtin.tables.dates import guess_format, parse_date

FEW = 20
"""Different texts that are categories, also if every cell has its own."""

MANY = 1_000
"""More different texts than these are not taken for categories."""

LONG = 32
"""Mean characters of text, as opposed to names of categories."""

_OTHER_NUMBERS = re.compile(
    r"[+-]?[0-9]+,[0-9]+|[+-]?[0-9]{1,3}([., '][0-9]{3})+([.,][0-9]+)?", re.ASCII
)
"""Numbers with other separators than those of the table."""


def infer(column: SourceColumn, options: ColumnConfig) -> ColumnConfig:
    """Return the options of a column with its kind, and for dates with the format."""
    if options.kind is not None and options.kind != "date":
        return options
    if options.kind is None and options.format is None and options.parts is None:
        kind, date_format = _kind(column, options)
        if kind in ("category", "text") and _needs_numbers(options):
            kind = "number"  # so that an error lists the cells that are none
        return options.model_copy(update={"kind": kind, "format": date_format})
    if options.format is None and column.dates is None:
        _, date_format = guess_format(column.present)
        options = options.model_copy(update={"format": date_format})
    return options.model_copy(update={"kind": "date"})


def _kind(column: SourceColumn, options: ColumnConfig) -> tuple[Kind, str | None]:
    if column.dates is not None:
        return "date", None
    if (
        options.separator
        or options.categories
        or {"min_count", "max_categories"} & {*options.changed}
    ):
        return "category", None
    if column.is_boolean:
        return "category", None
    if column.numbers is not None:
        return ("number" if np.isfinite(column.numbers).any() else "ignore"), None
    if not column.present:
        return "ignore", None
    if not column.typed and _are_numbers(column):
        return "number", None
    are_dates, date_format = guess_format(column.present)
    if are_dates:
        return "date", date_format
    if _mostly(column, lambda text: parse_date(text) is not None):
        return "date", None
    return ("text" if _is_text(column) else "category"), None


def _needs_numbers(options: ColumnConfig) -> bool:
    return options.missing in ("mean", "median") or isinstance(options.fill, float)


def _are_numbers(column: SourceColumn) -> bool:
    """Return True if at least half of the cells are numbers, and few different ones are not."""

    def is_number(text: str) -> bool:
        return column.format.parse_one(text) is not None

    def may_be_number(text: str) -> bool:
        return is_number(text) or _OTHER_NUMBERS.fullmatch(text) is not None

    return _mostly(column, is_number) or all(map(may_be_number, column.present))


def _mostly(column: SourceColumn, fits: Callable[[str], bool]) -> bool:
    """Return True if at least half of the cells fit, and few different ones do not."""
    texts, _ = column.coded
    fitting = other = distinct = 0
    for text, count in zip(texts, column.counts.tolist(), strict=True):
        if column.is_missing(text):
            continue
        if fits(text):
            fitting += count
        else:
            other += count
            distinct += 1
            if distinct > max(3, len(texts) // 20):
                return False
    return fitting >= other


def _is_text(column: SourceColumn) -> bool:
    """Return True for names, identifiers and free text: most cells differ, or there are many."""
    present = column.present
    if len(present) > MANY:
        return True
    samples = int(sum(column.counts)) - int(column.where(column.is_missing).sum())
    mostly_distinct = 2 * len(present) > samples
    if mostly_distinct and sum(map(len, present)) > LONG * len(present):
        return True
    return mostly_distinct and len(present) > FEW
