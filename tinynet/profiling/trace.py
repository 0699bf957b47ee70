"""The trace of the recorded steps, in the Trace Event Format that Perfetto and Chrome open.

Each call is a complete event (``"ph": "X"``), with its process, thread, start and duration in
microseconds. See "Trace Event Format" (Google, 2016).
"""

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tinynet.errors import explaining_io
from tinynet.files.atomic import replacing
from tinynet.profiling.places import READ_SAMPLES, WRITE_CHECKPOINT
from tinynet.profiling.profiler import Recording
from tinynet.profiling.recorder import RecordedStep, Span

_PROCESS = 10_000
"""The distance of the numbers of two processes; those of the threads of one lie between.

Perfetto requires that no thread has the number of one in another process, and none the number 0. A
thread with the number of its process is the main thread.
"""

_LOADER, _SAVER = 9_000, 9_001
"""The thread numbers of background threads, after those of the threads that compute."""

Event = dict[str, Any]


def write_trace(path: Path, name: str, recordings: Sequence[Recording]) -> None:
    """Write the trace of all processes, compressed.

    Args:
        path: The file.
        name: The name of the run.
        recordings: The recordings of the processes.

    Raises:
        CheckpointIOError: if it cannot be written.
    """
    text = json.dumps(trace(name, recordings), separators=(",", ":"))
    with explaining_io(path), replacing(path) as write_at:
        write_at(0, gzip.compress(text.encode(), compresslevel=6, mtime=0))


def trace(name: str, recordings: Sequence[Recording]) -> dict[str, Any]:
    """Return the trace as a JSON object."""
    first, events = recordings[0], list[Event]()
    # The processes of a machine share its clock; that of another machine is moved.
    shifts = [0 if r.host == first.host else first.synced - r.synced for r in recordings]
    origin = min(
        step.start + shift
        for recording, shift in zip(recordings, shifts, strict=True)
        for step in (*recording.steps, *recording.plain, *recording.layers)
    )
    for recording, shift in zip(recordings, shifts, strict=True):
        events += _events(name, recording, origin - shift, len(recordings))
    return {"traceEvents": events, "displayTimeUnit": "ms"}


def _events(name: str, recording: Recording, origin: int, processes: int) -> Iterator[Event]:
    pid = 1 + _PROCESS * recording.rank
    place = f"process {recording.rank} on {recording.host}" if processes > 1 else "tinynet"
    yield _name("process_name", pid, pid, f"{place}: {name}")
    yield {"ph": "M", "name": "process_sort_index", "pid": pid, "args": {"sort_index": pid}}
    threads = _threads(recording)
    for number, title in sorted(set(threads.values())):
        tid, index = pid + number, {"sort_index": number}
        yield _name("thread_name", pid, tid, title)
        yield {"ph": "M", "name": "thread_sort_index", "pid": pid, "tid": tid, "args": index}
    for step in (*recording.steps, *recording.layers):
        remark = " (layers called one by one)" if step in recording.layers else ""
        yield _step(step, pid, origin, remark)
        for span in step.spans:
            number, _ = threads[span.thread]
            yield _event(
                span.place.name, span.place.category, pid, number, span, origin, _facts(span)
            )
    for step in recording.plain:
        yield _step(step, pid, origin, " (calls not recorded)")
    for other in recording.others:
        yield _event(other.name, "section", pid, 0, other, origin, {})


def _threads(recording: Recording) -> dict[int, tuple[int, str]]:
    """Return number and title of each thread, by its identifier."""
    threads = {recording.main: (0, "training")}
    steps = [*recording.steps, *recording.layers]
    for step in steps:
        for span in step.spans:
            if span.thread == recording.main or span.thread in threads:
                continue
            if span.place.name == READ_SAMPLES:
                threads[span.thread] = _LOADER, "loader"
            elif span.place.name == WRITE_CHECKPOINT:
                threads[span.thread] = _SAVER, "saver"
    for step in steps:
        for span in step.spans:
            if span.thread not in threads:
                number = sum(each < _LOADER for each, _ in threads.values())
                threads[span.thread] = number, f"shards {number}"
    return threads


def _step(step: RecordedStep, pid: int, origin: int, remark: str) -> Event:
    name = f"step {step.number}{remark}"
    return _event(name, "step", pid, 0, step, origin, {"samples": step.samples})


def _facts(span: Span) -> dict[str, Any]:
    facts: dict[str, Any] = dict(span.place.facts)
    if isinstance(span.detail, tuple):
        facts["shape"] = list(span.detail)
    elif span.detail is not None:
        facts["threads"] = span.detail
    return facts


def _event(
    name: str,
    category: str,
    pid: int,
    thread: int,
    interval: Any,
    origin: int,
    facts: Mapping[str, Any],
) -> Event:
    """Return a complete event; ``interval`` has ``start`` and ``end`` in nanoseconds."""
    return {
        "ph": "X",
        "name": name,
        "cat": category,
        "pid": pid,
        "tid": pid + thread,
        "ts": (interval.start - origin) / 1000,
        "dur": (interval.end - interval.start) / 1000,
        "args": facts,
    }


def _name(kind: str, pid: int, thread: int, name: str) -> Event:
    return {"ph": "M", "name": kind, "pid": pid, "tid": thread, "args": {"name": name}}
