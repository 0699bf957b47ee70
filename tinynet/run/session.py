"""One process that trains one run: the training loop, the run folder and signals."""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import chain

from pydantic import JsonValue

from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.checkpoint.sections import LogMark
from tinynet.checkpoint.trial import require_loadable
from tinynet.data.sizes import SplitSizes
from tinynet.engine.plugin_state import layout, layout_problem
from tinynet.errors import PluginError, TinynetError
from tinynet.logger import LoggedRun, RunState
from tinynet.run.ending import recorded_ending
from tinynet.run.folder import RunFolder
from tinynet.run.interrupts import Interrupted, recorded_signals
from tinynet.run.kept_best import KeptBest, Snapshot
from tinynet.run.locating import locating_errors
from tinynet.run.log import RunLog
from tinynet.run.loggers import Loggers, history, past_statistics, past_tests
from tinynet.run.observers import StoppableObserver
from tinynet.run.roots import resume_command
from tinynet.run.same_state import require_same_state
from tinynet.run.save_policy import SavePolicy
from tinynet.run.saver import Saver
from tinynet.run.statistics_log import StatisticsLog
from tinynet.training.events import (
    Ended,
    Evaluated,
    Event,
    Processes,
    Saved,
    Started,
    StepDone,
    Stopping,
    StopReason,
    Warned,
)
from tinynet.training.exchange import Requests
from tinynet.training.monitor import best_evaluation, early_stopping_event
from tinynet.training.progress import Best, Progress
from tinynet.training.trainer import Trainer
from tinynet.types import Array

_MOST = 2**63 - 1
_LONGEST = Best(-1.2345678901234567e-300, _MOST)


def draft_checkpoint(
    trainer: Trainer, lineage: Sequence[dict[str, JsonValue]] = (), run_id: str | None = None
) -> Checkpoint:
    """Return a template of a run's checkpoints, in which every number has its greatest length.

    So limits of size are checked before training. The trainer is at the step to start from;
    ``run_id`` is None for a new run. Errors are those of `require_loadable`.
    """
    draft = replace(
        Checkpoint.of(trainer, lineage, run_id),
        progress=Progress(_MOST, _MOST, _MOST, _MOST, _LONGEST, _LONGEST, _MOST, _MOST),
        log=LogMark(_MOST, "0" * 32),
    )
    require_loadable(draft)
    return draft


