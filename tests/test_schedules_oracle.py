"""Schedules against torch.optim.lr_scheduler, where one means the same."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tinynet.builtin.schedules.cosines import Cosine, CosineRestarts
from tinynet.builtin.schedules.cycles import Cyclical, OneCycle
from tinynet.builtin.schedules.decays import (
    Exponential,
    InverseSqrt,
    InverseTime,
    Linear,
    Polynomial,
)
from tinynet.builtin.schedules.staircases import Constant, PiecewiseConstant, Step
from tinynet.schedule import scheduled_factor

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle
schedulers = torch.optim.lr_scheduler

STEPS = 40


def torch_rates(make: Any) -> list[float]:
    """The rates of `STEPS` steps, starting from 1, of the scheduler that ``make`` makes."""
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    scheduler = make(optimizer)
    rates = []
    for _ in range(STEPS):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


CASES = [
    (Constant, {}, lambda o: schedulers.ConstantLR(o, factor=1.0)),
    (Step, {"step_size": 7, "gamma": 0.3}, lambda o: schedulers.StepLR(o, 7, 0.3)),
    (
        Exponential,
        {"decay_rate": 0.95, "decay_steps": 1},
        lambda o: schedulers.ExponentialLR(o, 0.95),
    ),
    (Cosine, {"alpha": 0.1}, lambda o: schedulers.CosineAnnealingLR(o, STEPS, 0.1)),
    (
        Constant,
        {"warmup_steps": 8},
        lambda o: schedulers.LinearLR(o, start_factor=1 / 8, total_iters=7),
    ),
]


def our_rates(kind: Any, options: Any) -> list[float]:
    config = kind.Config(**options)
    schedule = kind(config)
    return [scheduled_factor(schedule, config.warmup_steps, step, STEPS) for step in range(STEPS)]


@pytest.mark.parametrize(("kind", "options", "peer"), CASES)
def test_every_rate_of_a_run(kind: Any, options: Any, peer: Any) -> None:
    assert our_rates(kind, options) == pytest.approx(torch_rates(peer), rel=1e-9, abs=1e-12)


Configuration = tuple[Any, dict[str, Any], Callable[[Any], Any]]
"""The class of a schedule, its options, and the maker of torch's scheduler."""


def piecewise_constant(rng: np.random.Generator) -> Configuration:
    size = int(rng.integers(1, 6))
    boundaries = sorted(int(step) for step in rng.choice(np.arange(1, STEPS), size, replace=False))
    gamma = rng.uniform(0.1, 1.5)
    values = tuple(gamma**i for i in range(size + 1))
    options = {"boundaries": tuple(boundaries), "values": values}
    return PiecewiseConstant, options, lambda o: schedulers.MultiStepLR(o, boundaries, gamma)


def polynomial(rng: np.random.Generator) -> Configuration:
    length, power = int(rng.integers(1, 2 * STEPS)), rng.uniform(0.2, 4)
    options = {"decay_steps": length, "power": power}
    return Polynomial, options, lambda o: schedulers.PolynomialLR(o, length, power)


def cosine_restarts(rng: np.random.Generator) -> Configuration:
    first, growth, alpha = int(rng.integers(1, 20)), int(rng.integers(1, 5)), rng.uniform(0, 0.5)
    options = {"first_decay_steps": first, "t_mul": float(growth), "alpha": alpha}
    return (
        CosineRestarts,
        options,
        lambda o: schedulers.CosineAnnealingWarmRestarts(o, first, growth, alpha),
    )


def inverse_time(rng: np.random.Generator) -> Configuration:
    rate, length, staircase = rng.uniform(0, 3), int(rng.integers(1, STEPS)), rng.random() < 0.5
    options = {"decay_rate": rate, "decay_steps": length, "staircase": staircase}

    def factor(step: int) -> float:
        return 1 / (1 + rate * (step // length if staircase else step / length))

    return InverseTime, options, lambda o: schedulers.LambdaLR(o, factor)


def inverse_sqrt(rng: np.random.Generator) -> Configuration:
    warmup = int(rng.integers(1, STEPS))

    def factor(step: int) -> float:
        return (step + 1) / warmup if step < warmup else (warmup / step) ** 0.5

    return InverseSqrt, {"warmup_steps": warmup}, lambda o: schedulers.LambdaLR(o, factor)


def linear(rng: np.random.Generator) -> Configuration:
    start, end, length = rng.uniform(0.01, 1), rng.uniform(0.01, 1), int(rng.integers(1, 2 * STEPS))
    options = {"start_factor": start, "end_factor": end, "decay_steps": length}
    return Linear, options, lambda o: schedulers.LinearLR(o, start, end, length)


def one_cycle(rng: np.random.Generator) -> Configuration:
    three_phase = bool(rng.random() < 0.5)
    options = {
        "pct_start": rng.uniform(0, 0.5 if three_phase else 1),
        "div_factor": rng.uniform(1, 50),
        "final_div_factor": rng.uniform(1, 1000),
        "anneal_strategy": "cos" if rng.random() < 0.5 else "linear",
        "three_phase": three_phase,
    }

    # `torch_rates` steps once more than torch allows; the rate of that step is not used.
    def peer(optimizer: Any) -> Any:
        scheduler = schedulers.OneCycleLR(
            optimizer, max_lr=1.0, total_steps=STEPS, cycle_momentum=False, **options
        )
        scheduler.total_steps += 1
        return scheduler

    return OneCycle, options, peer


def cyclical(rng: np.random.Generator) -> Configuration:
    options = {
        "step_size_up": int(rng.integers(1, 15)),
        "step_size_down": None if rng.random() < 0.5 else int(rng.integers(1, 15)),
        "mode": ("triangular", "triangular2", "exp_range")[rng.integers(3)],
        "gamma": rng.uniform(0.8, 1),
    }
    low = rng.uniform(0, 1)
    return (
        Cyclical,
        {"min_factor": low, **options},
        lambda o: schedulers.CyclicLR(o, low, 1.0, cycle_momentum=False, **options),
    )


@pytest.mark.parametrize(
    "draw",
    [
        piecewise_constant,
        polynomial,
        cosine_restarts,
        inverse_time,
        inverse_sqrt,
        linear,
        one_cycle,
        cyclical,
    ],
)
def test_every_rate_of_100_random_configurations(draw: Any) -> None:
    rng = np.random.default_rng(7)
    for _ in range(100):
        kind, options, peer = draw(rng)
        expected = pytest.approx(torch_rates(peer), rel=1e-9, abs=1e-12)
        assert our_rates(kind, options) == expected, options
