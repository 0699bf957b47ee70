"""The origin of a result: software, lineage, checkpoints."""

from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue

from tinynet.checkpoint.environment import differences
from tinynet.commands.inspect import inspect_run
from tinynet.commands.report.charts import Cell, Fact, Table
from tinynet.commands.report.content import OriginSection
from tinynet.commands.report.network_section import bytes_text
from tinynet.commands.report.spec_section import value_text
from tinynet.errors import TinynetError
from tinynet.run.ending_text import resuming_command, unfinished
from tinynet.run.record import RunRecord
from tinynet.text.printing import counted
from tinynet.text.shell import shell_path

MAX_ROWS = 100
"""Checkpoints, and entries of a lineage, that are shown."""

MAX_CHANGES = 8
"""Changed values of the spec that an entry names; the section of the spec has all."""

_NAMES = {
    "tinynet": "tinynet",
    "python": "Python",
    "numpy": "NumPy",
    "blas": "BLAS",
    "kernels": "Kernels",
    "system": "System",
    "machine": "Machine",
    "cpu": "Instruction sets",
}


def origin_section(record: RunRecord, here: Mapping[str, str] | None) -> OriginSection:
    """Return the origin of a run's result.

    Args:
        record: The run.
        here: The environment of this process; None if the network could not be loaded.
    """
    environment = record.sections.environment
    facts = [Fact(_NAMES.get(name, name), text) for name, text in environment.items()]
    plugins = _plugins(record)
    if plugins:
        facts.append(Fact("Plugins", ", ".join(plugins)))
    facts.append(Fact("Run ID", record.run_id))
    changes = tuple(differences(environment, here)) if here is not None else ()
    return OriginSection(
        tuple(facts), changes, _lineage(record), _checkpoints(record), _commands(record)
    )


def _plugins(record: RunRecord) -> list[str]:
    """Return the distributions of the run's types, except tinynet's own, with their versions."""
    found = {}
    for facts in record.sections.types.values():
        if facts.distribution != "tinynet-core":
            found[facts.distribution] = facts.version
    return [f"{name} {version}" for name, version in sorted(found.items())]


def _lineage(record: RunRecord) -> Table | None:
    rows: list[tuple[Cell, ...]] = []
    for entry in record.sections.lineage:
        step = entry.get("step")
        rows.append(
            (
                _kind(entry, record.run_id),
                str(entry.get("run_id", "")),
                step if isinstance(step, int) else None,
                "; ".join(_notes(entry)),
            )
        )
    if not rows:
        return None
    return Table(
        ("event", "run", "step", "notes"),
        tuple(rows[-MAX_ROWS:]),
        "Lineage",
        "The checkpoints that the run was started or resumed from, oldest first.",
        left_out=max(len(rows) - MAX_ROWS, 0),
    )


def _kind(entry: Mapping[str, JsonValue], run_id: str) -> str:
    if "weights" in entry:
        return "started with the weights of a file"
    if "transfer" in entry:
        return "started with the weights of a run"
    return "resumed" if entry.get("run_id") == run_id else "resumed (an earlier run)"


def _notes(entry: Mapping[str, Any]) -> list[str]:
    notes = []
    for key in ("transfer", "weights"):
        origin = entry.get(key)
        if isinstance(origin, dict):
            tensors = origin.get("tensors")
            counts = tensors if isinstance(tensors, dict) else {}
            notes.append(
                ", ".join(
                    [
                        str(origin.get("file", "")),
                        *(f"{n} {action}" for action, n in counts.items() if n),
                    ]
                ).strip(", ")
            )
    changes = entry.get("changes")
    if isinstance(changes, list) and changes:
        notes += map(_change, changes[:MAX_CHANGES])
        if (rest := len(changes) - MAX_CHANGES) > 0:
            notes.append(f"{counted(rest, 'more value')} of the spec changed")
    for key in ("data_changes", "reasons"):
        lines = entry.get(key)
        if isinstance(lines, list):
            notes += [str(line) for line in lines]
    if entry.get("exact") is True and not notes:
        notes.append("exact")
    return list(dict.fromkeys(filter(None, notes)))


def _change(change: Any) -> str:
    """Return a changed value of the spec: ``training.epochs: 10, was 5``."""
    if not isinstance(change, dict):
        return "a value of the spec changed"
    path = str(change.get("pointer", "")).removeprefix("/").replace("/", ".")
    return f"{path}: {value_text(change.get('new'))}, was {value_text(change.get('old'))}"


def _checkpoints(record: RunRecord) -> Table | None:
    try:
        facts = inspect_run(record.path)
    except TinynetError:
        return None
    rows: list[tuple[Cell, ...]] = []
    for listed in facts.checkpoints[-MAX_ROWS:]:
        marks = [word for word in ("best", "last") if getattr(listed, word)]
        state = listed.problem or ", ".join(marks)
        rows.append((listed.path.name, listed.step, bytes_text(listed.size), state))
    return Table(
        ("file", "step", "size", ""),
        tuple(rows),
        "Checkpoints",
        left_out=max(len(facts.checkpoints) - MAX_ROWS, 0),
    )


def _commands(record: RunRecord) -> tuple[str, ...]:
    path = shell_path(record.path)
    commands = [f"tinynet evaluate {path}", f"tinynet predict {path} INPUT"]
    if unfinished(record):
        resume = resuming_command(record.state, record.sections, record.path)
        return (resume, *commands)
    return tuple(commands)
