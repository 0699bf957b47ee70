"""The course of the training: curves, the best evaluation, interruptions."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinynet.commands.report.charts import Cell, Line, LineChart, Mark, Table
from tinynet.commands.report.content import TrainingSection
from tinynet.commands.report.names import figure_title
from tinynet.run.elapsed import evaluation_times
from tinynet.run.ending_text import unfinished
from tinynet.run.record import RunRecord
from tinynet.text.printing import counted

MAX_POINTS = 300
"""Points of a line, if there are few charts."""

MAX_ALL_POINTS = 1500
"""Points of a line in each of all charts."""

MAX_ROWS = 60
"""Evaluations of the table."""

_NAMES = {"train": "training", "val": "validation"}
_OWN = ("step", "epoch", "wall")


def training_section(record: RunRecord) -> TrainingSection | None:
    """Return the course of the training; None before the first line of the log."""
    history, steps = record.history, record.steps
    if not history and not steps:
        return None
    by_step = _by_step(record)
    marks = _marks(record, by_step)
    names = _figures(history)
    points = max(min(MAX_POINTS, MAX_ALL_POINTS // max(len(names), 1)), 20)
    charts = [_chart(history, name, by_step, marks, points) for name in names]
    if steps:
        charts.append(_steps_chart(steps))
    rates = history if history else steps
    if any(line.get("learning_rate") is not None for line in rates):
        charts.append(_rate_chart(steps or history, by_step and not steps, bool(steps), marks))
    return TrainingSection(
        tuple(_sentences(record)),
        tuple(charts),
        _evaluations(history, evaluation_times(record)) if history else None,
    )


def _by_step(record: RunRecord) -> bool:
    """Return True if evaluations are not at the ends of epochs."""
    training = record.spec.get("training")
    return isinstance(training, dict) and training.get("evaluate_every_steps") is not None


def _figures(history: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names of the figures without their split: ``loss`` first."""
    names = dict.fromkeys(
        name.partition("/")[2]
        for line in history
        for name in line
        if name.startswith(("train/", "val/"))
    )
    return sorted(names, key=lambda name: (name != "loss", not name.endswith("loss")))


def _chart(
    history: Sequence[Mapping[str, Any]],
    figure: str,
    by_step: bool,
    marks: tuple[Mark, ...],
    points: int,
) -> LineChart:
    key = "step" if by_step else "epoch"
    lines = []
    for split, title in _NAMES.items():
        name = f"{split}/{figure}"
        if any(line.get(name) is not None for line in history):
            lines.append(_line(title, history, key, name, points))
    return LineChart(
        figure_title(figure),
        key,
        figure,
        tuple(lines),
        marks,
        figure.endswith("loss") and _wide(lines),
    )


def _line(
    title: str,
    lines: Sequence[Mapping[str, Any]],
    key: str,
    name: str,
    points: int = MAX_POINTS,
) -> Line:
    """Return a line of the log's values; of very many, their means."""
    x = [float(line[key]) for line in lines]
    y = [line.get(name) for line in lines]
    if len(x) > points:
        parts = np.array_split(np.arange(len(x)), points)
        x = [x[part[-1]] for part in parts]
        y = [_mean([y[i] for i in part]) for part in parts]
    return Line(title, tuple(x), tuple(y))


def _mean(values: Sequence[float | None]) -> float | None:
    held = [value for value in values if value is not None]
    return sum(held) / len(held) if held else None


def _wide(lines: Sequence[Line]) -> bool:
    """Return True if values are positive and differ so much that a logarithmic axis is clearer."""
    values = [value for line in lines for value in line.y if value is not None]
    return bool(values) and min(values) > 0 and max(values) > 30 * min(values)


def _steps_chart(steps: Sequence[Mapping[str, Any]]) -> LineChart:
    line = _line("training step", steps, "step", "loss")
    note = f"Means of neighboring steps of {len(steps):,}." if len(steps) > MAX_POINTS else ""
    return LineChart("Loss of the steps", "step", "loss", (line,), log_y=_wide([line]), note=note)


