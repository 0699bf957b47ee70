"""The checks of schedules that see the results of evaluations."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinynet.length import has_epochs, in_steps
from tinynet.schedule import AdaptiveScheduleConfig, Evaluation
from tinynet.testing.arrays import Arrays, require_same_bits
from tinynet.testing.checks import require
from tinynet.testing.configs import Options, make_config, require_config
from tinynet.testing.saving import require_storable, saved_and_loaded
from tinynet.testing.state import require_unchanged, snapshot

VALUES = (
    *(5.0, 4.0, 3.0, 3.0, 3.5, math.nan, 3.0, math.inf, 2.0, 2.0),
    *(2.0, -1.0, -1.0, -math.inf, -1.0, 1e300, -1e300, -1e300, 0.0, 0.0),
    *[7.0] * 30,
)
"""Figures of a run: they fall, stay, and are not finite at times."""

TOTAL = 10 * len(VALUES)


@dataclass(frozen=True)
class AdaptiveCase:
    """The subject of the checks: a class with its options."""

    schedule_class: type[Any]
    options: Options

    def new(self) -> Any:
        config = make_config(self.schedule_class, self.options)
        return self.schedule_class(in_steps(config, 5, "") if has_epochs(config) else config)

    def evaluations(self, *, greater_is_better: bool) -> Iterator[Evaluation]:
        config: Any = make_config(self.schedule_class, self.options)
        for index, value in enumerate(VALUES):
            figures = {"train/loss": 1.0, "val/loss": 1.0, config.metric: value}
            yield Evaluation(value, greater_is_better, figures, 10 * (index + 1))


def both_directions(case: AdaptiveCase) -> Iterator[tuple[list[Evaluation], str]]:
    """Yield evaluations of a figure of which more is better, and less; and that in words."""
    for greater, words in ((False, "less is better"), (True, "greater is better")):
        yield list(case.evaluations(greater_is_better=greater)), f"where {words}"


def config(case: AdaptiveCase) -> None:
    """Options are validated, described, frozen, and none has a name that specs reserve."""
    require_config(case.schedule_class, case.options, AdaptiveScheduleConfig)


def initial_state(case: AdaptiveCase) -> None:
    """The initial state is a dict of finite arrays, new ones at each call."""
    schedule = case.new()
    state, other = schedule.start(), schedule.start()
    require(isinstance(state, dict), f"the state is a {type(state).__name__}, not a dict")
    require_storable(state, "start", finite=True)
    for name, array in state.items():
        require(
            not any(np.shares_memory(array, held) for held in other.values()),
            f"the array {name!r} of the state is the same at each call of start",
        )


def state_in_place(case: AdaptiveCase) -> None:
    """`update` changes the state's arrays in place, and nothing else; they stay finite."""
    for evaluations, words in both_directions(case):
        schedule = case.new()
        state = schedule.start()
        held, before = dict(state), snapshot(schedule, "schedule")
        layout = {name: (array.shape, array.dtype) for name, array in state.items()}
        for evaluation in evaluations:
            figures = dict(evaluation.figures)
            schedule.update(state, evaluation)
            require_unchanged(before, snapshot(schedule, "schedule"), "update")
            require(
                state.keys() == held.keys() and all(state[name] is held[name] for name in held),
                "update replaces an array of the state instead of changing it in place",
            )
            require_unchanged(
                snapshot(figures, "figures"), snapshot(evaluation.figures, "figures"), "update"
            )
            require_storable(state, f"{words}, update", finite=True)
        require(
            layout == {name: (array.shape, array.dtype) for name, array in state.items()},
            "update changes the shape or dtype of the state",
        )


def finite_factor(case: AdaptiveCase) -> None:
    """Every step has a finite factor of at least 0, which changes no state."""
    for evaluations, words in both_directions(case):
        schedule = case.new()
        state, own = schedule.start(), snapshot(schedule, "schedule")
        for index in range(len(evaluations) + 1):
            before = snapshot(state, "state")
            for step in (0, 10 * index, TOTAL - 1):
                factor = schedule.factor(step, TOTAL, state)
                place = f"the factor of step {step} after {index} evaluations {words}"
                require(isinstance(factor, float), f"{place} is {factor!r}, not a float")
                require(math.isfinite(factor) and factor >= 0, f"{place} is {factor}")
                again = schedule.factor(step, TOTAL, state)
                require(again == factor, f"{place} is {factor}, and then {again}")
            require_unchanged(before, snapshot(state, "state"), "factor")
            require_unchanged(own, snapshot(schedule, "schedule"), "factor")
            if index < len(evaluations):
                schedule.update(state, evaluations[index])


def resumable(case: AdaptiveCase) -> None:
    """Saved, loaded and updated by a new schedule, the state gives the same bits."""
    for evaluations, words in both_directions(case):
        whole = _after(case.new(), evaluations)
        for index in (0, 1, 7, len(evaluations) - 1):
            state = saved_and_loaded(_after(case.new(), evaluations[:index]))
            fresh = case.new()
            for evaluation in evaluations[index:]:
                fresh.update(state, evaluation)
            require_same_bits(whole, state, f"saved after {index} evaluations {words}")


def _after(schedule: Any, evaluations: list[Evaluation]) -> Arrays:
    state: Arrays = schedule.start()
    for evaluation in evaluations:
        schedule.update(state, evaluation)
    return state


ADAPTIVE_CHECKS = (config, initial_state, state_in_place, finite_factor, resumable)
