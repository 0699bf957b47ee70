"""The likelihood of normal distributions: exact values, and variances that are too small."""

import math
from typing import Any

import numpy as np
import pytest

from tinynet.builtin.losses.gaussian_nll import GaussianNLL
from tinynet.errors import ShapeError
from tinynet.layer.context import Context


def both(
    mean: Any, variance: Any, targets: Any, weights: Any = None, **options: Any
) -> tuple[float, Any]:
    """Return the sum and both gradients."""
    loss, ctx = GaussianNLL(GaussianNLL.Config(**options)), Context(training=True)
    outputs = np.array(mean), np.array(variance)
    value, cache = loss.forward(ctx, outputs, np.array(targets), weights)
    return value, loss.backward(ctx, cache)


def test_the_full_loss_is_the_log_likelihood() -> None:
    value, (d_mean, d_variance) = both([[3.0, 1.0]], [[4.0, 0.25]], [[1.0, 1.0]], full=True)
    densities = [math.exp(-0.5) / math.sqrt(8 * math.pi), 2 / math.sqrt(2 * math.pi)]
    assert value == pytest.approx(-sum(map(math.log, densities)) / 2, rel=1e-14)
    np.testing.assert_allclose(d_mean, [[0.25, 0]], rtol=1e-15)
    np.testing.assert_allclose(d_variance, [[0, 1]], rtol=1e-15)


def test_a_variance_below_epsilon_has_the_loss_and_gradient_of_epsilon() -> None:
    for variance in (0.1, 0.0, -3.0):
        value, (d_mean, d_variance) = both([[1.0]], [[variance]], [0.0], epsilon=0.1)
        assert value == pytest.approx((math.log(0.1) + 10) / 2, rel=1e-14)
        assert (d_mean.item(), d_variance.item()) == pytest.approx((10, -45), rel=1e-14)


def test_the_mean_may_be_taken_over_positions() -> None:
    rng = np.random.default_rng(0)
    mean, targets = rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 3, 4))
    variance, weights = rng.uniform(0.5, 2, (2, 3, 4)), rng.uniform(size=(2, 3))
    value, gradients = both(mean, variance, targets, weights)
    total, others = both(mean, variance, targets, weights, average_over="positions")
    assert total == pytest.approx(3 * value, rel=1e-14)
    np.testing.assert_allclose(others, 3 * np.array(gradients), rtol=1e-14)


@pytest.mark.parametrize("shapes", [((2,), (1,), (2,)), ((2,), (2,), (3,)), ((2,), (2,), ())])
def test_shapes_that_differ_are_refused(shapes: Any) -> None:
    loss = GaussianNLL(GaussianNLL.Config())
    loss.check_shapes(((2, 1), (2, 1)), (2,))
    with pytest.raises(ShapeError, match="gaussian_nll needs two outputs of the target's shape"):
        loss.check_shapes(shapes[:2], shapes[2])
