"""Summaries of runs, read from their folders alone: no plugin is imported and no array is read."""

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from itertools import islice
from pathlib import Path
from typing import Any, Literal, TypeAlias

from pydantic import JsonValue

from tinynet import archive
from tinynet.archive.header import TensorEntry
from tinynet.checkpoint.sections import Sections, parse_sections
from tinynet.engine.tensor_names import PARAMS
from tinynet.errors import (
    CheckpointCorruptError,
    CheckpointFormatError,
    CheckpointIOError,
    explaining_io,
)
from tinynet.files.natural_order import natural_key
from tinynet.run.elapsed import elapsed
from tinynet.run.ending import read_ending
from tinynet.run.evaluation_log import read_evaluations
from tinynet.run.folder import RunFolder, retry_if_pruned
from tinynet.run.lock import is_locked
from tinynet.run.path_errors import is_run, is_run_folder, no_run, none_intact
from tinynet.run.record_log import is_count, log_problems, parse_time, read_evaluated, read_steps
from tinynet.training.events import BestEvaluation, StopReason
from tinynet.training.progress import Best, Progress

RunState: TypeAlias = Literal["training", "finished", "stopped", "diverged", "failed"]

TRIALS = "trials"
"""The folder in a study that holds its runs."""

_MAX_ENTRIES = 10_000
"""The most entries of a folder that are looked at."""


@dataclass(frozen=True, eq=False)
class RunRecord:
    """The summary of a run.

    Attributes:
        path: The run folder.
        name: The folder's name.
        run_id: The name that all checkpoints of the run share.
        state: ``"training"`` while a process trains it; else ``"finished"``, or before its end
            ``"stopped"`` (by an observer, a signal or a kill), ``"diverged"`` or ``"failed"``.
        stop_reason: ``"epochs"``, ``"steps"`` or ``"early_stopping"`` if it is finished;
            ``"observer"`` if an observer stopped it.
        message: The reason of an observer, the signal, or the error that ended the run; else empty.
        spec: The resolved spec as JSON.
        history: The evaluations in ``metrics.jsonl``: ``step``, ``epoch``, figures (None if not
            finite) and ``wall`` with ``seconds`` (a float) and ``time`` (a text, or None).
        best: The best evaluation by `keep_best`, else by `early_stopping`, else the least
            ``val/loss``, else the least ``train/loss``; None before the first.
        figures: The finite figures of the best evaluation: ``val/loss``, ``val/accuracy``, ...
        test: The metrics of the test split of the best checkpoint, else of the last one; None if
            neither was evaluated.
        test_step: The step of that checkpoint; None without `test`.
        evaluations: The lines of ``evaluations.jsonl``, oldest first.
        epoch: The number of the epoch that the run has reached, from 1; 0 before the first step.
        step: Updates done.
        epochs: Planned epochs; None if the spec has a number of steps.
        total_steps: Planned updates; None if they are not known yet.
        steps_per_epoch: Updates in an epoch; None if they are not known yet.
        seconds: Seconds of training in all processes, up to the last line of the log.
        timed: False if the log is lost, so that `seconds` and `started` are not known.
        started: The time of the start.
        updated: The time of the last line of the log or, without one, of the checkpoint.
        parameters: The number of trainable and frozen parameters.
        checkpoint: The file of the newest intact checkpoint.
        best_checkpoint: The file of the best checkpoint, if the run keeps one.
        sections: The sections of the newest checkpoint: ``environment``, ``lineage``, ...
        problems: A sentence for each damaged file that was skipped.
    """

    path: Path
    name: str
    run_id: str
    state: RunState
    stop_reason: StopReason | None
    message: str
    spec: dict[str, JsonValue] = field(repr=False)
    history: list[dict[str, Any]] = field(repr=False)
    best: BestEvaluation | None
    figures: dict[str, float]
    test: dict[str, float] | None
    test_step: int | None
    evaluations: list[dict[str, Any]] = field(repr=False)
    epoch: int
    step: int
    epochs: int | None
    total_steps: int | None
    steps_per_epoch: int | None
    seconds: float
    timed: bool
    started: datetime
    updated: datetime
    parameters: int
    checkpoint: Path
    best_checkpoint: Path | None
    sections: Sections = field(repr=False)
    problems: tuple[str, ...]

    @cached_property
    def steps(self) -> list[dict[str, Any]]:
        """The other lines of ``metrics.jsonl``, of `log_every_steps`: ``loss``, ..."""
        return read_steps(RunFolder(self.path).log)


