"""The description of a table's columns, as ``tinynet check`` prints it."""

from tinynet.builtin.tables.columns import Column
from tinynet.builtin.tables.opened import OpenedTable

MAX_NAME = 60
"""Most characters of a name that are shown."""

MAX_LINES = 60
"""Columns that are described."""


def describe_table(table: OpenedTable) -> list[str]:
    """Return one line for each column: name, kind, different values, missing cells."""
    rows = [_described(table, name) for name in table.raw.header if name in table.columns]
    rows += [(_shown(name), "not used", "", reason) for name, reason in table.unused.items()]
    shown = rows[:MAX_LINES]
    widths = [max(len(row[i]) for row in shown) for i in range(3)]
    lines = [
        "  ".join(
            [*(cell.ljust(width) for cell, width in zip(row[:3], widths, strict=True)), row[3]]
        ).rstrip()
        for row in shown
    ]
    dropped = table.raw.rows - len(table.rows)
    if len(rows) > len(shown):
        lines.append(f"and {len(rows) - len(shown):,} more columns")
    if dropped:
        lines.append(f"{dropped:,} of {table.raw.rows:,} rows left out: a cell is missing")
    return lines


def _described(table: OpenedTable, name: str) -> tuple[str, str, str, str]:
    column = table.columns[name]
    kind = "labels" if column.options.separator is not None else str(column.options.kind)
    notes = [*_missing(column), *_rare(column)]
    role = table.layout.roles.get(name)
    return (
        _shown(name),
        kind,
        f"{column.distinct:,} different",
        ", ".join(([role] if role else []) + notes),
    )


def _shown(name: str) -> str:
    """Return the name of a column on one line."""
    shown = name if name.isprintable() else repr(name)
    return shown if len(shown) <= MAX_NAME else shown[:MAX_NAME] + "…"


def _missing(column: Column) -> list[str]:
    options, count = column.options, int(column.missing.sum())
    assert options.kind is not None
    strategy = options.strategy(options.kind)
    if not count and options.missing in (None, "error", "drop_row"):
        return []
    fill = f" {options.fill!r}" if options.fill is not None else ""
    indicator = ", indicator" if options.indicator else ""
    return [f"{count:,} missing ({strategy}{fill}{indicator})"]


def _rare(column: Column) -> list[str]:
    options = column.options
    notes = []
    if options.min_count > 1:
        notes.append(f"in at least {options.min_count} training samples")
    if options.max_categories is not None:
        notes.append(f"at most {options.max_categories} categories")
    return notes
