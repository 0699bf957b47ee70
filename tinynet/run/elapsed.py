"""Times of the lines of a log over all processes that trained a run."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import JsonValue


def elapsed(
    lines: Iterable[Mapping[str, Any]], run_id: str, lineage: Iterable[Mapping[str, JsonValue]]
) -> list[float]:
    """Return the seconds of training up to each line; the clock of each process starts at 0.

    A process starts after a step that the lineage names, or where the clock goes back.

    Args:
        lines: Lines of ``metrics.jsonl`` as `read_evaluated` returns them.
        run_id: The name of the run.
        lineage: The section of a checkpoint.
    """
    resumed = [entry.get("step") for entry in lineage if entry.get("run_id") == run_id]
    starts = [step for step in resumed if isinstance(step, int)]
    times, earlier, step, seconds = [], 0.0, 0, 0.0
    for line in lines:
        now = line["wall"]["seconds"]
        if now < seconds or any(step <= start < line["step"] for start in starts):
            earlier += seconds
        step, seconds = line["step"], now
        times.append(earlier + now)
    return times
