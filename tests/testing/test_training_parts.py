"""The kit finds what is wrong with optimizers, schedules, metrics and initializers."""

import math
from typing import Any

import numpy as np
import pytest
from pydantic import Field

from tinynet.initializer import InitializerConfig
from tinynet.metric import MetricConfig
from tinynet.optimizer import OptimizerConfig
from tinynet.schedule import Length, ScheduleConfig
from tinynet.testing import (
    Check,
    CheckFailed,
    check_initializer,
    check_metric,
    check_optimizer,
    check_schedule,
    initializer_checks,
    metric_checks,
    optimizer_checks,
    schedule_checks,
)
from tinynet.types import Array

DRAW = np.random.default_rng(2)
PREDICTIONS, TRUTH = DRAW.normal(size=(7, 2)), DRAW.normal(size=(7, 2))


class Momentum:
    """velocity = 0.9 velocity + grad; param -= rate * velocity."""

    class Config(OptimizerConfig):
        pass

    def __init__(self, config: Config) -> None:
        pass

    def slots(self, param: Array) -> dict[str, Array]:
        return {"velocity": np.zeros_like(param)}

    def update(
        self, param: Array, grad: Array, slots: dict[str, Array], step: int, rate: float
    ) -> None:
        slots["velocity"] *= 0.9
        slots["velocity"] += grad
        param -= rate * slots["velocity"]


class SlotsInDouble(Momentum):
    def slots(self, param: Array) -> dict[str, Array]:
        return {"velocity": np.zeros(param.shape)}


class SharedSlots(Momentum):
    def slots(self, param: Array) -> dict[str, Array]:
        return {"velocity": param}


class StartsAtInfinity(Momentum):
    def slots(self, param: Array) -> dict[str, Array]:
        return {"velocity": np.full_like(param, np.inf)}


class ChangesTheGradient(Momentum):
    def update(self, param: Array, grad: Array, *args: Any) -> None:
        grad *= 2
        super().update(param, grad, *args)


class ReplacesItsSlot(Momentum):
    def update(
        self, param: Array, grad: Array, slots: dict[str, Array], step: int, rate: float
    ) -> None:
        slots["velocity"] = 0.9 * slots["velocity"] + grad
        param -= rate * slots["velocity"]


class Forgets(Momentum):
    def update(self, param: Array, *args: Any) -> None:
        super().update(param.copy(), *args)


class NormalizesTheGradient(Momentum):
    def update(self, param: Array, grad: Array, *args: Any) -> None:
        super().update(param, grad / np.linalg.norm(grad), *args)


class CountsItsSteps(Momentum):
    def __init__(self, config: Any) -> None:
        self.steps = [0]

    def update(
        self, param: Array, grad: Array, slots: dict[str, Array], step: int, rate: float
    ) -> None:
        self.steps[0] += 1
        super().update(param, grad, slots, step, rate / self.steps[0])


class IgnoresTheRate(Momentum):
    def update(
        self, param: Array, grad: Array, slots: dict[str, Array], step: int, rate: float
    ) -> None:
        super().update(param, grad, slots, step, 0.01)


class DividesByTheGradient(Momentum):
    def update(self, param: Array, grad: Array, *args: Any) -> None:
        with np.errstate(all="ignore"):
            super().update(param, grad / np.abs(grad), *args)


class Climbs(Momentum):
    def update(self, param: Array, grad: Array, *args: Any) -> None:
        super().update(param, -grad, *args)


