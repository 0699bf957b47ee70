"""`reduce_on_plateau` against torch.optim.lr_scheduler.ReduceLROnPlateau."""

import math

import numpy as np
import pytest

from tinynet.builtin.schedules.plateau import ReduceOnPlateau
from tinynet.schedule import Evaluation

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle


def expected_factors(options, greater_is_better, values):
    """Return torch's rates after each value; it reduces after one evaluation more."""
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer,
        mode="max" if greater_is_better else "min",
        factor=options["factor"],
        patience=options["patience"] - 1,
        threshold=options["min_delta"],
        threshold_mode="abs",
        cooldown=options["cooldown"],
        min_lr=options["min_factor"],
        eps=0.0,
    )
    rates = []
    for value in values:
        scheduler.step(value)
        rates.append(optimizer.param_groups[0]["lr"])
    return rates


def test_reductions_are_those_of_torch():
    draw = np.random.default_rng(11)
    reductions = 0
    for number in range(200):
        options = {
            "factor": float(draw.uniform(0.1, 0.9)),
            "patience": int(draw.integers(1, 5)),
            "min_delta": float(draw.integers(0, 3)) / 8,
            "cooldown": int(draw.integers(0, 4)),
            "min_factor": float(draw.choice([0.0, 0.05, 0.3])),
        }
        greater_is_better = bool(draw.integers(2))
        # Multiples of 1/8, whose differences are exact, so that many equal min_delta.
        values = draw.integers(-12, 12, 60) / 8 if number % 2 else draw.normal(size=60)
        values = [math.nan if draw.random() < 0.05 else float(value) for value in values]
        schedule = ReduceOnPlateau(ReduceOnPlateau.Config(**options))
        state, found = schedule.start(), []
        for step, value in enumerate(values, 1):
            schedule.update(state, Evaluation(value, greater_is_better, {"val/loss": value}, step))
            found.append(schedule.factor(step, 60, state))
        expected = expected_factors(options, greater_is_better, values)
        np.testing.assert_allclose(found, expected, rtol=1e-12, err_msg=str(options))
        reductions += len(set(found)) - 1
    assert reductions > 500
