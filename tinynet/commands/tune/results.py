"""The results of a study: its trials, the best one, and the files that hold them."""

import csv
import io
import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from tinynet.commands.tune.plan import Plan
from tinynet.commands.tune.study import Study, StudyFolder
from tinynet.errors import explaining_io
from tinynet.files.atomic import replacing
from tinynet.spec.overrides import apply_overrides

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
    """

    folder: Path
    plan: Plan
    trials: tuple[TrialResult, ...]
    best: TrialResult | None
    importance: dict[str, float]

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
        words = ["tinynet", "train", str(StudyFolder(self.folder).best)]
        if self.plan.reads_files:
            words += ["--data-root", self.plan.data_root]
        return shlex.join(words)


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
    _write(folder.table, _csv(result))
    if result.best is not None:
        spec = best_spec(result.plan, result.best, result.train_command)
        _write(folder.best, json.dumps(spec, indent=2, ensure_ascii=False) + "\n")


def _write(path: Path, text: str) -> None:
    with explaining_io(path), replacing(path) as write_at:
        write_at(0, text.encode())


def _csv(result: StudyResult) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    paths = list(result.plan.params)
    head = ["trial", "state", result.plan.metric, "epoch", "step", "epochs", "seconds"]
    writer.writerow([*head, *map(_cell, paths), "run", "error"])
    for trial in result.trials:
        facts = [trial.value, trial.epoch, trial.step, trial.epochs, trial.seconds]
        values = [_cell(trial.params.get(path)) for path in paths]
        run = str(trial.run.relative_to(result.folder))
        writer.writerow([trial.number, trial.state, *facts, *values, run, _cell(trial.error)])
    return text.getvalue()


def _cell(value: JsonValue) -> str | float | None:
    """Return a cell; a text that a spreadsheet would compute has a quote before it."""
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    text = value if isinstance(value, str) else json.dumps(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
