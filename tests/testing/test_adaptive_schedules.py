"""The kit finds what is wrong with schedules that see the results of evaluations."""

import math
from typing import Any, ClassVar

import numpy as np
import pytest
from pydantic import Field

from tinynet.schedule import (
    AdaptiveScheduleConfig,
    Evaluation,
    Length,
    ScheduleConfig,
    State,
)
from tinynet.testing import CheckFailed, check_schedule, schedule_checks


class Halving:
    """Half of the rate after each evaluation that is not the best."""

    class Config(AdaptiveScheduleConfig):
        delay: Length = Field(default=1, description="Steps before the first reduction.")

    def __init__(self, config: Config) -> None:
        self.delay = config.delay

    def start(self) -> State:
        return {"best": np.zeros(()), "factor": np.ones(()), "count": np.zeros((), np.int64)}

    def update(self, state: State, evaluation: Evaluation) -> None:
        sign = 1 if evaluation.greater_is_better else -1
        gain = sign * (evaluation.value - state["best"])
        if math.isfinite(evaluation.value) and (not state["count"] or gain > 0):
            state["best"][...] = evaluation.value
            state["count"] += 1
        else:
            state["factor"] *= 0.5

    def factor(self, step: int, total_steps: int, state: State) -> float:
        return float(state["factor"]) if step >= self.delay else 1.0


class StartsAtInfinity(Halving):
    def start(self) -> State:
        return {**super().start(), "best": np.full((), np.inf)}


class OneState(Halving):
    held: ClassVar[State] = {
        "best": np.zeros(()),
        "factor": np.ones(()),
        "count": np.zeros((), np.int64),
    }

    def start(self) -> State:
        return dict(self.held)


class ReplacesItsState(Halving):
    def update(self, state: State, evaluation: Evaluation) -> None:
        state["factor"] = state["factor"] * 0.5


class KeepsWhatIsNotFinite(Halving):
    def update(self, state: State, evaluation: Evaluation) -> None:
        state["best"][...] = evaluation.value


class Remembers(Halving):
    def update(self, state: State, evaluation: Evaluation) -> None:
        self.last = evaluation.value


class UpdatesInFactor(Halving):
    def factor(self, step: int, total_steps: int, state: State) -> float:
        state["factor"] *= 0.5
        return float(state["factor"])


class Negative(Halving):
    def factor(self, step: int, total_steps: int, state: State) -> float:
        return -1.0


class DependsOnTheObject(Halving):
    calls: ClassVar[dict[int, int]] = {}

    def update(self, state: State, evaluation: Evaluation) -> None:
        self.calls[id(self)] = self.calls.get(id(self), 0) + 1
        state["count"][...] = self.calls[id(self)]


class Plain(Halving):
    """One with the methods, but with the Config of schedules that are functions of the step."""

    class Config(ScheduleConfig):
        delay: Length = Field(default=1, description="Steps before the first reduction.")


BROKEN = [
    (StartsAtInfinity, "initial_state"),
    (OneState, "initial_state"),
    (ReplacesItsState, "state_in_place"),
    (KeepsWhatIsNotFinite, "state_in_place"),
    (Remembers, "state_in_place"),
    (UpdatesInFactor, "finite_factor"),
    (Negative, "finite_factor"),
    (DependsOnTheObject, "resumable"),
    (Plain, "finite_factor"),
]


def test_a_correct_one_passes() -> None:
    check_schedule(Halving, {"warmup_steps": 3})
    check_schedule(Halving, {"delay": {"epochs": 2}, "metric": "val/accuracy"})


@pytest.mark.parametrize(("broken", "check"), BROKEN)
def test_a_broken_one_is_found_by_the_check_that_names_its_fault(
    broken: type[Any], check: str
) -> None:
    (candidate,) = (c for c in schedule_checks(broken, {}) if c.name == check)
    with pytest.raises(CheckFailed, match=f"{broken.__name__}, {check}: "):
        candidate()