def find_runs(folder: str | Path) -> list[Path]:
    """Return the run folders in a folder, in natural order.

    That is the folder itself if it is a run, and the trials of a study.

    Raises:
        CheckpointIOError: if the folder cannot be read.
    """
    folder = Path(folder)
    if is_run_folder(folder):
        return [folder]
    if (folder / TRIALS).is_dir():
        folder = folder / TRIALS
    with explaining_io(folder), os.scandir(folder) as entries:
        names = [entry.name for entry in islice(entries, _MAX_ENTRIES) if is_run(entry)]
    return [folder / name for name in sorted(names, key=natural_key)]


def read_record(path: str | Path) -> RunRecord:
    """Read the summary of a run.

    Damaged lines of logs, and damaged checkpoints that an older one stands in for, are listed in
    ``problems``.

    Raises:
        CheckpointError: if there is no intact checkpoint, or a newer tinynet wrote it.
    """
    folder = RunFolder(Path(path))
    with explaining_io(folder.path):
        training = is_locked(folder.lock)
    problems: list[str] = []
    file, outline, sections = retry_if_pruned(partial(_newest, folder, training, problems))
    history, lines = read_evaluated(folder.log, problems)
    if not any(str(folder.log) in problem for problem in problems):
        problems += log_problems(folder.log, sections.log)
    evaluations = read_evaluations(folder.path, problems)
    progress, spec = sections.progress, sections.spec
    state, stop_reason, message = _end(folder, training, spec, progress)
    best, kept = _best(spec, progress, history), progress.best
    times = _times(lines, file)
    steps = [progress.step] if kept is None else [kept.step, progress.step]
    test, test_step = _test(evaluations, steps)
    return RunRecord(
        path=folder.path,
        name=folder.path.name or folder.path.resolve().name,
        run_id=outline.run_id,
        state=state,
        stop_reason=stop_reason,
        message=message,
        spec=spec,
        history=history,
        best=best,
        figures=_figures_at(history, best),
        test=test,
        test_step=test_step,
        evaluations=evaluations,
        epoch=max([progress.epoch + (progress.position > 0), *(line["epoch"] for line in lines)]),
        step=max([progress.step, *(line["step"] for line in lines)]),
        epochs=_count(spec, "epochs"),
        total_steps=_total_steps(spec, progress),
        steps_per_epoch=_steps_per_epoch(progress),
        seconds=max(elapsed(lines, outline.run_id, sections.lineage), default=0.0),
        timed=bool(lines) or sections.log.length == 0,
        started=times[0],
        updated=times[1],
        parameters=_parameters(outline.tensors),
        checkpoint=file,
        best_checkpoint=None if kept is None else folder.checkpoint(kept.step),
        sections=sections,
        problems=tuple(problems),
    )


def _newest(
    folder: RunFolder, training: bool, problems: list[str]
) -> tuple[Path, archive.Archive[TensorEntry], Sections]:
    """Return the file, the outline and the sections of the newest intact checkpoint."""
    faults: list[str] = []
    for step in reversed(folder.steps()):
        path = folder.checkpoint(step)
        try:
            outline = archive.read_outline(path)
            sections = parse_sections(path, outline.sections)
            if not step == outline.step == sections.progress.step:
                raise CheckpointFormatError(f"{path} holds step {outline.step:,}: it was renamed")
        except (CheckpointFormatError, CheckpointCorruptError) as error:
            faults.append(str(error))
        else:
            problems[:] = [f"a damaged checkpoint is skipped: {fault}" for fault in faults]
            return path, outline, sections
    if faults:
        raise none_intact(folder.path, faults)
    if training:
        raise CheckpointIOError(f"{folder.path} has no checkpoint yet: its training is starting")
    raise no_run(folder.path)


def _training(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    training = spec.get("training")
    return training if isinstance(training, dict) else {}


def _count(spec: Mapping[str, Any], key: str) -> int | None:
    """Return a whole number of the training part of a spec."""
    value = _training(spec).get(key)
    return int(value) if is_count(value) else None


def _metric(spec: Mapping[str, Any], *path: str) -> str | None:
    """Return the metric of a rule in the training part of a spec, such as `early_stopping`."""
    value: Any = _training(spec)
    for key in (*path, "metric"):
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, str) else None