def _rate_chart(
    lines: Sequence[Mapping[str, Any]], by_step: bool, of_steps: bool, marks: tuple[Mark, ...]
) -> LineChart:
    key = "step" if by_step or of_steps else "epoch"
    line = _line("learning rate", lines, key, "learning_rate")
    return LineChart("Learning rate", key, "learning rate", (line,), () if of_steps else marks)


def _marks(record: RunRecord, by_step: bool) -> tuple[Mark, ...]:
    """Return the best evaluation, resumes, and the stop."""
    key, marks = "step" if by_step else "epoch", []
    for at in _resumed(record, key):
        marks.append(Mark(at, "resumed", "resume"))
    best = record.best
    if best is not None:
        at = best.step if by_step else best.epoch
        marks.append(Mark(at, f"best {key} {at:,}", "best"))
    early = record.stop_reason == "early_stopping"
    if early or unfinished(record):
        at = record.step if by_step else record.epoch
        words = "early stopping" if early else record.state
        marks.append(Mark(at, words, "end"))
    return tuple(marks)


def _resumed(record: RunRecord, key: str) -> list[float]:
    """Return the places after which the run was resumed."""
    own = [e for e in record.sections.lineage if e.get("run_id") == record.run_id]
    steps = {step for entry in own if isinstance(step := entry.get("step"), int) and step > 0}
    if key == "step":
        return sorted(map(float, steps))
    places = []
    for step in sorted(steps):
        before = [line["epoch"] for line in record.history if line["step"] <= step]
        places.append(float(before[-1]) if before else 0.0)
    return list(dict.fromkeys(places))


def _sentences(record: RunRecord) -> list[str]:
    sentences = []
    best = record.best
    if best is not None:
        kept = record.best_checkpoint
        saved = f", saved as {kept.name}" if kept is not None and kept.exists() else ""
        sentences.append(
            f"The best epoch is {best.epoch:,} of {record.epoch:,}: {best.metric} is"
            f" {best.value:.5g} after step {best.step:,}{saved}."
        )
    if record.stop_reason == "early_stopping":
        training: Any = record.spec.get("training", {})
        stopping = training.get("early_stopping") or {}
        sentences.append(
            f"Early stopping ended the run: {stopping.get('metric')} did not improve in"
            f" {_patience(stopping.get('patience'))}."
        )
    resumed = [e for e in record.sections.lineage if e.get("run_id") == record.run_id]
    if resumed:
        times = "once" if len(resumed) == 1 else f"{len(resumed)} times"
        steps = ", ".join(f"{e['step']:,}" for e in resumed if isinstance(e.get("step"), int))
        sentences.append(f"The run was resumed {times}, after step {steps}.")
    return sentences


def _patience(patience: Any) -> str:
    return counted(patience, "evaluation") if isinstance(patience, int) else "its patience"


def _evaluations(history: Sequence[Mapping[str, Any]], times: Sequence[float]) -> Table:
    """Return the figures of each evaluation, of many those of a selection with the last.

    Args:
        history: The evaluations.
        times: The seconds of training up to each, over all processes.
    """
    names = list(dict.fromkeys(n for line in history for n in line if n not in _OWN))
    chosen = list(zip(history, times, strict=True))
    if len(history) > MAX_ROWS:
        places = np.unique(np.linspace(0, len(history) - 1, MAX_ROWS).astype(np.int64))
        chosen = [chosen[place] for place in places]
    rows: list[tuple[Cell, ...]] = [
        (
            line["epoch"],
            line["step"],
            *(line.get(name) for name in names),
            seconds,
        )
        for line, seconds in chosen
    ]
    return Table(
        ("epoch", "step", *names, "seconds"),
        tuple(rows),
        "Evaluations",
        left_out=len(history) - len(chosen),
    )
