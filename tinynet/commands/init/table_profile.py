"""A table's columns, summarized: what decides how they are encoded."""

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tinynet.builtin.tables.cells import SourceColumn
from tinynet.builtin.tables.columns import NumberColumn, parse_column
from tinynet.builtin.tables.config import ColumnConfig, TableConfig
from tinynet.builtin.tables.dates import fitting_formats, parse_dates
from tinynet.builtin.tables.faults import Faults
from tinynet.builtin.tables.inference import infer
from tinynet.builtin.tables.opened import source_columns
from tinynet.builtin.tables.raw_table import RawTable

_KEYS = ("", "id", "index", "row", "rowid", "key")
"""Names of columns that identify rows."""


@dataclass(frozen=True)
class ColumnProfile:
    """A summary of one column.

    Attributes:
        name: Its name.
        kind: Its kind, inferred from all cells.
        rows: Rows of the table.
        missing: Missing cells.
        distinct: Different values.
        is_integer: True if all its numbers are whole.
        counts_rows: True if it only numbers the rows, in steps of one.
        is_sorted: True if its numbers or dates never decrease.
        mean_length: Mean number of characters of its different texts.
        rarest: Rows of the rarest value.
        low: Lowest number; NaN for other kinds.
        high: Highest number.
        faulty: Cells that do not fit the kind.
        mean_words: Mean number of words of its different texts.
        format: The format of its dates, if it is not inferred.
        hint: The remark about a column whose texts are probably dates or numbers; or empty.
    """

    name: str
    kind: str
    rows: int
    missing: int
    distinct: int
    is_integer: bool = False
    counts_rows: bool = False
    is_sorted: bool = False
    mean_length: float = 0.0
    rarest: int = 0
    low: float = float("nan")
    high: float = float("nan")
    faulty: int = 0
    mean_words: float = 0.0
    format: str | None = None
    hint: str = ""

    @property
    def is_unique(self) -> bool:
        """True if every row has a value of its own."""
        return self.distinct == self.rows

    @property
    def is_key(self) -> bool:
        """True if the column only identifies a row."""
        name = self.name.lower()
        named_key = name in _KEYS or name.endswith(("_id", " id"))
        return self.is_unique and (self.counts_rows or (named_key and self.is_integer))


_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\d_]+")
"""A word; where no space separates them, a character."""

_UNUSUAL = re.compile(r"[+-]?[0-9]{1,3}([., \u00a0'_][0-9]{3})*([.,][0-9]+)?", re.ASCII)
"""Numbers, perhaps with separators of decimals and groups."""

_DATE = re.compile(
    r"(?:[0-9]{1,4}|[^\W\d_]{3,9})(?P<first>[-/. ,]+)(?:[0-9]{1,4}|[^\W\d_]{3,9})"
    r"(?P<second>[-/. ,]+)[0-9]{1,4}(?:[T ][0-9:.,+Z -]*)?"
)
"""Three parts, as those of a date."""


def profile_table(config: TableConfig, raw: RawTable) -> dict[str, ColumnProfile]:
    """Return the summary of each column of a table by name."""
    profiles = {}
    for name, source in source_columns(config, raw).items():
        options = infer(source, config.options(name))
        formats = _other_formats(source.present) if options.kind in ("category", "text") else []
        if len(formats) == 1 and config.options(name).kind is None:
            options = options.model_copy(update={"kind": "date", "format": formats[0]})
        profile = _profile(source, options, raw)
        profiles[name] = replace(profile, format=formats[0]) if len(formats) == 1 else profile
    return profiles


def _other_formats(cells: Sequence[str]) -> list[str]:
    """Return the formats with the separators of the first cell that fit all dates."""
    found = _DATE.fullmatch(cells[0]) if cells else None
    if found is None:
        return []
    first, second = found.group("first", "second")
    orders = (("%d", "%m", "%Y"), ("%m", "%d", "%Y"), ("%b", "%d", "%Y"), ("%d", "%b", "%Y"))
    formats = [f"{a}{first}{b}{second}{c}" for a, b, c in orders]
    return [form for form in formats if parse_dates(cells, form) is not None]


def _profile(source: SourceColumn, options: ColumnConfig, raw: RawTable) -> ColumnProfile:
    assert options.kind is not None
    faults = Faults(raw)
    lenient = "unknown" if options.kind in ("category", "text") else "mean"
    if options.kind == "ignore":
        return ColumnProfile(source.name, "ignore", raw.rows, raw.rows, 0)
    column = parse_column(source, options.model_copy(update={"missing": lenient}), faults)
    faults.settle(np.zeros(raw.rows, bool))
    missing, distinct = int(column.missing.sum()), column.distinct
    faulty = sum(fault.count for fault in faults.columns.get(source.name, {}).values())
    if not isinstance(column, NumberColumn):
        lengths = [len(text) for text in column.texts]
        counts = np.bincount(column.codes, minlength=len(column.texts) + 1)[: len(column.texts)]
        return ColumnProfile(
            source.name,
            options.kind,
            raw.rows,
            missing,
            distinct,
            mean_length=float(np.mean(lengths)) if lengths else 0.0,
            rarest=int(counts.min()) if len(counts) else 0,
            faulty=faulty,
            mean_words=float(np.mean([len(_WORD.findall(t)) for t in column.texts or [""]])),
            hint=_hint(source),
        )
    values = column.values[~column.missing, 0]
    whole = bool((values == np.floor(values)).all())
    steps = np.diff(values[np.isfinite(values)])
    _, counts = np.unique(values, return_counts=True)
    return ColumnProfile(
        source.name,
        options.kind,
        raw.rows,
        missing,
        distinct,
        is_integer=whole and options.kind == "number",
        counts_rows=whole and not missing and len(steps) > 0 and bool((steps == 1).all()),
        is_sorted=not missing and _never_decreases(source, column),
        rarest=int(counts.min()) if len(counts) else 0,
        low=float(values.min()) if len(values) else float("nan"),
        high=float(values.max()) if len(values) else float("nan"),
        faulty=faulty,
        hint=_hint(source) if faulty else "",
    )


def _hint(source: SourceColumn) -> str:
    """Return a remark about texts that are probably dates or numbers; empty for others."""
    formats = fitting_formats(source.present) or _other_formats(source.present)
    if len(formats) > 1:
        either = " or ".join(_date_option(source.name, form) for form in formats)
        return f"its dates may have the day or the month first; tinynet init --set {either}"
    shown = ", ".join(map(repr, source.present[:2]))
    if all(map(_UNUSUAL.fullmatch, source.present)):
        return (
            f"its numbers have other separators ({shown}); tinynet init --set"
            """ data.thousands='"."' --set data.decimal='","' (or others)"""
        )
    if all(map(_DATE.fullmatch, source.present)):
        setting = _date_option(source.name, "%d/%m/%Y")
        return (
            f"if it holds dates ({shown}), give their format, such as tinynet init --set {setting}"
        )
    return ""


def _date_option(name: str, form: str) -> str:
    """Return the value of ``--set`` for the format of a column of dates."""
    setting = json.dumps({name: {"kind": "date", "format": form}}, ensure_ascii=False)
    return shlex.quote(f"data.columns={setting}")


def _never_decreases(source: SourceColumn, column: NumberColumn) -> bool:
    """Return True if the rows are in the order of the column."""
    rows: Mapping[int, tuple[float, ...]] = dict(enumerate(map(tuple, column.values.tolist())))
    order = [rows[i] for i in range(len(rows))]
    return len(order) > 1 and order == sorted(order)
