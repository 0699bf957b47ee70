"""Tables of runs as text for people."""

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from tinynet.commands.runs.columns import FACTS, Cell
from tinynet.commands.runs.comparison import Comparison, brief, result_text
from tinynet.commands.runs.entries import RunEntry
from tinynet.commands.runs.listing import Listing

TextColumn: TypeAlias = tuple[str, list[str], bool]
"""The name, the cells, and True if these are aligned to the right."""

_LAST = ("seconds", "parameters", "updated")
"""The facts that stand behind the figures, the most important first."""

_IN_ONE = ("state", "stop_reason", "epoch", "epochs", "test_step", "updated")
"""Results that a comparison for people has in one row, or leaves out."""

_TEXTS = ("name", "path", "state", "stop_reason", "run_id", "problem", "message")


def overview(listing: Listing, sort: str | None = None) -> tuple[list[TextColumn], list[int]]:
    """Return the columns of a list of runs, and their indices, the most important first.

    These are the columns that were asked for; else the state, the epochs, the figures of validation
    (of training, where no run has a validation split) and of the test, and the column to sort by.
    """
    known = listing.columns
    if listing.shown is not None:
        columns = [_column(name, known.column(name)) for name in listing.shown]
        return columns, [*range(len(columns))]
    figures = known.figures()
    evaluated = [name for name in figures if not name.startswith("train/")] or figures
    columns = [_column(name, known.column(name)) for name in ("name", "state")]
    columns.append(("epochs", [*epochs_of(listing.entries)], True))
    columns.append(_column("best_epoch", known.column("best_epoch"), "best"))
    first = len(columns)
    sorted_by = known.find(sort) if sort is not None else None
    if sorted_by is not None and sorted_by not in (*evaluated, *_LAST, "name", "state"):
        evaluated.append(sorted_by)
    message = known.column("message")
    last = (*_LAST, "message") if any(message) else _LAST
    columns += [_column(name, known.column(name)) for name in (*evaluated, *last)]
    heads = [column[0] for column in columns]
    priority = [0, first, 1, 2, 3, *range(first + 1, len(columns))]
    if sorted_by is not None and (head := _head(sorted_by)) in heads:
        priority = list(dict.fromkeys([0, heads.index(head), *priority]))
    return columns, priority


def comparison_rows(comparison: Comparison) -> dict[str, list[str]]:
    """Return the rows of a comparison by their labels: a cell for each run."""
    rows = {path: [*map(brief, values)] for path, values in comparison.spec.items()}
    rows["state"] = [*map(str, comparison.results["state"])]
    rows["epochs"] = [*epochs_of(comparison.entries)]
    rows |= {
        _head(name): [result_text(name, value) for value in values]
        for name, values in comparison.results.items()
        if name not in _IN_ONE and any(value is not None for value in values)
    }
    return rows


def _column(name: str, cells: list[Cell], head: str | None = None) -> TextColumn:
    own = name in FACTS or "/" in name
    texts = [result_text(name, cell) if own else brief(cell) for cell in cells]
    numeric = not any(isinstance(cell, str) for cell in cells)
    return head or _head(name), texts, numeric and name not in _TEXTS


def _head(name: str) -> str:
    if name == "seconds":
        return "time"
    return name.replace("_", " ") if name in FACTS else name


def epochs_of(entries: Iterable[RunEntry]) -> Iterator[str]:
    """Yield the epoch that each run has reached, of those planned; steps if these are planned."""
    for entry in entries:
        record = entry.record
        if record is None:
            yield "-"
        elif record.epochs is not None:
            yield f"{record.epoch:,}/{record.epochs:,}"
        else:
            total = "-" if record.total_steps is None else f"{record.total_steps:,}"
            yield f"step {record.step:,}/{total}"
