"""The record of calls: when each started and ended, and in which thread."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from threading import get_ident
from time import perf_counter_ns
from typing import Any, Literal, NamedTuple, ParamSpec, Protocol, TypeAlias, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

Kind: TypeAlias = Literal["node", "loss", "section"]

Category: TypeAlias = Literal["layer", "loss", "kernel", "section", "region", "job", "background"]
"""The category of a span.

A ``region`` is a call of the thread pool, whose ``job`` spans are those of its threads. A
``background`` span in another thread than that of the step takes no time of the step.
"""

Direction: TypeAlias = Literal["forward", "backward", ""]


class RowKey(NamedTuple):
    """A row of the table: a node, a loss, or another section of the step.

    Attributes:
        kind: The kind of row.
        name: The name of the node, loss or section.
    """

    kind: Kind
    name: str


class Place(NamedTuple):
    """A function whose calls are recorded.

    Attributes:
        name: The name of the spans in the trace.
        category: Their category.
        row: The row that their time belongs to; None for that of the call around them.
        direction: The pass of a layer or a loss.
        facts: Further facts for the trace, as (name, value).
    """

    name: str
    category: Category
    row: RowKey | None = None
    direction: Direction = ""
    facts: tuple[tuple[str, str], ...] = ()


class Span(NamedTuple):
    """A recorded call.

    Attributes:
        thread: The identifier of its thread.
        start: Its start in nanoseconds, of the clock of this process.
        end: Its end.
        place: The function.
        detail: The shape of an argument; of a region, the number of its threads; else None.
    """

    thread: int
    start: int
    end: int
    place: Place
    detail: Any


@dataclass(frozen=True)
class RecordedStep:
    """A step with the calls in it.

    Attributes:
        number: Number of the update, from 1.
        start: Its start in nanoseconds, of the clock of its process.
        end: Its end, after its results were logged and saved.
        samples: Number of samples.
        spans: The calls in it; empty if only its duration was measured.
    """

    number: int
    start: int
    end: int
    samples: int
    spans: tuple[Span, ...] = field(default=(), repr=False)

    @property
    def duration(self) -> int:
        """The nanoseconds of the step."""
        return self.end - self.start


class Wrapper(Protocol):
    """A way to observe the calls of a function."""

    def wrap(
        self, call: Callable[P, T], place: Place, shape_of: int | None = None
    ) -> Callable[P, T]:
        """Return a function that does the same.

        Args:
            call: The function.
            place: Its description.
            shape_of: The position of the argument whose shape is kept; None for none.
        """
        ...


class Recorder:
    """A list of spans, which functions in all threads append to."""

    def __init__(self) -> None:
        self._spans: list[tuple[int, int, int, Place, Any]] = []

    def __len__(self) -> int:
        """Return the number of spans."""
        return len(self._spans)

    def wrap(
        self, call: Callable[P, T], place: Place, shape_of: int | None = None
    ) -> Callable[P, T]:
        """Return a function that calls ``call`` and records the span; see `Wrapper`."""
        append = self._spans.append
        index = -1 if shape_of is None else shape_of

        def timed(*args: P.args, **kwargs: P.kwargs) -> T:
            start = perf_counter_ns()
            try:
                return call(*args, **kwargs)
            finally:
                append((get_ident(), start, perf_counter_ns(), place, None))

        def timed_with_shape(*args: P.args, **kwargs: P.kwargs) -> T:
            shape = getattr(args[index], "shape", None) if len(args) > index else None
            start = perf_counter_ns()
            try:
                return call(*args, **kwargs)
            finally:
                append((get_ident(), start, perf_counter_ns(), place, shape))

        return timed if shape_of is None else timed_with_shape

    def wrap_pool(self, run: Callable[..., None], size: int) -> Callable[..., None]:
        """Return a version of `ThreadPool.run` that records it, and each of its jobs.

        Args:
            run: The method.
            size: Number of threads of the pool.
        """
        append = self._spans.append

        def timed(jobs: Any) -> None:
            threads = max(1, min(size, len(jobs)))  # A process of several may have no shard.
            named = [self.wrap(job, _job(number)) for number, job in enumerate(jobs, 1)]
            start = perf_counter_ns()
            try:
                run(named)
            finally:
                append((get_ident(), start, perf_counter_ns(), _REGION, threads))

        return timed

    def take(self) -> tuple[Span, ...]:
        """Return the spans, in the order of their ends, and forget them."""
        # A background thread may append meanwhile: only what was read is removed.
        spans = self._spans[:]
        del self._spans[: len(spans)]
        return tuple(Span(*span) for span in spans)


_REGION = Place("thread pool", "region")


@cache
def _job(number: int) -> Place:
    return Place(f"job {number}", "job")


def facts(**values: object) -> tuple[tuple[str, str], ...]:
    """Return further facts of a place."""
    return tuple((name, str(value)) for name, value in values.items())
