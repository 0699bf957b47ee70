"""The recording of some steps of a run."""

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import get_ident
from time import perf_counter_ns
from typing import Any, Literal, TypeAlias

from tinynet.profiling.memory import MemoryMeter
from tinynet.profiling.observed_program import has_chains
from tinynet.profiling.places import observed_layers, recorded_step, replays
from tinynet.profiling.recorder import RecordedStep, Recorder, RowKey
from tinynet.profiling.replacements import Item, Replacements
from tinynet.training.events import Evaluated, Evaluating, Event, StepDone, Stopping
from tinynet.training.trainer import Trainer

WARM_UP = 3
"""Steps before the first recorded one; memory is measured in the last of them."""

REPLAY_WARM_UP = 3
"""Further steps before it if layers are replayed, which begins after some passes."""

_Kind: TypeAlias = Literal["first", "memory", "recorded", "plain", "layers", "later"]
"""The way in which a step is recorded.

``first`` and ``later`` ones are not, ``plain`` ones as a whole. In ``layers`` no layers are
replayed, so that each can be recorded.
"""

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
        layers: Steps in which no layers were replayed; empty if none are.
        others: Evaluations between the steps.
    """

    rank: int = 0
    host: str = ""
    main: int = field(default_factory=get_ident)
    synced: int = 0
    steps: list[RecordedStep] = field(default_factory=list)
    plain: list[RecordedStep] = field(default_factory=list)
    layers: list[RecordedStep] = field(default_factory=list)
    others: list[Interval] = field(default_factory=list)


class Profiler:
    """Records some steps of a run: some number, and as many others only as a whole.

    The two kinds are mixed, so that their difference is the time that recording takes. If layers
    are replayed, there is a third kind, half as many steps: in these each layer is called.

    Attributes:
        trainer: The trainer.
        recordings: The recordings of all processes; complete in the first process after `complete`.
        arrays: Bytes of the arrays that each node makes in a step.
        steps: The steps of the whole run in this process.
        evaluations: Its evaluations.
        saves: Its saves.
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
        self._prepared: dict[_Kind, Replacements] = {}
        self._installed: list[Replacements] = []
        self._saving = 0
        self._chains = has_chains(trainer.network.program)

    @contextmanager
    def active(self) -> Iterator[None]:
        """Record the steps that `Trainer.run` makes within the context."""
        items: list[Item] = [(self.trainer, "run", self._events)]
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

    @property
    def left_out(self) -> int:
        """Number of steps before the first recorded one."""
        return WARM_UP + (REPLAY_WARM_UP if self._chains else 0)

    def _kind(self, done: int) -> _Kind:
        """Return the kind of the step after some others of this process."""
        number = done - self.left_out
        if number < 0:
            return "memory" if number == -1 else "first"
        if self._chains:
            if number % 5 == 1:
                return "layers"
            number -= (number + 3) // 5
        if number >= 2 * self._count:
            return "later"
        # One of each pair. This Thue-Morse sequence has no period, such as that of logged steps.
        return "recorded" if number.bit_count() % 2 == 0 else "plain"

    def _prepare(self) -> None:
        """Install what the next step is recorded with."""
        if self.recordings:
            return
        kind = self._kind(self.steps.count)
        if kind in ("memory", "layers", "recorded"):
            if kind not in self._prepared:
                self._prepared[kind] = Replacements([*self._replacements(kind)])
            self._installed = [self._prepared[kind]]
            if kind == "recorded":
                self._installed.append(Replacements([*replays(self.trainer, self._recorder)]))
            for replacements in self._installed:
                replacements.install()

    def _replacements(self, kind: _Kind) -> Iterator[Item]:
        trainer, session, recorder = self.trainer, self._session, self._recorder
        if kind == "memory":
            return observed_layers(trainer, self._meter)
        return recorded_step(trainer, session, recorder, chains=kind == "recorded")

    def _remove(self) -> None:
        for replacements in reversed(self._installed):
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
            kind = self._kind(self.steps.count - 1)
            step = RecordedStep(event.step, start, end, event.samples, spans)
            if kind == "recorded":
                self._own.steps.append(step)
            elif kind == "plain":
                self._own.plain.append(step)
            elif kind == "layers":
                self._own.layers.append(step)
            self._spans += len(spans)
            full = self._spans > _MOST_SPANS and self.trainer.group is None
            if full or self._kind(self.steps.count) == "later":
                self.complete(together=True)
        elif self.steps.count > self.left_out and isinstance(event, Evaluated | Evaluating):
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
