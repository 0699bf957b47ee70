"""Warnings about averages and schedules that never take effect in the run."""

from collections.abc import Iterator
from typing import Any

from tinynet import registry
from tinynet.errors import Problem
from tinynet.length import Epochs
from tinynet.spec.average_spec import SwaSpec
from tinynet.spec.consistency import AVERAGE, SCHEDULE
from tinynet.text.options import overrides
from tinynet.text.printing import counted
from tinynet.text.wording import quote
from tinynet.training.facts import Facts
from tinynet.training.loader import steps_per_epoch

_PLATEAU_DELTA = 1e-4
"""Default ``min_delta`` of `reduce_on_plateau`, too small to count as a choice."""


def idle_averages(facts: Facts) -> Iterator[Problem]:
    """Warn about averages and slow weights that the run is too short for."""
    training, total = facts.spec.training, _total_steps(facts)
    if total is None:
        return
    average, lookahead = training.average, training.lookahead
    start = _in_steps(facts, average.start_step) if isinstance(average, SwaSpec) else None
    if start is not None and start >= total:
        better = f"start_step={3 * total // 4}" if total > 1 else "type=ema"
        message = (
            f"the average changes nothing: it starts at step {start:,}, and the run has"
            f" {_steps(total)}; use {overrides(f'training.average.{better}')}"
        )
        yield Problem(message, f"{AVERAGE}/start_step")
    if lookahead is not None and lookahead.every_steps > total:
        message = (
            f"the lookahead changes nothing: it acts after every {lookahead.every_steps:,} steps,"
            f" and the run has {_steps(total)}; use"
            f" {overrides(f'training.lookahead.every_steps={min(5, total)}')}"
        )
        yield Problem(message, "/training/lookahead/every_steps")


def idle_schedules(facts: Facts) -> Iterator[Problem]:
    """Warn about schedules that the run ends before."""
    reference, total = facts.spec.training.schedule, _total_steps(facts)
    if reference is None:
        return
    plugins = registry.default()
    config: Any = plugins.config(reference, SCHEDULE)
    kind = plugins.find("schedules", reference.type).qualified
    if kind == "tinynet-core:reduce_on_plateau":
        yield from _late_reduction(facts, config)
    warmup = _in_steps(facts, config.warmup_steps)
    if total is None or warmup is None:
        return
    # At the end of a warm-up of the whole run, the rate is the constant one.
    if warmup > total or (warmup == total and kind != "tinynet-core:constant"):
        message = (
            f"the warm-up of {_steps(warmup)} takes the whole run of {_steps(total)}, so the"
            f" schedule {quote(reference.type)} never begins; use"
            f" {overrides(f'training.schedule.warmup_steps={total // 10}')}"
        )
        yield Problem(message, f"{SCHEDULE}/warmup_steps")
        return
    key = {"tinynet-core:piecewise_constant": "boundaries", "tinynet-core:step": "step_size"}
    if kind not in key:
        return
    value = getattr(config, key[kind])
    first = _in_steps(facts, value[0] if isinstance(value, tuple) else value)
    if first is not None and warmup + first >= total:
        message = (
            f"the schedule never changes the rate: its first change is after {warmup + first:,}"
            f" steps, and the run has {_steps(total)}; set {quote(key[kind])} to fewer steps"
        )
        yield Problem(message, f"{SCHEDULE}/{key[kind]}")


def _late_reduction(facts: Facts, config: Any) -> Iterator[Problem]:
    """Warn about a `reduce_on_plateau` that early stopping always comes before."""
    stopping = facts.spec.training.early_stopping
    if stopping is None or stopping.metric != config.metric:
        return
    # With a larger min_delta, the schedule may miss improvements that early stopping counts.
    comparable = config.min_delta <= max(stopping.min_delta, _PLATEAU_DELTA)
    if comparable and config.patience >= stopping.patience:
        message = (
            f"training stops early after {counted(stopping.patience, 'evaluation')} without"
            f" improvement of {config.metric}, before the schedule reduces the rate after"
            f" {config.patience}; use"
            f" {overrides(f'training.early_stopping.patience={2 * config.patience}')}"
        )
        yield Problem(message, f"{SCHEDULE}/patience")


def _total_steps(facts: Facts) -> int | None:
    """Return the number of steps of the run; None if it is unknown, without data."""
    training = facts.spec.training
    return training.steps or _in_steps(facts, Epochs(epochs=training.epochs or 1))


def _in_steps(facts: Facts, length: int | Epochs) -> int | None:
    """Return a length in steps; None if it is unknown, without data."""
    if isinstance(length, int):
        return length
    if facts.data is None:
        return None
    return length.steps(steps_per_epoch(facts.data, facts.spec.training))


def _steps(count: int) -> str:
    return f"{count:,} step{'s' if count != 1 else ''}"
