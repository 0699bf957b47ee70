"""The search: trials are started, pruned and recorded until the study is complete."""

import shlex
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pydantic import JsonValue

from tinynet.commands.tune.importance import importances
from tinynet.commands.tune.importance_plot import plot_importance
from tinynet.commands.tune.jobs import Job, Jobs, processes, threads_of_each
from tinynet.commands.tune.plan import Plan
from tinynet.commands.tune.results import (
    StudyResult,
    TrialResult,
    best_trial,
    trial_results,
    write_results,
)
from tinynet.commands.tune.study import Study, StudyFolder, opened
from tinynet.errors import TinynetError
from tinynet.run.interrupts import Interrupted, Interrupts, recorded_signals
from tinynet.run.lock import locked
from tinynet.run.record import read_record
from tinynet.text.printing import counted
from tinynet.training.events import Warned


@dataclass(frozen=True)
class TrialStarted:
    """A trial started, or was resumed."""

    number: int
    params: Mapping[str, JsonValue]
    resumed: bool


@dataclass(frozen=True)
class TrialEvaluated:
    """A running trial was evaluated."""

    number: int
    epoch: int
    value: float


@dataclass(frozen=True)
class TrialEnded:
    """A trial ended.

    Attributes:
        trial: The trial.
        done: Number of trials that have ended.
        improved: True if it is the best so far.
    """

    trial: TrialResult
    done: int
    improved: bool


TuneEvent: TypeAlias = TrialStarted | TrialEvaluated | TrialEnded | Warned


def search(
    folder: StudyFolder,
    plan: Plan,
    tell: Callable[[TuneEvent], None],
    *,
    jobs: int = 1,
    timeout: float | None = None,
    settings: Mapping[str, Any] | None = None,
) -> StudyResult:
    """Run the trials of a study that are missing, and write its results.

    Args:
        folder: The folder of the study.
        plan: The plan.
        tell: Called with every event.
        jobs: Number of processes that train trials at the same time; each has its share of cores.
        timeout: Seconds after which no further trial starts.
        settings: Options of training that are not part of the plan: ``kernels``, ``max_params``.

    Raises:
        RunBusyError: if another process runs the study.
        Interrupted: after SIGINT, SIGTERM or SIGHUP; all trials are saved.
    """
    with ExitStack() as stack:
        stack.enter_context(locked(folder.lock))
        plan.write(folder.plan)  # a resumed study may have another number of trials
        study = stack.enter_context(opened(folder, plan, lambda text: tell(Warned(text))))
        signals = stack.enter_context(recorded_signals())
        ends = None if timeout is None else time.monotonic() + timeout
        share = {"threads": threads_of_each(jobs), "data_root": plan.data_root}
        running = _Search(study, tell, ends, {**share, **(settings or {})}, signals)
        try:
            running.run(stack.enter_context(processes(jobs)))
        finally:
            result = _conclude(study, complete=not running.stopping)
        if running.stopping:
            raise Interrupted(_interrupted(result), signals.received or signal.SIGTERM)
        return result


@dataclass
class _Search:
    study: Study
    tell: Callable[[TuneEvent], None]
    ends: float | None
    settings: dict[str, Any]
    signals: Interrupts
    warned: set[str] = field(default_factory=set)
    stopping: bool = False

    def run(self, jobs: Jobs) -> None:
        """Run trials until none is left to start, and all have ended."""
        self._left = self.study.unfinished()
        self._fill(jobs)
        for job, message in jobs.messages(lambda: self._check(jobs)):
            self._take(job, message)
            self._fill(jobs)

    def _check(self, jobs: Jobs) -> None:
        """Stop the processes once after a signal."""
        if self.signals.received is not None and not self.stopping:
            self.stopping = True
            jobs.stop()

    def _fill(self, jobs: Jobs) -> None:
        """Give every idle process a trial."""
        for job in jobs.idle:
            if self.stopping or self.signals.received is not None:
                return
            if self._left:
                number = self._left.pop(0)
                params, resumed = self.study.resume(number), True
            elif self._may_start():
                (number, params), resumed = self.study.start(), False
            else:
                return
            self.tell(TrialStarted(number, params, resumed))
            plan = self.study.plan
            run = str(self.study.folder.run(number))
            changes = plan.changes(params)
            job.start(
                number,
                {
                    "run": run,
                    "spec": plan.document,
                    "overrides": changes,
                    "settings": self.settings,
                },
            )

    def _may_start(self) -> bool:
        late = self.ends is not None and time.monotonic() >= self.ends
        return not late and len(self.study.trials()) < self.study.plan.trials

    def _take(self, job: Job, message: dict[str, Any]) -> None:
        """Handle the message of a process."""
        kind, number = message.pop("kind"), job.trial
        assert number is not None
        if kind == "warning":
            if message["message"] not in self.warned:
                self.warned.add(message["message"])
                self.tell(Warned(message["message"]))
        elif kind == "evaluated":
            job.answer({"prune": self._evaluated(number, message)})
        elif kind == "interrupted" or (kind == "died" and self.signals.received is not None):
            job.trial, self.stopping = None, True
        else:
            job.trial = None
            self._ended(number, message)

    def _evaluated(self, number: int, message: dict[str, Any]) -> bool:
        value = message["figures"].get(self.study.plan.metric)
        if value is None:  # not finite
            return False
        self.tell(TrialEvaluated(number, message["epoch"], value))
        evaluation = self.study.plan.evaluation_number(message["step"], message["epoch"])
        return self.study.report(number, evaluation, value)

    def _ended(self, number: int, facts: dict[str, Any]) -> None:
        plan, value = self.study.plan, facts.get("value")
        if value is None and "error" not in facts:
            facts["error"] = f"{plan.metric} never was finite"
        with suppress(TinynetError):  # a trial that failed before its first save has no record
            record = read_record(self.study.folder.run(number))
            facts["seconds"] = round(record.seconds, 3)
        before = best_trial(plan, trial_results(self.study))
        self.study.finish(number, value, facts)
        trials = trial_results(self.study)
        best = best_trial(plan, trials)
        improved = best is not None and best.number == number and best != before
        done = sum(trial.state != "unfinished" for trial in trials)
        self.tell(TrialEnded(trials[number], done, improved))


def _conclude(study: Study, *, complete: bool) -> StudyResult:
    """Return the results so far, and write them; importances only if the search is complete."""
    folder, plan, trials = study.folder.path, study.plan, tuple(trial_results(study))
    shares = importances(study) if complete else {}
    plots = plot_importance(folder, shares, plan.metric) if len(shares) > 1 else ()
    result = StudyResult(folder, plan, trials, best_trial(plan, trials), shares, plots)
    write_results(result)
    return result


def _interrupted(result: StudyResult) -> str:
    done = sum(trial.state != "unfinished" for trial in result.trials)
    left = len(result.trials) - done
    saved = f"; {left} unfinished {'trial is' if left == 1 else 'trials are'} saved" if left else ""
    command = f"tinynet tune --run {shlex.quote(str(result.folder))} --resume"
    trials = counted(result.plan.trials, "trial")
    return f"Interrupted after {done} of {trials}{saved}. Continue with: {command}"
