"""The recording of some steps of a run."""

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import get_ident
from time import perf_counter_ns
from typing import Any

from tinynet.profiling.memory import MemoryMeter
from tinynet.profiling.places import observed_network, recorded_step
from tinynet.profiling.recorder import RecordedStep, Recorder, RowKey
from tinynet.profiling.replacements import Replacements
from tinynet.training.events import Evaluated, Evaluating, Event, StepDone, Stopping
from tinynet.training.trainer import Trainer

WARM_UP = 3
"""Steps before the first recorded one; memory is measured in the last of them."""

DEFAULT_STEPS = 20
"""Steps that are recorded."""

_MOST_SPANS = 2_000_000
"""Spans after which no further step is recorded, so that the trace stays of a usable size."""


@dataclass(frozen=True)
class Interval:
    """The time of something besides steps, in nanoseconds of the clock of its process."""

    name: str
    start: int
    end: int


@dataclass
class Elapsed:
    """Work that was done several times."""

    count: int = 0
    nanoseconds: int = 0

    def add(self, nanoseconds: int, count: int = 1) -> None:
        """Add some of it."""
        self.count += count
        self.nanoseconds += nanoseconds


@dataclass
class Recording:
    """The recorded steps of one process.

    Attributes:
        rank: The number of the process; 0 for a single one.
        host: The name of its machine; empty for a single one.
        main: The identifier of the thread that trained.
        synced: A time of its clock at which all processes were at the same place.
        steps: The recorded steps.
        plain: The steps between them, without calls.
        others: Evaluations between the steps.
    """

    rank: int = 0
    host: str = ""
    main: int = field(default_factory=get_ident)
    synced: int = 0
    steps: list[RecordedStep] = field(default_factory=list)
    plain: list[RecordedStep] = field(default_factory=list)
    others: list[Interval] = field(default_factory=list)


class Profiler:
    """Records some steps of a run: some number, and as many others only as a whole.

    The two kinds are mixed, so that their difference is the time that recording takes.

    Attributes:
        trainer: The trainer.
        recordings: The recordings of all processes; complete in the first process after `complete`.
        arrays: Bytes of the arrays that each node makes in a step.
        steps, evaluations, saves: The work of the whole run in this process.
        on_complete: Called once, between two steps, when all steps are recorded, or when the run
            ends before that.
    """

    def __init__(self, trainer: Trainer, count: int, session: object = None) -> None:
        """Prepare.

        Args:
            trainer: The trainer.
            count: Most steps that are recorded, alike in all processes.
            session: The object that logs and saves the steps; see `recorded_step`.
        """
        self.trainer = trainer
        self.recordings: list[Recording] = []
        self.arrays: dict[RowKey, int] = {}
        self.steps, self.evaluations, self.saves = Elapsed(), Elapsed(), Elapsed()
        self.on_complete: Callable[[], object] = lambda: None
        self._count, self._session = count, session
        self._own = Recording()
        self._recorder, self._spans = Recorder(), 0
        self._meter = MemoryMeter({**trainer.network.params, **trainer.network.buffers})
        self._measured: Replacements | None = None
        self._recorded: Replacements | None = None
        self._saving = 0

    @contextmanager
    def active(self) -> Iterator[None]:
        """Record the steps that `Trainer.run` makes within the context."""
        items: list[tuple[object, str, Any]] = [(self.trainer, "run", self._events)]
        if hasattr(self._session, "_save"):
            items.append((self._session, "_save", self._timed_save(self._session)))
        outer = Replacements(items)
        outer.install()
        try:
            yield
        finally:
            self._remove()
            outer.remove()

    def complete(self, *, together: bool = False) -> None:
        """End the recording; nothing happens if it has ended.

        Args:
            together: True if all processes call it, and gather their recordings.
        """
        if self.recordings:
            return
        self._remove()
        self.arrays = self._meter.bytes()
        group = self.trainer.group
        if group is None or not together:
            self.recordings = [self._own]
        else:
            group.gather(None)
            self._own.synced = perf_counter_ns()
            self._own.rank, self._own.host = group.rank, group.hosts[group.rank]
            self.recordings = group.gather(self._own)
        self.on_complete()

    # The loop -------------------------------------------------------------------------------

    def _events(self) -> Generator[Event, None, None]:
        """Yield the events of the trainer; the time until the next one is requested is the step."""
        events = type(self.trainer).run(self.trainer)
        try:
            while True:
                self._prepare()
                start = perf_counter_ns()
                event = next(events, None)
                if event is None or isinstance(event, Stopping):
                    self.complete(together=True)
                if event is None:
                    return
                yield event
                self._note(event, start, perf_counter_ns())
        finally:
            events.close()

    def _prepare(self) -> None:
        """Install what the next step is recorded with."""
        if self.recordings:
            return
        done = self.steps.count
        if done == WARM_UP - 1:
            self._measured = self._measured or Replacements(
                [*observed_network(self.trainer, self._meter)]
            )
            self._measured.install()
        elif done >= WARM_UP and self._is_recorded(done - WARM_UP):
            self._recorded = self._recorded or Replacements(
                [*recorded_step(self.trainer, self._session, self._recorder)]
            )
            self._recorded.install()

    @staticmethod
    def _is_recorded(number: int) -> bool:
        """Return True for one of each pair of steps.

        The Thue-Morse sequence has no period, such as that of the steps that are logged.
        """
        return number.bit_count() % 2 == 0

    def _remove(self) -> None:
        for replacements in (self._measured, self._recorded):
            if replacements is not None:
                replacements.remove()

    def _note(self, event: Event, start: int, end: int) -> None:
        """Note a step or a part of an evaluation, with what the session did after it."""
        self._remove()
        saving, self._saving = self._saving, 0
        work = self.steps if isinstance(event, StepDone) else self.evaluations
        work.add(end - start - saving, isinstance(event, StepDone | Evaluated))
        if self.recordings:
            return
        spans = self._recorder.take()
        if isinstance(event, StepDone):
            number = self.steps.count - 1 - WARM_UP
            if number >= 0 and self._is_recorded(number):
                step = RecordedStep(event.step, start, end, event.samples, spans)
                self._own.steps.append(step)
                self._spans += len(spans)
            elif number >= 0:
                self._own.plain.append(RecordedStep(event.step, start, end, event.samples))
            full = self._spans > _MOST_SPANS and self.trainer.group is None
            if number + 1 >= 2 * self._count or full:
                self.complete(together=True)
        elif self.steps.count > WARM_UP and isinstance(event, Evaluated | Evaluating):
            self._own.others.append(Interval("evaluation", start, end))

    def _timed_save(self, session: Any) -> Callable[..., None]:
        save = session._save

        def timed(**options: Any) -> None:
            start = perf_counter_ns()
            try:
                save(**options)
            finally:
                self._saving += perf_counter_ns() - start
                self.saves.add(perf_counter_ns() - start)

        return timed
