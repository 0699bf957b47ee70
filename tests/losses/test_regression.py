"""Losses of numbers: exact values, and no silent broadcasting."""

import math
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from tinynet.builtin.losses.regression import (
    MAE,
    MSE,
    Huber,
    LogCosh,
    Quantile,
    SmoothL1,
)
from tinynet.errors import ShapeError
from tinynet.layer.context import Context

OUTPUTS = np.array([[1.0, 2.0], [0.0, -4.0]])
TARGETS = np.array([[0.0, 2.0], [0.5, -1.0]])


@pytest.mark.parametrize(
    ("loss", "total", "gradient"),
    [
        (MSE(MSE.Config()), 0.5 + 4.625, [[1.0, 0.0], [-0.5, -3.0]]),
        (MAE(MAE.Config()), 0.5 + 1.75, [[0.5, 0.0], [-0.5, -0.5]]),
        (Huber(Huber.Config(delta=2.0)), 0.25 + 2.0625, [[0.5, 0.0], [-0.25, -1.0]]),
        (SmoothL1(SmoothL1.Config(beta=2.0)), 0.125 + 1.03125, [[0.25, 0], [-0.125, -0.5]]),
        (Quantile(Quantile.Config(quantile=0.75)), 0.125 + 1.3125, [[0.125, -0.125], [-0.375] * 2]),
    ],
    ids=["mse", "mae", "huber", "smooth_l1", "quantile"],
)
def test_a_sample_costs_the_mean_of_its_elements(loss: Any, total: float, gradient: Any) -> None:
    ctx = Context(training=True)
    value, cache = loss.forward(ctx, OUTPUTS, TARGETS)
    assert value == total
    np.testing.assert_array_equal(loss.backward(ctx, cache), gradient)


def test_log_cosh_keeps_the_digits_of_small_and_large_residuals() -> None:
    loss, ctx = LogCosh(LogCosh.Config()), Context(training=True)
    residuals = np.array([[1e-9], [0.5], [1.0], [3.0], [1e4]])
    expected = [0.5e-18, *np.log(np.cosh([0.5, 1, 3])), 1e4 - math.log(2)]
    for residual, value in zip(residuals, expected, strict=True):
        total, _ = loss.forward(ctx, residual[None], np.zeros((1, 1)))
        assert total == pytest.approx(value, rel=1e-14)
    _, cache = loss.forward(ctx, residuals, np.zeros((5, 1)))
    np.testing.assert_allclose(loss.backward(ctx, cache), np.tanh(residuals), rtol=1e-15)


def test_a_quantile_of_the_targets_has_the_smallest_loss() -> None:
    targets = np.random.default_rng(0).normal(size=(1, 1000))
    loss, ctx = Quantile(Quantile.Config(quantile=0.9)), Context(training=True)
    candidates = np.linspace(0, 2, 401)
    values = [loss.forward(ctx, np.full((1, 1000), c), targets)[0] for c in candidates]
    best = candidates[np.argmin(values)]
    assert np.mean(targets < best) == pytest.approx(0.9, abs=0.005)


def test_one_unit_is_compared_with_plain_numbers_row_by_row() -> None:
    loss, ctx = MSE(MSE.Config()), Context(training=True)
    value, cache = loss.forward(ctx, np.array([[1.0], [2.0], [3.0]]), np.array([1, 2, 4]))
    assert value == 1.0
    np.testing.assert_array_equal(loss.backward(ctx, cache), [[0.0], [0.0], [-2.0]])


@pytest.mark.parametrize(
    ("out_shape", "target_shape", "remedy"),
    [
        ((10,), (), "give the output a last axis of 1, such as the units of a last dense layer"),
        ((1,), (3,), "give the output a last axis of 3, such as the units of a last dense layer"),
        ((28, 28, 1), (784,), "end the network with outputs of shape (784,)"),
    ],
)
def test_shapes_that_do_not_fit_say_what_would(
    out_shape: Any, target_shape: Any, remedy: str
) -> None:
    with pytest.raises(ShapeError) as caught:
        MAE(MAE.Config()).check_shapes(out_shape, target_shape)
    assert str(caught.value) == (
        "mae needs outputs and targets of the same shape, but the output has the shape"
        f" {out_shape} and the target {target_shape}: {remedy}"
    )


def test_an_infinite_target_is_found_with_its_row() -> None:
    bad_row = MSE(MSE.Config()).bad_target((1,), np.array([0.0, 1.0, np.inf]))
    assert bad_row == (2, "inf is not a finite number")


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (Huber, {"delta": 0.0}),
        (SmoothL1, {"beta": 0.0}),
        (Quantile, {"quantile": 0.0}),
        (Quantile, {"quantile": 1.0}),
    ],
)
def test_impossible_options_are_refused(kind: Any, options: Any) -> None:
    with pytest.raises(ValidationError):
        kind.Config(**options)


def test_predictions_are_the_outputs() -> None:
    assert MSE(MSE.Config()).predict(OUTPUTS) is OUTPUTS
