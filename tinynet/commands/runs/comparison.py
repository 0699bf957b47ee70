"""The comparison of several runs: the values of their specs that differ, and their results."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tinynet.commands.runs.columns import Cell, Columns, differing
from tinynet.commands.runs.entries import RunEntry, entries_of, warnings_of
from tinynet.commands.runs.listing import plain
from tinynet.text.duration import duration
from tinynet.text.printing import figure

_MAX_BRIEF = 60
"""The most characters of a value in a table."""

_LONG_NUMBER = 8
"""Characters of a number from which on it is rounded in a table."""

_COUNTS = ("best_epoch", "best_step", "test_step", "epoch", "epochs", "step", "parameters")


@dataclass(frozen=True)
class Comparison:
    """Runs side by side.

    Attributes:
        entries: The runs that could be read.
        unreadable: The others.
        spec: The values that differ, for each run, by dotted path; None where one is not set.
        results: Figures and facts, for each run, by name; None where a run has none.
    """

    entries: list[RunEntry]
    unreadable: list[RunEntry]
    spec: dict[str, list[Any]]
    results: dict[str, list[Cell]]

    @property
    def problems(self) -> list[str]:
        """A line for each fault of a run's folder, and for runs with unsaved steps."""
        return warnings_of([*self.entries, *self.unreadable])

    @property
    def names(self) -> list[str]:
        """The names of the runs, with their folders where two have the same name."""
        names = [entry.name for entry in self.entries]
        unique = len(set(names)) == len(names)
        return names if unique else [str(entry.path) for entry in self.entries]

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        results = {name: [*map(plain, values)] for name, values in self.results.items()}
        return {
            "runs": [str(entry.path) for entry in self.entries],
            "spec": self.spec,
            "results": results,
            "unreadable": {str(e.path): "; ".join(e.problems) for e in self.unreadable},
        }

    def table(self) -> dict[str, list[Cell]]:
        """Return the cells by column, a row for each run."""
        columns = Columns(self.entries)
        facts = {name: columns.column(name) for name in ("name", "path")}
        return {**facts, **self.spec, **self.results}


def compare_runs(paths: Iterable[str | Path]) -> Comparison:
    """Compare runs, each given by its path, or all in a folder.

    Raises:
        CheckpointError: for a path that is not a run and holds none, and if no run can be read.
    """
    entries = entries_of(paths)
    readable = [entry for entry in entries if entry.record is not None]
    records = [entry.record for entry in readable if entry.record is not None]
    columns = Columns(readable)
    names = ["state", "stop_reason", "epoch", "epochs", "best_epoch", *columns.figures()]
    names += ["test_step", "parameters", "seconds", "started", "updated", "message"]
    results = {name: columns.column(name) for name in names}
    unreadable = [entry for entry in entries if entry.record is None]
    return Comparison(readable, unreadable, differing([r.spec for r in records]), results)


def result_text(name: str, value: Cell) -> str:
    """Return a result as short text."""
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M")
    if name == "seconds" and isinstance(value, int | float):
        return duration(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:,}" if name in _COUNTS else figure(value)
    return str(value)


def brief(value: Any) -> str:
    """Return a value of a spec as short text: ``0.003``, ``cosine(warmup_steps=5)``."""
    text = _brief(value, 3)
    return text if len(text) <= _MAX_BRIEF else f"{text[: _MAX_BRIEF - 3]}..."


def _brief(value: Any, depth: int) -> str:
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping) and depth:
        rest = [f"{k}={_brief(v, depth - 1)}" for k, v in value.items() if k != "type" and v]
        if isinstance(kind := value.get("type"), str):
            return f"{kind}({', '.join(rest)})" if rest else kind
        return f"{{{', '.join(rest)}}}"
    if isinstance(value, list) and any(isinstance(part, dict) for part in value):
        kinds = [str(part.get("type", "?")) for part in value if isinstance(part, dict)]
        return f"{len(value)}: {', '.join(kinds)}"
    text = json.dumps(value, ensure_ascii=False)
    return f"{value:.6g}" if isinstance(value, float) and len(text) > _LONG_NUMBER else text
