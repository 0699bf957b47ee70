"""Schedules against torch.optim.lr_scheduler, where one means the same."""

from typing import Any

import pytest

from tinynet.builtin.schedules import Constant, Cosine, Exponential, Step
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


@pytest.mark.parametrize(("kind", "options", "peer"), CASES)
def test_every_rate_of_a_run(kind: Any, options: Any, peer: Any) -> None:
    config = kind.Config(**options)
    schedule = kind(config)
    ours = [scheduled_factor(schedule, config.warmup_steps, step, STEPS) for step in range(STEPS)]
    assert ours == pytest.approx(torch_rates(peer), rel=1e-9, abs=1e-12)
