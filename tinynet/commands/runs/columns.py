"""The columns of a table of runs, by name: facts, figures, and values of the spec."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from pydantic import JsonValue

from tinynet.commands.runs.column_hints import column_hint, is_figure, near_figures
from tinynet.commands.runs.entries import RunEntry
from tinynet.errors import UsageError

Cell: TypeAlias = JsonValue | datetime
"""A value in a table; None where a run has none."""

FACTS = (
    "name",
    "path",
    "state",
    "stop_reason",
    "message",
    "epoch",
    "epochs",
    "step",
    "total_steps",
    "best_epoch",
    "best_step",
    "test_step",
    "parameters",
    "seconds",
    "started",
    "updated",
    "run_id",
    "problem",
)
"""The columns that every run has."""

_SHOWN = {"time": "seconds", "best": "best_epoch", "run": "name"}
"""The heads of columns that have other names."""

UNREADABLE = "unreadable"
"""The state of a run that cannot be read."""


def cells(entry: RunEntry) -> dict[str, Cell]:
    """Return every column of a run, except those of its spec."""
    record = entry.record
    facts: dict[str, Cell] = dict.fromkeys(FACTS)
    facts |= {"name": entry.name, "path": str(entry.path), "state": UNREADABLE}
    facts["problem"] = "; ".join(entry.problems) or None
    if record is None:
        return facts
    best = record.best
    own = {name: getattr(record, name) for name in FACTS if hasattr(record, name)}
    facts |= own | {"path": str(record.path)}
    facts |= {"best_epoch": best.epoch, "best_step": best.step} if best is not None else {}
    figures = {n: value for n, value in record.figures.items() if "/" in n}
    tests = {f"test/{name}": value for name, value in (record.test or {}).items()}
    facts["message"] = record.message or None
    facts |= {} if record.timed else {"seconds": None, "started": None}
    return {**facts, **figures, **tests}


def spec_cells(spec: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return the values of a spec by dotted path; a list of plain values is one value."""
    return dict(_leaves(spec, ()))


def _leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, JsonValue]]:
    parts: Iterable[tuple[str, Any]] = ()
    if isinstance(value, Mapping):
        parts = value.items()
    elif isinstance(value, list) and any(isinstance(part, dict | list) for part in value):
        parts = ((str(index), part) for index, part in enumerate(value))
    empty = True
    for key, part in parts:
        empty = False
        yield from _leaves(part, (*path, key))
    if empty:
        yield ".".join(path), value


def differing(specs: Sequence[Mapping[str, JsonValue]]) -> dict[str, list[JsonValue]]:
    """Return the values that differ between specs, by dotted path; None where one is not set.

    Lists of different lengths are compared as a whole. The name of a spec and what was inferred
    from its data are left out.
    """
    found = _differing([*specs], ())
    return {p: v for p, v in found if p != "name" and not p.startswith("data.inferred")}


def _differing(values: list[Any], path: tuple[str, ...]) -> Iterator[tuple[str, list[JsonValue]]]:
    if all(value == values[0] for value in values):
        return
    if all(isinstance(value, Mapping) for value in values):
        for key in dict.fromkeys(key for value in values for key in value):
            yield from _differing([value.get(key) for value in values], (*path, key))
    elif all(isinstance(value, list) and _is_deep(value) for value in values) and (
        len({len(value) for value in values}) == 1
    ):
        for index, parts in enumerate(zip(*values, strict=True)):
            yield from _differing([*parts], (*path, str(index)))
    else:
        yield ".".join(path), values


def _is_deep(values: list[Any]) -> bool:
    return any(isinstance(value, dict | list) for value in values)


class Columns:
    """The columns of several runs; a name is looked up among all of them.

    Attributes:
        rows: The columns of each run, in the order of the entries.
    """

    def __init__(self, entries: Sequence[RunEntry]) -> None:
        self.rows = [cells(entry) for entry in entries]
        self._specs = [spec_cells(e.record.spec) if e.record is not None else {} for e in entries]
        names = [*(name for row in self.rows for name in row)]
        names += [name for spec in self._specs for name in spec]
        self._names = dict.fromkeys(names)

    @property
    def names(self) -> list[str]:
        """The full names of all columns."""
        return [*self._names]

    def has(self, name: str) -> bool:
        """Return True if a run has a column."""
        return name in self._names

    def find(self, name: str) -> str:
        """Return the full name of a column; of a path in the spec, its end is enough.

        The heads of tables (``time``, ``best``) are names of columns, too. A figure may be one that
        no run has yet (``test/loss``), unless it is a misspelt one.

        Raises:
            UsageError: if there is none, or several paths end so.
        """
        if name in self._names:
            return name
        if (fact := _SHOWN.get(name, name.replace(" ", "_"))) in FACTS:
            return fact
        ends = [known for known in self._names if known.endswith(f".{name}")]
        if len(ends) == 1:
            return ends[0]
        figures = self.figures()
        if not ends and is_figure(name) and not near_figures(name, figures):
            return name
        hint = column_hint(name, ends, [*figures, *FACTS], [*self._names])
        raise UsageError(f"no run has a column {name!r}; {hint}")

    def column(self, name: str) -> list[Cell]:
        """Return the cells of a column, a full name; None for a run without it."""
        return [
            row[name] if name in row else spec.get(name)
            for row, spec in zip(self.rows, self._specs, strict=True)
        ]

    def figures(self) -> list[str]:
        """Return the names of figures: of validation, then of the test, the commonest first."""
        counts: dict[str, int] = {}
        for row in self.rows:
            for name in row:
                if name not in FACTS:
                    counts[name] = counts.get(name, 0) + 1
        order = {"val": 0, "test": 1}
        names = sorted(counts, key=lambda name: -counts[name])
        return sorted(names, key=lambda name: order.get(name.partition("/")[0], 2))