def _end(
    folder: RunFolder, training: bool, spec: Mapping[str, Any], progress: Progress
) -> tuple[RunState, StopReason | None, str]:
    """Return the state, the stop reason and the message."""
    if training:
        return "training", None, ""
    if (reason := _stop_reason(spec, progress)) is not None:
        return "finished", reason, ""
    ending = read_ending(folder.path)
    # A process that could not remove the file of an earlier one has trained further.
    if ending is None or ending.step < progress.step:
        return "stopped", None, ""
    return ending.state, "observer" if ending.by_observer else None, ending.message


def _stop_reason(spec: Mapping[str, Any], progress: Progress) -> StopReason | None:
    """Return the reason why a run has ended; None before its end."""
    if progress.evaluated_step != progress.step:
        return None
    epochs, steps = _count(spec, "epochs"), _count(spec, "steps")
    if steps is not None and progress.step >= steps:
        return "steps"
    if steps is None and epochs is not None and progress.epoch >= epochs:
        return "epochs"
    stopping = _training(spec).get("early_stopping")
    patience = stopping.get("patience") if isinstance(stopping, dict) else None
    if is_count(patience) and progress.stale >= patience:
        return "early_stopping"
    return None


def _steps_per_epoch(progress: Progress) -> int | None:
    return (progress.step - progress.position) // progress.epoch if progress.epoch else None


def _total_steps(spec: Mapping[str, Any], progress: Progress) -> int | None:
    steps, epochs = _count(spec, "steps"), _count(spec, "epochs")
    if steps is not None:
        return steps
    each = _steps_per_epoch(progress)
    return epochs * each if epochs is not None and each else None


def _best(
    spec: Mapping[str, Any], progress: Progress, history: Sequence[Mapping[str, Any]]
) -> BestEvaluation | None:
    """Return the best evaluation; see `RunRecord`."""
    for metric, best in (
        (_metric(spec, "checkpoint", "keep_best"), progress.best),
        (_metric(spec, "early_stopping"), progress.best_for_stopping),
    ):
        if metric is not None and best is not None:
            return BestEvaluation(metric, best.value, best.step, _epoch(best, progress, history))
    for metric in ("val/loss", "train/loss"):
        lines = [line for line in history if line.get(metric) is not None]
        if lines:
            line = min(lines, key=lambda line: line[metric])
            return BestEvaluation(metric, line[metric], line["step"], line["epoch"])
    return None


def _epoch(best: Best, progress: Progress, history: Iterable[Mapping[str, Any]]) -> int:
    """Return the epoch of an evaluation, from the log or else from the lengths of epochs."""
    for line in history:
        if line["step"] == best.step:
            return int(line["epoch"])
    each = _steps_per_epoch(progress)
    return math.ceil(best.step / each) if each else 1


def _figures_at(
    history: Iterable[Mapping[str, Any]], best: BestEvaluation | None
) -> dict[str, float]:
    if best is None:
        return {}
    line = next((line for line in history if line["step"] == best.step), {})
    own = ("step", "epoch", "wall")
    found = {n: value for n, value in line.items() if n not in own and value is not None}
    return found or {best.metric: best.value}


def _test(
    evaluations: Sequence[Mapping[str, Any]], steps: Iterable[int]
) -> tuple[dict[str, float] | None, int | None]:
    """Return the newest metrics of the test split of the first step that has any, and this step."""
    for step in steps:
        for line in reversed(evaluations):
            if line["checkpoint"] == step and line["split"] == "test":
                return {n: v for n, v in line["metrics"].items() if v is not None}, step
    return None, None


def _times(lines: Sequence[Mapping[str, Any]], checkpoint: Path) -> tuple[datetime, datetime]:
    """Return the times of the start and of the last line."""
    timed = [(parse_time(line["wall"]["time"]), line["wall"]["seconds"]) for line in lines]
    known = [(time, seconds) for time, seconds in timed if time is not None]
    if not known:
        with explaining_io(checkpoint):
            saved = datetime.fromtimestamp(os.lstat(checkpoint).st_mtime, UTC)
        return saved, saved
    first, seconds = known[0]
    try:
        started = first - timedelta(seconds=seconds)
    except OverflowError:
        started = first
    return started, known[-1][0]


def _parameters(tensors: Mapping[str, TensorEntry]) -> int:
    return sum(math.prod(entry.shape) for n, entry in tensors.items() if n.startswith(PARAMS))
