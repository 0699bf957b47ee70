"""Times of the lines of a log over all processes that trained a run."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

if TYPE_CHECKING:
    from tinynet.run.record import RunRecord


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


def evaluation_times(record: "RunRecord") -> list[float]:
    """Return the seconds of training up to each evaluation of a run, over all its processes.

    Lines of single steps count as well: a process may end long after its last evaluation.
    """
    everything = sorted([*record.steps, *record.history], key=lambda line: line["step"])
    times = elapsed(everything, record.run_id, record.sections.lineage)
    by_line = dict(zip(map(id, everything), times, strict=True))
    return [by_line[id(line)] for line in record.history]
