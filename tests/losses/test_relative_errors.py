"""Losses of relative errors: exact values, and the ends of their domains."""

import math
from typing import Any

import numpy as np
import pytest

from tinynet.builtin.losses.relative_errors import MAPE, MSLE
from tinynet.layer.context import Context


def both(loss: Any, outputs: Any, targets: Any) -> tuple[float, Any]:
    """Return the sum and its gradient."""
    ctx = Context(training=True)
    value, cache = loss.forward(ctx, np.array(outputs), np.array(targets))
    return value, loss.backward(ctx, cache)


def test_mape_is_in_percent_of_the_target() -> None:
    value, gradient = both(MAPE(MAPE.Config()), [[3.0, -1.0], [5.0, 5.0]], [[2, -4], [5.0, 4]])
    assert value == pytest.approx((50 + 75) / 2 + (0 + 25) / 2, rel=1e-15)
    np.testing.assert_allclose(gradient, [[25, 12.5], [0, 12.5]], rtol=1e-15)


def test_mape_of_a_target_of_0_is_divided_by_epsilon() -> None:
    value, gradient = both(MAPE(MAPE.Config(epsilon=0.5)), [[1.0]], [[0.0]])
    assert value == 200
    assert gradient.item() == 200
    value, _ = both(MAPE(MAPE.Config()), [[1.0]], [[0.0]])
    assert value == pytest.approx(1e9)


def test_msle_is_the_squared_difference_of_logarithms() -> None:
    value, gradient = both(MSLE(MSLE.Config()), [[math.e - 1, 3.0]], [[0.0, 3.0]])
    assert value == pytest.approx(0.5, rel=1e-15)
    np.testing.assert_allclose(gradient, [[1 / math.e, 0]], rtol=1e-15)


def test_an_msle_output_below_0_counts_as_0_and_has_no_gradient() -> None:
    value, gradient = both(MSLE(MSLE.Config()), [[-5.0]], [[math.e - 1]])
    assert value == pytest.approx(1, rel=1e-15)
    assert gradient.item() == 0


@pytest.mark.parametrize("bad", [-0.5, math.inf, math.nan])
def test_msle_targets_are_at_least_0(bad: float) -> None:
    found = MSLE(MSLE.Config()).bad_target((1,), np.array([0.0, 2.0, bad]))
    assert found == (2, f"{bad} is not a finite number of at least 0")
