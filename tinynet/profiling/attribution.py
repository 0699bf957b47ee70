"""The share of each row in the duration of a step, from the recorded calls.

The time of a call without that of the calls in it belongs to the call's row. While several threads
compute, the time of each counts as a fraction: an hour of which two threads wait and compute for
half is the sum of four half hours divided by two. So the rows add up to the duration of the step.

While Python runs in a background thread, the step waits for the interpreter lock. Where that is
between two calls of a step, the time has a row of its own.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from tinynet.profiling.places import BETWEEN_LAYERS, DELAYS, IDLE_THREADS, LOOP, section
from tinynet.profiling.recorder import Direction, RecordedStep, RowKey, Span


@dataclass
class Share:
    """The nanoseconds of a row.

    Attributes:
        forward: Those of a forward pass.
        backward: Those of a backward pass.
        total: All, these included.
        kernels: Those of all that were spent in kernels.
    """

    forward: float = 0.0
    backward: float = 0.0
    total: float = 0.0
    kernels: float = 0.0

    def add(self, nanoseconds: float, direction: Direction, *, in_kernel: bool) -> None:
        """Add the time of a call."""
        self.total += nanoseconds
        if direction == "forward":
            self.forward += nanoseconds
        elif direction == "backward":
            self.backward += nanoseconds
        if in_kernel:
            self.kernels += nanoseconds


@dataclass(frozen=True)
class Attribution:
    """The shares of a step.

    Attributes:
        rows: The share of each row; their totals add up to the duration of the step.
        background: The nanoseconds of work in threads that the step did not wait for, by name.
    """

    rows: defaultdict[RowKey, Share] = field(default_factory=lambda: defaultdict(Share))
    background: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))


@dataclass
class _Call:
    """A call with what it inherits from the call around it.

    Attributes:
        span: The call.
        row: Its row.
        direction: Its pass.
        in_kernel: True in a kernel.
        in_job: True in a job of the thread pool.
        inner: The nanoseconds of the calls in it.
    """

    span: Span
    row: RowKey
    direction: Direction
    in_kernel: bool
    in_job: bool
    inner: int = 0

    @property
    def own(self) -> int:
        """The nanoseconds of the call without those of the calls in it."""
        return self.span.end - self.span.start - self.inner


class _Regions:
    """The calls of the thread pool, one after the other."""

    def __init__(self, calls: Iterable[_Call]) -> None:
        self.calls = [call for call in calls if call.span.place.category == "region"]
        self._starts = [call.span.start for call in self.calls]

    def around(self, span: Span) -> _Call | None:
        """Return the one that a call is a part of, or is itself."""
        index = bisect_right(self._starts, span.start) - 1
        if index < 0 or span.end > self.calls[index].span.end:
            return None
        return self.calls[index]


def attribute(step: RecordedStep, main: int) -> Attribution:
    """Return the shares of a step.

    Args:
        step: The step.
        main: The identifier of the thread that made it.
    """
    result, by_thread = Attribution(), defaultdict[int, list[Span]](list)
    for span in step.spans:
        by_thread[span.thread].append(span)
    loop, engine = section(LOOP), section(BETWEEN_LAYERS)
    calls = list(nested(by_thread.pop(main, []), loop))
    regions, background = _Regions(calls), list[Span]()
    busy = dict.fromkeys(map(id, regions.calls), 0)
    weighted = [(call, regions.around(call.span)) for call in calls]
    for spans in by_thread.values():
        for call in nested(spans, engine):
            region = regions.around(call.span) if call.in_job else None
            if region is not None:
                weighted.append((call, region))
            elif call.span.place.category == "background":
                result.background[call.span.place.name] += call.span.end - call.span.start
                background.append(call.span)
    outside = step.duration
    for call, region in weighted:
        threads = 1 if region is None else region.span.detail
        if call is region:
            continue
        if call.span.place.category == "job" and region is not None:
            busy[id(region)] += call.span.end - call.span.start
            call.row = region.row
        result.rows[call.row].add(call.own / threads, call.direction, in_kernel=call.in_kernel)
        if region is None:
            outside -= call.own
    for region in regions.calls:
        duration, threads = region.span.end - region.span.start, region.span.detail
        row = region.row if threads == 1 else section(IDLE_THREADS)
        idle = duration - busy[id(region)] / threads
        result.rows[row].add(idle, "", in_kernel=False)
        outside -= duration
    delayed = _overlap(_gaps(step, calls), background)
    if delayed:
        result.rows[section(DELAYS)].add(delayed, "", in_kernel=False)
    result.rows[loop].add(outside - delayed, "", in_kernel=False)
    return result


def _gaps(step: RecordedStep, calls: Iterable[_Call]) -> Iterator[tuple[int, int]]:
    """Yield the times between the calls of a step, which are ordered by their starts."""
    end = step.start
    for call in calls:
        if call.span.start > end:
            yield end, call.span.start
        end = max(end, call.span.end)
    yield end, step.end


def _overlap(gaps: Iterable[tuple[int, int]], spans: Sequence[Span]) -> int:
    """Return the nanoseconds of the gaps in which one of the spans was under way."""
    total = 0
    for start, end in gaps:
        common = sum(max(0, min(end, span.end) - max(start, span.start)) for span in spans)
        total += min(common, end - start)
    return total


def nested(spans: Iterable[Span], row: RowKey) -> Iterator[_Call]:
    """Yield the calls of a thread by their starts, after their inner time is known.

    Args:
        spans: The calls, in the order of their ends.
        row: The row of calls that no other call is around.
    """
    ordered = sorted(enumerate(spans), key=lambda e: (e[1].start, -e[1].end, -e[0]))
    open_calls: list[_Call] = []
    calls: list[_Call] = []
    for _, span in ordered:
        while open_calls and open_calls[-1].span.end < span.end:
            open_calls.pop()
        outer = open_calls[-1] if open_calls else None
        call = _within(span, outer, row)
        if outer is not None:
            outer.inner += span.end - span.start
        open_calls.append(call)
        calls.append(call)
    yield from calls


def _within(span: Span, outer: _Call | None, row: RowKey) -> _Call:
    place = span.place
    in_kernel = place.category == "kernel" or (outer is not None and outer.in_kernel)
    in_job = place.category == "job" or (outer is not None and outer.in_job)
    inherited: Direction = "" if outer is None or place.row is not None else outer.direction
    around = row if outer is None else outer.row
    return _Call(span, place.row or around, place.direction or inherited, in_kernel, in_job)
