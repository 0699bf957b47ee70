"""The list of runs in a folder: filtered, sorted, and with the columns to show."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tinynet.commands.runs.columns import FACTS, Cell, Columns, differing
from tinynet.commands.runs.direction import greater_is_better
from tinynet.commands.runs.entries import RunEntry, entries_in, warnings_of
from tinynet.commands.runs.filters import Filter


@dataclass(frozen=True)
class Listing:
    """Runs and their columns.

    Attributes:
        entries: The runs, in order.
        columns: All their columns.
        shown: The columns that were asked for; None for the usual ones.
    """

    entries: list[RunEntry]
    columns: Columns
    shown: tuple[str, ...] | None

    @property
    def problems(self) -> list[str]:
        """A line for each fault of a run's folder, and for runs with unsaved steps."""
        return warnings_of(self.entries)

    def table(self) -> dict[str, list[Cell]]:
        """Return the cells of all columns, with the values of the spec that differ."""
        names = self.shown or [*FACTS, *self.columns.figures()]
        table = {name: self.columns.column(name) for name in names}
        return table if self.shown else {**table, **self.spec_values()}

    def spec_values(self) -> dict[str, list[Any]]:
        """Return the values of the specs that differ; None for a run that cannot be read."""
        readable = [entry.record.spec for entry in self.entries if entry.record is not None]
        found = differing(readable)
        places = [entry.record is not None for entry in self.entries]
        return {path: _spread(values, places) for path, values in found.items()}

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        table = self.table()
        rows = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
        return {"runs": [{name: plain(cell) for name, cell in row.items()} for row in rows]}


def list_runs(
    folder: str | Path = "runs",
    *,
    filters: str | Sequence[str] = (),
    sort: str | None = None,
    reverse: bool = False,
    columns: str | Sequence[str] = (),
    limit: int | None = None,
) -> Listing:
    """List the runs in a folder.

    Args:
        folder: A folder of runs, a study, or a run.
        filters: A condition, or several that all must hold; see `Filter`.
        sort: The column to sort by: a figure with the best run first, anything else ascending; runs
            without it are last. By default the name. Whether a greater figure is better is known
            of built-in metrics; others are sorted as losses are.
        reverse: Reverse the order.
        columns: The columns to show; by default the usual ones.
        limit: The most runs.

    Raises:
        CheckpointIOError: if the folder does not exist, or cannot be read.
        UsageError: for a wrong filter, and for an unknown column.
    """
    filters = [filters] if isinstance(filters, str) else filters
    columns = [columns] if isinstance(columns, str) else columns
    entries = entries_in(folder)
    known = Columns(entries)
    if not entries:
        return Listing([], known, tuple(columns) or None)
    shown = tuple(known.find(name) for name in columns)
    kept = set(range(len(entries)))
    for text in filters:
        condition = Filter.parse(text, known)
        column = known.column(condition.column)
        kept = {index for index in kept if condition.matches(column[index])}
    order = sorted(kept)
    if sort is not None:
        name = known.find(sort)
        column = known.column(name)
        specs = [entry.record.spec for entry in entries if entry.record is not None]
        descending = greater_is_better(name, specs) != reverse
        order.sort(key=lambda index: _order(column[index]), reverse=descending)
        order.sort(key=lambda index: column[index] is None)
    elif reverse:
        order.reverse()
    chosen = [entries[index] for index in order[:limit]]
    return Listing(chosen, Columns(chosen), shown or None)


def plain(cell: Cell) -> Any:
    """Return a cell as JSON: a time as text."""
    return cell.isoformat() if isinstance(cell, datetime) else cell


def _order(cell: Cell) -> tuple[int, Any]:
    """Return the key to sort a cell by: numbers, times, then the rest as text."""
    if isinstance(cell, int | float):
        return 0, cell
    if isinstance(cell, datetime):
        return 1, cell
    return 2, cell if isinstance(cell, str) else json.dumps(cell)


def _spread(values: list[Any], places: list[bool]) -> list[Any]:
    """Return values at the places that are True, and None elsewhere."""
    rest = iter(values)
    return [next(rest) if place else None for place in places]
