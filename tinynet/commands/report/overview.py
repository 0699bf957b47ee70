"""The start of a report: the state of the run, and its most important figures."""

from datetime import datetime

from tinynet.commands.report.charts import Fact, Figure
from tinynet.commands.report.content import Overview
from tinynet.commands.report.evaluation import EvaluatedSplit
from tinynet.commands.report.output_sections import SPLITS, finite_figure
from tinynet.run.ending_text import ending_text, unfinished
from tinynet.run.record import RunRecord
from tinynet.text.duration import duration
from tinynet.text.printing import counted

MAX_FIGURES = 6
"""Figures at the start of a report."""


def overview(
    record: RunRecord, evaluated: EvaluatedSplit | None, evaluated_step: int | None
) -> Overview:
    """Return the start of a report.

    Args:
        record: The run.
        evaluated: The evaluated split; None if it could not be evaluated.
        evaluated_step: The step of the evaluated checkpoint.
    """
    figures, of = _figures(record, evaluated, evaluated_step)
    return Overview(
        str(record.spec.get("name", record.name)),
        record.state,
        _sentence(record),
        figures,
        of,
        tuple(_facts(record)),
    )


def _figures(
    record: RunRecord, evaluated: EvaluatedSplit | None, step: int | None
) -> tuple[tuple[Figure, ...], str]:
    if evaluated is not None:
        chosen = [finite_figure(name, value) for name, value in evaluated.figures.items()]
        samples = counted(evaluated.samples, "sample")
        where = f"{SPLITS[evaluated.split]}, {samples}, {_checkpoint(record, step)}"
        return tuple(chosen[:MAX_FIGURES]), where
    best = record.best
    if best is None:
        return (), ""
    names = [name for name in record.figures if name.startswith("val/")] or [*record.figures]
    names = [name for name in names if name != "learning_rate"]
    chosen = [finite_figure(name, record.figures[name]) for name in names]
    return tuple(chosen[:MAX_FIGURES]), f"logged in epoch {best.epoch:,}, step {best.step:,}"


def _checkpoint(record: RunRecord, step: int | None) -> str:
    """Return the evaluated checkpoint in words."""
    best, text = record.best, f"after step {step or 0:,}"
    if best is not None and best.step == step:
        return f"{text} (epoch {best.epoch:,}, the best)"
    return f"{text} (the last checkpoint)" if step == record.sections.progress.step else text


def _sentence(record: RunRecord) -> str:
    planned = "" if record.epochs is None else f" of {record.epochs:,}"
    at = f"epoch {record.epoch:,}{planned}, step {record.step:,}"
    if record.state == "training":
        return f"In training: {at}."
    if unfinished(record):
        end = ending_text(record) if record.message or record.stop_reason else ""
        how = " with a smaller learning rate" if record.state == "diverged" else ""
        return f"{end or 'Stopped before its end'}. Reached: {at}. It can be resumed{how}."
    if record.stop_reason == "early_stopping":
        return f"Ended by early stopping: {at}."
    if record.stop_reason == "steps":
        return f"Finished after {counted(record.step, 'step')}, {counted(record.epoch, 'epoch')}."
    return f"Finished after {counted(record.epoch, 'epoch')}, {counted(record.step, 'step')}."


def _facts(record: RunRecord) -> list[Fact]:
    facts = [
        Fact("Started", time_text(record.started) if record.timed else "-"),
        Fact("Last logged", time_text(record.updated)),
        Fact("Time of training", duration(record.seconds) if record.timed else "-"),
        Fact("Parameters", f"{record.parameters:,}"),
    ]
    best = record.best
    if best is not None:
        facts.append(Fact("Best epoch", f"{best.epoch:,} ({best.metric} {best.value:.5g})"))
    training = record.spec.get("training")
    if isinstance(training, dict):
        for key, name in (("optimizer", "Optimizer"), ("batch_size", "Batch size")):
            value = training.get(key)
            if isinstance(value, dict):
                rate = value.get("learning_rate")
                shown = str(value.get("type", "")).removeprefix("tinynet-core:")
                facts.append(Fact(name, shown if rate is None else f"{shown}, rate {rate:g}"))
            elif value is not None:
                facts.append(Fact(name, str(value)))
    return facts


def time_text(time: datetime) -> str:
    """Return a time as ``2026-11-27 22:10 UTC``."""
    return f"{time:%Y-%m-%d %H:%M} UTC"
