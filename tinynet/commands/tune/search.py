"""The search: trials are started, pruned and recorded until the study is complete."""

import signal
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pydantic import JsonValue

from tinynet.commands.tune.data_check import are_readable, require_same_data, varies_data
from tinynet.commands.tune.failures import OUT_OF_MEMORY, is_of_values, stopping_error, with_remedy
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
from tinynet.commands.tune.tuned_spec import tuned_path
from tinynet.errors import TinynetError, explaining_io
from tinynet.run.interrupts import Interrupted, Interrupts, recorded_signals
from tinynet.run.lock import locked
from tinynet.run.record import read_record
from tinynet.text.printing import counted
from tinynet.text.shell import shell_path
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
    timeout: float | None = None,
    allow_data_change: bool = False,
    settings: Mapping[str, Any] | None = None,
) -> StudyResult:
    """Run the trials of a study that are missing, and write its results.

    Args:
        folder: The folder of the study.
        plan: The plan.
        tell: Called with every event.
        timeout: Seconds after which no further trial starts.
        allow_data_change: Resume trials although their data have changed.
        settings: Options of training that are not part of the plan: ``kernels``, ``max_params``.

    Raises:
        RunBusyError: if another process runs the study.
        Interrupted: after SIGINT, SIGTERM or SIGHUP; all trials are saved.
        TinynetError: for an error that the values of a trial do not cause, such as a full disk;
            the trials that were running are saved.
    """
    with ExitStack() as stack:
        folder.require_plain()
        stack.enter_context(locked(folder.lock))
        plan.write(folder.plan)  # a resumed study may have another number of trials
        study = stack.enter_context(opened(folder, plan, lambda text: tell(Warned(text))))
        signals = stack.enter_context(recorded_signals())
        ends = None if timeout is None else time.monotonic() + timeout
        share = {"threads": threads_of_each(plan.jobs), "data_root": plan.data_root}
        all_settings = {**share, **(settings or {})}
        running = _Search(study, tell, ends, all_settings, signals, allow_data_change)
        try:
            running.run(stack.enter_context(processes(plan.jobs)))
        except BaseException as error:
            with suppress(TinynetError, OSError):  # as on a full disk, which is reported already
                _conclude(study, complete=False)
            if isinstance(error, TinynetError):
                remedy = f"to continue the study: {_resume_command(folder)}"
                raise with_remedy(error, remedy) from error
            raise
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
    allow_data_change: bool = False
    warned: set[str] = field(default_factory=set)
    stopping: bool = False
    error: TinynetError | None = None
    changes: dict[int, dict[str, JsonValue]] = field(default_factory=dict)  # of running trials
    killed: set[int] = field(default_factory=set)
    killed_last: bool = False  # True if the last trial that ended was killed

    def run(self, jobs: Jobs) -> None:
        """Run trials until none is left to start, and all have ended.

        Raises:
            TinynetError: that stopped the study.
        """
        self._left = self.study.unfinished()
        with explaining_io(self.study.folder.path):
            self._fill(jobs)
            for job, message in jobs.messages(lambda: self._check(jobs)):
                self._take(jobs, job, message)
                self._fill(jobs)
        if self.error is not None:
            raise self.error

    def _check(self, jobs: Jobs) -> None:
        """Stop the processes once after a signal."""
        if self.signals.received is not None:
            self._stop(jobs)

    def _stop(self, jobs: Jobs) -> None:
        """Let every process save its trial; none starts."""
        if not self.stopping:
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
            self.changes[number] = plan.changes(params)
            job.start(
                number,
                {
                    "run": run,
                    "spec": plan.document,
                    "overrides": self.changes[number],
                    "settings": self.settings,
                    "allow_data_change": self.allow_data_change,
                },
            )

    def _may_start(self) -> bool:
        late = self.ends is not None and time.monotonic() >= self.ends
        trials, plan = self.study.trials(), self.study.plan
        if late or len(trials) >= plan.trials:
            return False
        size = plan.space.size
        if size is not None and len(trials) >= size:
            tried = {tuple(sorted(trial.params.items())) for trial in trials}
            if len(tried) >= size:
                text = f"all {size:,} combinations were tried, so no further trial starts"
                self._take_warning(text)
                return False
        return True

    def _take(self, jobs: Jobs, job: Job, message: dict[str, Any]) -> None:
        """Handle the message of a process."""
        kind, number = message.pop("kind"), job.trial
        assert number is not None
        if kind == "warning":
            self._take_warning(message["message"])
        elif kind == "evaluated":
            job.answer({"prune": self._evaluated(number, message)})
        elif kind == "interrupted" or (kind == "died" and self.signals.received is not None):
            job.trial = None
            self._stop(jobs)
        else:
            job.trial = None
            try:
                self._settle(number, kind, message)
            except TinynetError as error:
                self.error = self.error or error
                self._stop(jobs)

    def _take_warning(self, text: str) -> None:
        """Pass on a warning once."""
        if text not in self.warned:
            self.warned.add(text)
            self.tell(Warned(text))

    def _settle(self, number: int, kind: str, facts: dict[str, Any]) -> None:
        """Record the end of a trial, or resume it once if its process was killed.

        Raises:
            TinynetError: if the study must stop; the trial is unfinished.
        """
        plan, run = self.study.plan, self.study.folder.run(number)
        if kind == "finished":
            if not self.allow_data_change:
                require_same_data(plan, run, self.changes[number])
            self.killed_last = False
        elif facts.get("killed") or facts.get("type") == OUT_OF_MEMORY:
            if self._resumes_killed(number, facts["error"]):
                return
        elif not self._is_of_values(number, facts):
            raise stopping_error(facts.get("type", "TinynetError"), facts["error"], number, run)
        self._ended(number, facts)

    def _resumes_killed(self, number: int, error: str) -> bool:
        """Return True if a trial whose process was killed is resumed, now or with the study."""
        if self.stopping:
            return True
        if number not in self.killed:
            self.killed.add(number)
            self._left.insert(0, number)
            self.tell(Warned(f"trial {number}: {error}; it is resumed once"))
            return True
        if self.killed_last:
            text = f"trial {number}: {error}, twice, as with the trial before it"
            raise TinynetError(f"{text}; use fewer --jobs, or smaller values")
        self.killed_last = True
        return False

    def _is_of_values(self, number: int, facts: dict[str, Any]) -> bool:
        kind = facts.get("type", "")
        if is_of_values(kind):
            return True
        plan, is_data = self.study.plan, kind in ("DataError", "TargetError", "TransformError")
        return is_data and varies_data(plan, self.changes[number]) and are_readable(plan)

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
    tuned = tuned_path(plan, study.folder)
    result = StudyResult(folder, plan, trials, best_trial(plan, trials), shares, plots, tuned)
    write_results(result)
    return result


def _interrupted(result: StudyResult) -> str:
    done = sum(trial.state != "unfinished" for trial in result.trials)
    left = len(result.trials) - done
    saved = f"; {left} unfinished {'trial is' if left == 1 else 'trials are'} saved" if left else ""
    command = _resume_command(StudyFolder(result.folder))
    trials = counted(result.plan.trials, "trial")
    return f"Interrupted after {done} of {trials}{saved}. Continue with: {command}"


def _resume_command(folder: StudyFolder) -> str:
    return f"tinynet tune --run {shell_path(folder.path)} --resume"
