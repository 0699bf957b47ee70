"""The likelihood of counts: exact values, predictions, and rates that are impossible."""

import math
import warnings
from typing import Any

import numpy as np
import pytest

from tinynet.builtin.losses.poisson import Poisson
from tinynet.layer.context import Context


def both(outputs: Any, targets: Any, **options: Any) -> tuple[float, Any]:
    """Return the sum and its gradient."""
    loss, ctx = Poisson(Poisson.Config(**options)), Context(training=True)
    value, cache = loss.forward(ctx, np.array(outputs), np.array(targets))
    return value, loss.backward(ctx, cache)


def test_logarithms_and_rates_have_the_same_loss() -> None:
    rates, counts = np.array([[0.5, 2.0]]), [[3.0, 0.0]]
    expected = (0.5 - 3 * math.log(0.5) + 2.0) / 2
    value, gradient = both(np.log(rates), counts)
    assert value == pytest.approx(expected, rel=1e-15)
    np.testing.assert_allclose(gradient, [[(0.5 - 3) / 2, 2 / 2]], rtol=1e-15)
    value, gradient = both(rates, counts, log_input=False)
    assert value == pytest.approx(expected, rel=1e-7)
    np.testing.assert_allclose(gradient, [[(1 - 6) / 2, 1 / 2]], rtol=1e-7)


def test_the_full_loss_is_nearly_the_likelihood() -> None:
    value, _ = both([[math.log(2.0)]], [[30.0]], full=True)
    assert value == pytest.approx(2 - 30 * math.log(2) + math.lgamma(31), rel=1e-4)
    plain, gradient = both([[0.3, 0.1]], [[0.0, 1.0]])
    full, other = both([[0.3, 0.1]], [[0.0, 1.0]], full=True)
    assert plain == full
    np.testing.assert_array_equal(gradient, other)


def test_a_rate_of_0_has_a_finite_loss_and_a_negative_one_none() -> None:
    value, gradient = both([[0.0]], [[2.0]], log_input=False)
    assert value == pytest.approx(-2 * math.log(1e-8))
    assert np.isfinite(gradient).all()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value, _ = both([[-1.0]], [[2.0]], log_input=False)
    assert math.isnan(value)


def test_predictions_are_rates() -> None:
    outputs = np.array([[0.0, math.log(3)]])
    np.testing.assert_allclose(Poisson(Poisson.Config()).predict(outputs), [[1, 3]], rtol=1e-15)
    assert Poisson(Poisson.Config(log_input=False)).predict(outputs) is outputs


def test_counts_are_at_least_0() -> None:
    found = Poisson(Poisson.Config()).bad_target((1,), np.array([0, 3, -2]))
    assert found == (2, "-2 is not a finite number of at least 0")
