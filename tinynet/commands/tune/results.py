"""The results of a study: its trials, the best one, and the files that hold them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from tinynet.commands.runs.columns import Cell
from tinynet.commands.runs.csv_file import csv_text
from tinynet.commands.tune.plan import Plan
from tinynet.commands.tune.study import Study, StudyFolder
from tinynet.commands.tune.tuned_spec import train_words
from tinynet.errors import explaining_io
from tinynet.files.atomic import replacing
from tinynet.spec.overrides import apply_overrides
from tinynet.text.shell import shell_command

_STATES = {"COMPLETE": "finished", "PRUNED": "pruned", "FAIL": "failed"}


@dataclass(frozen=True)
class TrialResult:
    """One trial.

    Attributes:
        number: Its number, from 0.
        state: ``"finished"``, ``"pruned"``, ``"failed"``, or ``"unfinished"``: it can be resumed.
        value: Its best value of the metric so far; None without one.
        params: Its values by path.
        run: The folder of its run.
        epoch: The epoch of the best value; None if unknown.
        step: The step of the best value; None if unknown.
        epochs: Completed epochs; None if unknown.
        seconds: Seconds of training in the process that ended it; None if unknown.
        error: The reason why it failed, or "".
    """

    number: int
    state: str
    value: float | None
    params: dict[str, JsonValue]
    run: Path
    epoch: int | None = None
    step: int | None = None
    epochs: int | None = None
    seconds: float | None = None
    error: str = ""


@dataclass(frozen=True)
class StudyResult:
    """The trials of a study, and its best one.

    Attributes:
        folder: The study's folder.
        plan: Its plan.
        trials: All trials in order.
        best: The best finished trial; None without one.
        importance: The share of each path in the variance of the results; empty if unknown.
        plots: The files that show the importances.
        tuned: The best spec beside the original one, or in the file of ``--output``; or None.
    """

    folder: Path
    plan: Plan
    trials: tuple[TrialResult, ...]
    best: TrialResult | None
    importance: dict[str, float]
    plots: tuple[Path, ...] = ()
    tuned: Path | None = None

    @property
    def ranked(self) -> list[TrialResult]:
        """The trials, the best first: finished ones, then pruned, unfinished and failed ones."""
        order = ("finished", "pruned", "unfinished", "failed")
        sign = -1 if self.plan.greater else 1

        def rank(trial: TrialResult) -> tuple[int, bool, float, int]:
            value = trial.value
            return order.index(trial.state), value is None, sign * (value or 0.0), trial.number

        return sorted(self.trials, key=rank)

    @property
    def train_command(self) -> str:
        """The command that trains the best spec."""
        return shell_command(train_words(self.plan, StudyFolder(self.folder), self.tuned))


def trial_results(study: Study) -> list[TrialResult]:
    """Return the trials of a study in order."""
    return [_result(study, trial) for trial in study.trials()]


def _result(study: Study, trial: Any) -> TrialResult:
    facts = trial.user_attrs.get("result", {})
    state = _STATES.get(trial.state.name, "unfinished")
    value = facts.get("value")
    if value is None:
        value = study.plan.best_of(list(trial.intermediate_values.values()))
    return TrialResult(
        trial.number,
        state,
        value,
        study.plan.space.values(trial.params),
        study.folder.run(trial.number),
        facts.get("best_epoch"),
        facts.get("best_step"),
        facts.get("epoch"),
        facts.get("seconds"),
        facts.get("error") or "",
    )


def best_trial(plan: Plan, trials: Sequence[TrialResult]) -> TrialResult | None:
    """Return the best finished trial, the first of equal ones; None without one."""
    finished = [t for t in trials if t.state == "finished" and t.value is not None]
    sign = -1 if plan.greater else 1
    return min(finished, key=lambda t: sign * (t.value or 0.0), default=None)


def best_spec(plan: Plan, best: TrialResult, command: str) -> dict[str, JsonValue]:
    """Return the spec with the values of a trial."""
    document: JsonValue = json.loads(json.dumps(plan.document))
    apply_overrides(document, plan.changes(best.params))
    assert isinstance(document, dict)
    comment = f"Trial {best.number}: {plan.metric} {best.value:g}. To train it: {command}"
    return {"comment": comment, **{k: v for k, v in document.items() if k != "comment"}}


def write_results(result: StudyResult) -> None:
    """Write the table of trials, and the best spec if there is one."""
    folder = StudyFolder(result.folder)
    with explaining_io(folder.table), replacing(folder.table) as write_at:
        write_at(0, csv_text(_table(result)).encode())
    if result.best is not None:
        spec = best_spec(result.plan, result.best, result.train_command)
        text = json.dumps(spec, indent=2, ensure_ascii=False) + "\n"
        for file in filter(None, (folder.best, result.tuned)):
            with explaining_io(file), replacing(file) as write_at:
                write_at(0, text.encode())


def _table(result: StudyResult) -> dict[str, list[Cell]]:
    """Return the columns of the table of all trials."""
    trials = result.trials
    table: dict[str, list[Cell]] = {
        "trial": [trial.number for trial in trials],
        "state": [trial.state for trial in trials],
        result.plan.metric: [trial.value for trial in trials],
        "epoch": [trial.epoch for trial in trials],
        "step": [trial.step for trial in trials],
        "epochs": [trial.epochs for trial in trials],
        "seconds": [trial.seconds for trial in trials],
    }
    for path in result.plan.params:
        table[path] = [_cell(trial.params.get(path)) for trial in trials]
    table["run"] = [str(trial.run.relative_to(result.folder)) for trial in trials]
    table["error"] = [trial.error or None for trial in trials]
    return table


def _cell(value: JsonValue) -> Cell:
    return json.dumps(value) if isinstance(value, list | dict) else value