class Halving:
    """Half of the rate before, every ten steps."""

    class Config(ScheduleConfig):
        pass

    def __init__(self, config: Config) -> None:
        pass

    def factor(self, step: int, total_steps: int) -> float:
        return math.pow(0.5, step // 10)


class Negative(Halving):
    def factor(self, step: int, total_steps: int) -> float:
        return 1.0 - 2.0 * step / total_steps


class Compares(Halving):
    class Config(ScheduleConfig):
        first: Length = Field(default=1, description="One length.")
        second: Length = Field(default=2, description="Another one.")

        def model_post_init(self, context: Any) -> None:
            if self.first > self.second:
                raise ValueError("first is later than second")


class DividesByTheLastStep(Halving):
    def factor(self, step: int, total_steps: int) -> float:
        return 1.0 - step / (total_steps - 1)


class Remembers(Halving):
    def __init__(self, config: Any) -> None:
        self.rate = 1.0

    def factor(self, step: int, total_steps: int) -> float:
        self.rate *= 0.99
        return self.rate


class Deviation:
    """Mean absolute error."""

    greater_is_better = False

    class Config(MetricConfig):
        pass

    def __init__(self, config: Config) -> None:
        pass

    def start(self, out_shape: Any) -> dict[str, Array]:
        return {"sum": np.zeros(()), "count": np.zeros((), np.int64)}

    def update(self, state: dict[str, Array], predictions: Array, targets: Array) -> None:
        errors = np.abs(predictions - targets)
        state["sum"] += errors.sum()
        state["count"] += errors.size

    def merge(self, state: dict[str, Array], other: dict[str, Array]) -> None:
        for name in state:
            state[name] += other[name]

    def result(self, state: dict[str, Array]) -> float:
        return float(state["sum"]) / max(int(state["count"]), 1)


class NoDirection(Deviation):
    greater_is_better = None


class NothingOverNothing(Deviation):
    def result(self, state: dict[str, Array]) -> float:
        return float(state["sum"] / state["count"])


class MeanOfMeans(Deviation):
    def update(self, state: dict[str, Array], predictions: Array, targets: Array) -> None:
        state["sum"] += np.abs(predictions - targets).mean()
        state["count"] += 1


class ReplacesItsState(Deviation):
    def update(self, state: dict[str, Array], predictions: Array, targets: Array) -> None:
        state["sum"] = state["sum"] + np.abs(predictions - targets).sum()
        state["count"] += predictions.size


class LeastSeen(Deviation):
    def start(self, out_shape: Any) -> dict[str, Array]:
        return {**super().start(out_shape), "least": np.full((), np.inf)}


class ChangesPredictions(Deviation):
    def update(self, state: dict[str, Array], predictions: Array, targets: Array) -> None:
        predictions -= targets
        super().update(state, predictions, np.zeros_like(targets))


class MergesOneWay(Deviation):
    def merge(self, state: dict[str, Array], other: dict[str, Array]) -> None:
        state["sum"] += other["sum"]


class CountsOnItself(Deviation):
    def __init__(self, config: Any) -> None:
        self.count = 0

    def update(self, state: dict[str, Array], predictions: Array, targets: Array) -> None:
        super().update(state, predictions, targets)
        self.count += predictions.size

    def result(self, state: dict[str, Array]) -> float:
        return float(state["sum"]) / max(self.count, 1)


class Scaled:
    """Normal numbers over the square root of fan_in."""

    class Config(InitializerConfig):
        pass

    def __init__(self, config: Config) -> None:
        pass

    def __call__(self, rng: Any, shape: Any, fan_in: int, fan_out: int, dtype: Any) -> Array:
        return (rng.standard_normal(shape) / math.sqrt(fan_in)).astype(dtype)


class Double(Scaled):
    def __call__(self, rng: Any, shape: Any, *args: Any) -> Array:
        return rng.standard_normal(shape)


class OwnRandomness(Scaled):
    def __call__(self, rng: Any, *args: Any) -> Array:
        return super().__call__(np.random.default_rng(), *args)


class GlobalRandomness(Scaled):
    def __call__(self, rng: Any, *args: Any) -> Array:
        np.random.seed(0)
        return super().__call__(np.random, *args)


class Undescribed(Scaled):
    class Config(InitializerConfig):
        gain: float = 1.0


class Described(Scaled):
    class Config(InitializerConfig):
        gain: float = Field(default=1.0, description="Length of a column.")


def test_correct_ones_pass() -> None:
    check_optimizer(Momentum, {"learning_rate": 0.1})
    check_schedule(Halving, {"warmup_steps": 3})
    check_metric(Deviation, {}, PREDICTIONS, TRUTH)
    check_initializer(Scaled, {})
    check_initializer(Described, {"gain": 2.0})


BROKEN: list[tuple[type[Any], str]] = [
    (SlotsInDouble, "slots_like_param"),
    (SharedSlots, "slots_like_param"),
    (StartsAtInfinity, "slots_like_param"),
    (ChangesTheGradient, "update_in_place"),
    (ReplacesItsSlot, "update_in_place"),
    (Forgets, "update_in_place"),
    (NormalizesTheGradient, "elementwise"),
    (CountsItsSteps, "resumable"),
    (IgnoresTheRate, "rate_of_zero"),
    (DividesByTheGradient, "zero_gradient"),
    (Climbs, "descent"),
    (Compares, "lengths_in_epochs"),
    (Negative, "finite_factor"),
    (DividesByTheLastStep, "finite_factor"),
    (Remembers, "pure"),
    (NoDirection, "direction"),
    (NothingOverNothing, "figure"),
    (MeanOfMeans, "exact_over_batches"),
    (ReplacesItsState, "state_in_place"),
    (LeastSeen, "state_in_place"),
    (ChangesPredictions, "state_in_place"),
    (MergesOneWay, "merge"),
    (CountsOnItself, "resumable"),
    (Double, "shape_and_dtype"),
    (OwnRandomness, "repeatable"),
    (GlobalRandomness, "repeatable"),
    (Undescribed, "config"),
]


def checks(cls: type[Any]) -> list[Check]:
    if issubclass(cls, Momentum):
        return list(optimizer_checks(cls, {}))
    if issubclass(cls, Halving):
        return list(schedule_checks(cls, {}))
    if issubclass(cls, Deviation):
        return list(metric_checks(cls, {}, PREDICTIONS, TRUTH))
    return list(initializer_checks(cls, {}))


@pytest.mark.parametrize(("broken", "check"), BROKEN)
def test_a_broken_one_is_found_by_the_check_that_names_its_fault(
    broken: type[Any], check: str
) -> None:
    (candidate,) = (c for c in checks(broken) if c.name == check)
    with pytest.raises(CheckFailed, match=f"{broken.__name__}, {check}: "):
        candidate()
