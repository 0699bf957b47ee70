"""Times of a run that is watched: elapsed, since the last record, and left."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tinynet.run.record import RunRecord

_WINDOW = 5
"""Evaluations over which the time of a step is averaged."""


def elapsed(record: RunRecord, now: datetime) -> float:
    """Return the seconds of training, up to now if the run is trained."""
    return record.seconds + (_silence(record, now) if record.state == "training" else 0.0)


def time_left(record: RunRecord, now: datetime) -> float | None:
    """Return an estimate of the seconds until the end; None if there is none."""
    if record.state != "training" or record.total_steps is None:
        return None
    each = _seconds_per_step(record.history)
    if each is None:
        return None
    return max(each * (record.total_steps - record.step) - _silence(record, now), 0.0)


def clock(history: Sequence[Mapping[str, Any]]) -> list[float]:
    """Return the seconds of training at each evaluation; the log's clock restarts on resuming."""
    times, before, last = list[float](), 0.0, 0.0
    for line in history:
        seconds = line["wall"]["seconds"]
        before += last if seconds < last else 0.0
        last = seconds
        times.append(before + seconds)
    return times


def ago(record: RunRecord, now: datetime) -> str:
    """Return the time since the last record: ``3 s ago``, ``2 h ago``."""
    seconds = round(_silence(record, now))
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


def _silence(record: RunRecord, now: datetime) -> float:
    """Return the seconds since the last record; 0 if its clock is ahead."""
    return max((now - record.updated).total_seconds(), 0.0)


def _seconds_per_step(history: Sequence[Mapping[str, Any]]) -> float | None:
    """Return the time of a step over the last evaluations of one process."""
    last = history[-_WINDOW:]
    for first in last[:-1]:
        steps = last[-1]["step"] - first["step"]
        seconds = last[-1]["wall"]["seconds"] - first["wall"]["seconds"]
        if steps > 0 and seconds > 0:
            return float(seconds / steps)
    if len(history) == 1 and history[0]["step"] > 0:
        return float(history[0]["wall"]["seconds"] / history[0]["step"])
    return None
