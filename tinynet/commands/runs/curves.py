"""The curves of runs as plain numbers: losses, metrics and learning rates."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal, TypeAlias

from tinynet.commands.runs.entries import RunEntry
from tinynet.errors import UsageError
from tinynet.run.elapsed import elapsed, evaluation_times
from tinynet.run.record import RunRecord
from tinynet.text.wording import suggest

Axis: TypeAlias = Literal["epoch", "step", "time"]

RATE = "learning_rate"

_SPLITS = ("val", "train")

_MAX_PANELS = 12
"""The most panels without a choice of metrics."""


@dataclass(frozen=True)
class Curve:
    """A figure of a run over its training.

    Attributes:
        run: The place of the run in the list of runs.
        name: The name of the figure: ``val/loss``; ``loss`` for that of single steps.
        x: Positions.
        y: Values; None where one is not finite.
        best: The position and the value at the best evaluation of the run.
    """

    run: int
    name: str
    x: list[float]
    y: list[float | None]
    best: tuple[float, float] | None = None


@dataclass(frozen=True)
class Panel:
    """Curves that share a vertical axis.

    Attributes:
        title: The name of the figure without its split: ``loss``, ``accuracy``.
        curves: The curves.
    """

    title: str
    curves: list[Curve]

    @property
    def is_loss(self) -> bool:
        """True for a loss, which may have a logarithmic axis."""
        return self.title.rpartition("/")[2] == "loss"


def panels(
    entries: Sequence[RunEntry], axis: Axis = "epoch", metrics: Sequence[str] = ()
) -> list[Panel]:
    """Return the panels of a plot.

    Args:
        entries: The runs; those that cannot be read have no curves.
        axis: The horizontal axis: epochs, steps, or seconds of training.
        metrics: Figures to show: ``loss`` (of both splits), ``val/accuracy``, ``learning_rate``;
            by default all.

    Raises:
        UsageError: for a figure that no run has.
    """
    records = [entry.record for entry in entries]
    names = _names(record for record in records if record is not None)
    chosen = _choose(names, metrics)
    found = []
    for title, wanted in chosen.items():
        curves = [
            curve
            for run, record in enumerate(records)
            if record is not None
            for curve in _curves(run, record, wanted, axis, alone=len(records) == 1)
        ]
        found.append(Panel(title, curves))
    return [panel for panel in found if panel.curves]


def undrawn(entries: Sequence[RunEntry], metrics: Sequence[str] = ()) -> list[str]:
    """Return the titles of the panels that are too many without a choice of metrics."""
    if metrics:
        return []
    records = [entry.record for entry in entries if entry.record is not None]
    titles = dict.fromkeys(map(_title, _names(records)))
    return [title for title in titles if title != RATE][_MAX_PANELS:]


def _names(records: Iterable[RunRecord]) -> list[str]:
    """Return the names of all figures, those of validation first."""
    lines = chain.from_iterable(record.history for record in records)
    seen = dict.fromkeys(name for line in lines for name in line)
    return sorted(
        (name for name in seen if "/" in name or name == RATE),
        key=lambda name: (name == RATE, name.partition("/")[0] != "val"),
    )


def _choose(names: Sequence[str], metrics: Sequence[str]) -> dict[str, list[str]]:
    """Return the figures of each panel by its title."""
    titles: dict[str, list[str]] = {}
    for name in names:
        titles.setdefault(_title(name), []).append(name)
    if not metrics:
        kept = [title for title in titles if title != RATE][:_MAX_PANELS]
        return {title: titles[title] for title in (*kept, *([RATE] if RATE in titles else []))}
    chosen: dict[str, list[str]] = {}
    for metric in metrics:
        if metric in titles:
            chosen.setdefault(metric, []).extend(titles[metric])
        elif metric in names:
            chosen.setdefault(_title(metric), []).append(metric)
        else:
            raise UsageError(
                f"no run has a figure {metric!r}; {suggest(metric, [*titles, *names])}"
            )
    return {title: list(dict.fromkeys(wanted)) for title, wanted in chosen.items()}


def _title(name: str) -> str:
    split, _, rest = name.partition("/")
    return rest if split in _SPLITS else name


def _curves(
    run: int, record: RunRecord, wanted: Sequence[str], axis: Axis, *, alone: bool
) -> Iterable[Curve]:
    """Yield the curves of a run; alone, with the losses of its logged steps."""
    positions = _positions(record, record.history, axis)
    best = record.best.step if record.best is not None else None
    for name in wanted:
        points = [
            (x, line[name], line["step"] == best)
            for x, line in zip(positions, record.history, strict=True)
            if name in line
        ]
        if points:
            marks = [(x, y) for x, y, is_best in points if is_best and y is not None]
            mark = marks[0] if marks and name != RATE else None
            yield Curve(run, name, [p[0] for p in points], [p[1] for p in points], mark)
    if alone and "train/loss" in wanted and record.steps:
        lines = [line for line in record.steps if "loss" in line]
        yield Curve(run, "loss", _positions(record, lines, axis), [line["loss"] for line in lines])


def _positions(record: RunRecord, lines: Sequence[dict[str, Any]], axis: Axis) -> list[float]:
    if axis == "step":
        return [float(line["step"]) for line in lines]
    if axis == "time" and lines is record.history:
        return evaluation_times(record)
    if axis == "time":
        return elapsed(lines, record.run_id, record.sections.lineage)
    if record.steps_per_epoch:
        return [line["step"] / record.steps_per_epoch for line in lines]
    return [float(line["epoch"]) for line in lines]


def smoothed(values: Sequence[float | None], factor: float) -> list[float | None]:
    """Return the exponential moving average of a curve, without the bias of its start.

    Args:
        values: The values; None stays None.
        factor: The weight of the past, at least 0 and less than 1.
    """
    total = weight = 0.0
    result: list[float | None] = []
    for value in values:
        if value is None:
            result.append(None)
            continue
        total = factor * total + (1 - factor) * value
        weight = factor * weight + (1 - factor)
        result.append(total / weight)
    return result
