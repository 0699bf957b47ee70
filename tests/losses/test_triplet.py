"""The triplet loss: exact values, swapped distances, and distances of 0."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from tinynet.builtin.losses.triplet import Triplet
from tinynet.errors import ShapeError
from tinynet.layer.context import Context

ORIGIN = [[0.0, 0.0]]


def both(*outputs: Any, weights: Any = None, **options: Any) -> tuple[float, Any]:
    """Return the sum and the gradients."""
    loss = Triplet(Triplet.Config(epsilon=options.pop("epsilon", 0), **options))
    ctx = Context(training=True)
    value, cache = loss.forward(ctx, tuple(map(np.array, outputs)), None, weights)
    return value, loss.backward(ctx, cache)


def test_the_positive_is_pulled_and_the_negative_pushed() -> None:
    value, gradients = both(ORIGIN, [[3.0, 4.0]], [[0.0, 2.0]], margin=2.0)
    assert value == 5
    np.testing.assert_allclose(np.squeeze(gradients), [[-0.6, 0.2], [0.6, 0.8], [0, -1]])


def test_a_negative_beyond_the_margin_has_no_loss() -> None:
    value, gradients = both(ORIGIN, [[3.0, 4.0]], [[0.0, 7.0]], margin=2.0)
    assert value == 0
    assert not np.any(gradients)


def test_a_swap_takes_the_smaller_distance_of_the_negative() -> None:
    outputs = ORIGIN, [[3.0, 0.0]], [[4.0, 0.0]]
    assert both(*outputs)[0] == 0
    value, gradients = both(*outputs, swap=True)
    assert value == 3
    np.testing.assert_array_equal(np.squeeze(gradients), [[-1, 0], [2, 0], [-1, 0]])
    np.testing.assert_array_equal(sum(gradients), 0)


@pytest.mark.parametrize(("p", "distance"), [(1.0, 7.0), (2.0, 5.0), (3.0, 91 ** (1 / 3))])
def test_the_norm_has_any_exponent_from_1(p: float, distance: float) -> None:
    value, _ = both(ORIGIN, [[3.0, -4.0]], ORIGIN, p=p)
    assert value == pytest.approx(distance + 1, rel=1e-14)


@pytest.mark.parametrize("p", [1.0, 2.0, 3.5])
def test_equal_embeddings_have_the_margin_and_no_gradient(p: float) -> None:
    value, gradients = both(ORIGIN, ORIGIN, ORIGIN, p=p, swap=True)
    assert value == 1
    assert not np.any(gradients)


def test_epsilon_is_added_to_each_difference() -> None:
    value, _ = both(ORIGIN, [[3.0, 4.0]], [[10.0, 10.0]], epsilon=10.0, margin=50.0)
    assert value == pytest.approx(50 + np.hypot(7, 6) - 0, rel=1e-14)


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_distances_of_any_size_are_finite(scale: float) -> None:
    positive = np.array([[3.0, 4.0]], np.float32) * np.float32(scale)
    zeros = np.zeros((1, 2), np.float32)
    value, gradients = both(zeros, positive, zeros, margin=1e-37)
    assert value == pytest.approx(5 * scale, rel=1e-6)
    np.testing.assert_allclose(gradients[1], [[0.6, 0.8]], rtol=1e-6)


def test_weights_are_those_of_samples() -> None:
    outputs = ORIGIN * 2, [[3.0, 4.0]] * 2, ORIGIN * 2
    value, gradients = both(*outputs, weights=np.array([0.0, 2.0]))
    assert value == 12
    assert not gradients[1][0].any()
    with pytest.raises(ShapeError, match=r"triplet needs one weight for each sample, \(N,\)"):
        both(*outputs, weights=np.ones((2, 2)))


def test_shapes_that_differ_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"they have the shapes \(3,\), \(3,\), \(4,\)"):
        Triplet(Triplet.Config()).check_shapes(((3,), (3,), (4,)))


@pytest.mark.parametrize("options", [{"margin": 0.0}, {"p": 0.5}, {"epsilon": -1.0}])
def test_impossible_options_are_refused(options: Any) -> None:
    with pytest.raises(ValidationError):
        Triplet.Config(**options)