@dataclass(eq=False)
class Session:
    """One process that trains one run: it logs and saves between the steps of the loop.

    Attributes:
        folder: The run's folder; its lock is held.
        trainer: The trainer, before its next step.
        tell: Called with every event.
        draft: The `draft_checkpoint` of the trainer.
        resumed: The checkpoint that is resumed; None for a new run.
        loggers: The loggers, which have not started.
    """

    folder: RunFolder
    trainer: Trainer
    tell: StoppableObserver
    draft: Checkpoint
    resumed: Checkpoint | None = None
    loggers: Loggers = field(default_factory=Loggers)

    def train(self) -> tuple[dict[str, float], float]:
        """Train to the end, or until an observer stops the run, or until a signal.

        Returns:
            The figures of the last evaluation of this process, and the seconds of training.

        Raises:
            Interrupted: after SIGINT, SIGTERM or SIGHUP; the run is saved.
        """
        trainer, resumed = self.trainer, self.resumed
        self._layout = layout(self.draft.tensors)
        self._policy = SavePolicy(trainer)
        self._best = KeptBest()
        started = time.monotonic()
        self._figures: dict[str, float] = {}
        self._stopped = Requests()
        mark = resumed.log if resumed is not None else None
        begins = resumed is None or not trainer.finished
        with (
            locating_errors(trainer.spec),
            RunLog(self.folder.log, mark) as self._log,
            Saver[list[Saved]]() as self._saver,
            recorded_signals() as interrupts,
            self._ending_recorded() if begins else nullcontext(),
        ):
            if self._log.gone:
                self.tell(Warned(f"{self.folder.log} is gone; a new one starts"))
            self._statistics = StatisticsLog(self.folder.statistics)
            if begins:
                self._statistics.cut(trainer.step)
            with (
                self._recorded_by_loggers(begins),
                self._last_save_reported(),
                closing(trainer.run()) as events,
            ):
                if begins:
                    self._begin()
                signal = None
                while not self._stops(signal) and (event := next(events, None)) is not None:
                    if isinstance(event, Stopping):
                        self._stopped = event.requests
                        break
                    self.tell(event)
                    if isinstance(event, Evaluated):
                        self._figures = dict(event.figures)
                    elif isinstance(event, StepDone) and event.statistics is not None:
                        self.tell(event.statistics)
                    self._record(event, time.monotonic() - started)
                    signal = None if trainer.finished else interrupts.received
                if self._stopped.signal is not None:
                    self._interrupt(self._stopped.signal)
            if self.stop_reason == "observer":
                self._save()
            self._acknowledge(self._saver.wait())
        if begins:
            self._end()
        return self._figures, time.monotonic() - started

    def _stops(self, signal: int | None) -> bool:
        """Return True if a single process stops; of several, request that all of them stop."""
        requests = Requests(signal, stop=self.tell.stop is not None)
        if self.trainer.group is None:
            self._stopped = requests
            return requests.ends
        if requests.ends:
            self.trainer.request(requests)
        return False

    @property
    def stop_reason(self) -> StopReason | None:
        """The reason why training ended; None before."""
        reason = self.trainer.stop_reason
        return "observer" if reason is None and self.tell.stop is not None else reason

    @property
    def stop_message(self) -> str:
        """The reason that an observer gave for stopping the run; empty without one."""
        stop = self.tell.stop
        return stop.reason if stop is not None and self.stop_reason == "observer" else ""

    def _ending_recorded(self) -> AbstractContextManager[None]:
        def stop() -> str | None:
            return self.stop_message if self.stop_reason == "observer" else None

        return recorded_ending(self.folder.path, lambda: self.trainer.step, stop)

    def _begin(self) -> None:
        trainer = self.trainer
        assert trainer.spec.data is not None
        sizes = SplitSizes.of(trainer.spec.data, trainer.data)
        steps = (trainer.step, trainer.total_steps, trainer.steps_per_epoch)
        by_step = trainer.spec.training.evaluate_every_steps is not None
        self.tell(Started(self.folder.path, *steps, sizes, by_step, _processes(trainer)))
        # This also makes the run folder durable, before a save in it is acknowledged.
        self.folder.write_spec(self.draft.spec)
        resumed = self.resumed
        # A changed spec is saved before its first step, or a kill would undo the change.
        saves = resumed is None or self._log.gone or resumed.spec != self.draft.spec
        if trainer.group is not None:
            trainer.group.share(saves)
        if saves:
            self._save(wait=True)

    def _end(self) -> None:
        """Report the end of training."""
        trainer, reason = self.trainer, self.stop_reason
        assert reason is not None
        training, progress = trainer.spec.training, trainer.progress
        if training.early_stopping is not None and reason == "early_stopping":
            early = early_stopping_event(training.early_stopping, progress, trainer.steps_per_epoch)
            self.tell(early)
        message = self.stop_message
        best = best_evaluation(training, progress, trainer.steps_per_epoch)
        kept = progress.best
        path = None if kept is None else self.folder.checkpoint(kept.step)
        self.tell(Ended(progress.step, progress.epoch, reason, message, best, path))

    @contextmanager
    def _recorded_by_loggers(self, begins: bool) -> Iterator[None]:
        """Start the loggers, unless the run has finished, and complete their records."""
        if not (begins and self.loggers):
            yield
            return
        folder = self.folder.path.resolve()
        run_id, spec, step = self.draft.run_id, self.draft.spec, self.trainer.step
        records = history(self.folder.log)
        past = records, past_statistics(self.folder.statistics), past_tests(folder, records)
        run = LoggedRun(folder, folder.name, run_id, spec, step, *past)
        self.loggers.start(run, lambda text: self.tell(Warned(text)))
        state: RunState = "failed"
        try:
            yield
            state = "finished" if self.trainer.finished else "stopped"
        except (Interrupted, KeyboardInterrupt):
            state = "stopped"
            raise
        finally:
            self.loggers.finish(state, self._figures)

    @contextmanager
    def _last_save_reported(self) -> Iterator[None]:
        """If training fails, save the best state, and report the outcome of the last save."""
        try:
            yield
        except BaseException:
            try:
                self._save_best()
                self._acknowledge(self._saver.wait())
            except TinynetError as error:
                self.tell(Warned(f"the last save failed: {error}"))
            raise

    def _interrupt(self, signal: int) -> None:
        """Save the run and raise `Interrupted`."""
        self._save(wait=True)
        trainer, group = self.trainer, self.trainer.group
        command = resume_command(self.folder.path, trainer.data.root, trainer.spec)
        message = f"Interrupted at step {trainer.step:,} and saved. Continue with: {command}"
        raise Interrupted(message if group is None else group.share(message), signal)

    def _record(self, event: Event, seconds: float) -> None:
        """Log an event, and save after it if the spec asks for it."""
        training = self.trainer.spec.training
        if isinstance(event, StepDone):
            every = training.log_every_steps
            if every is not None and event.step % every == 0:
                figures = {"loss": event.loss, "learning_rate": event.learning_rate}
                self._append(event, figures, seconds)
            if event.statistics is not None:
                self._statistics.append(event.statistics)
                self.loggers.statistics(event.statistics)
        elif isinstance(event, Evaluated):
            self._append(event, event.figures, seconds)
        self._acknowledge(self._saver.finished())
        if self._policy.due(event):
            self._save(best_alone=self._policy.can_wait(event))
        elif self._best.waits_long:
            self._save_best()

    def _append(
        self, event: StepDone | Evaluated, figures: Mapping[str, float], seconds: float
    ) -> None:
        finite = {n: value if math.isfinite(value) else None for n, value in figures.items()}
        now = datetime.now(UTC).isoformat(timespec="seconds")
        wall: dict[str, JsonValue] = {"seconds": round(seconds, 3), "time": now}
        self._log.append({"step": event.step, "epoch": event.epoch, **finite, "wall": wall})
        self.loggers.log(event.step, event.epoch, figures)

    def _save(self, *, best_alone: bool = False, wait: bool = False) -> None:
        """Save the run in the background.

        Args:
            best_alone: True to only keep the state for the next save if it may wait.
            wait: Return when the run is saved.
        """
        require_same_state(self.trainer)
        trainer = self.trainer
        state = trainer.state()
        if problem := layout_problem(self._layout, state, "the layer, optimizer or metric"):
            raise PluginError(problem)
        now = Snapshot(replace(trainer.progress), self._log.mark(), state)
        if best_alone and self._best.keep(now):
            return
        kept = () if now.is_best else self._best.snapshots

        def save(copies: dict[str, Array]) -> list[Saved]:
            return self._write(*kept, replace(now, tensors=copies))

        self._acknowledge(self._saver.start(state, save))
        self._best.clear()
        self._policy.restart()
        if wait:
            self._acknowledge(self._saver.wait())

    def _save_best(self) -> None:
        """Save the kept state of the best evaluation, if there is one, in the background."""
        if kept := self._best.snapshots:
            self._acknowledge(self._saver.start({}, lambda _: self._write(*kept)))
            self._best.clear()

    def _write(self, *snapshots: Snapshot) -> list[Saved]:
        """Write checkpoints, and then remove those that are no longer needed."""
        folder, run_id, saved = self.folder, self.draft.run_id, []
        needed = [self.resumed.progress.step] if self.resumed is not None else []
        self._log.sync()
        for snapshot in snapshots:
            progress = snapshot.progress
            path = folder.checkpoint(progress.step)
            self.draft.at(progress, snapshot.log, tensors=snapshot.tensors).write(path)
            folder.remember(run_id, progress.step)
            saved.append(Saved(progress.step, path))
            if progress.best is not None:
                needed.append(progress.best.step)
        folder.prune(run_id, self.trainer.spec.training.checkpoint.keep_last, needed)
        return saved

    def _acknowledge(self, saves: Sequence[Sequence[Saved]]) -> None:
        for event in chain.from_iterable(saves):
            self.tell(event)


def _processes(trainer: Trainer) -> Processes | None:
    """Return the description of the processes that train the run."""
    group = trainer.group
    return None if group is None else Processes(group.size, group.hosts, trainer.shards)
