"""Focal losses: their formulas, and finite gradients of certain predictions."""

import math
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from tinynet.builtin.losses.binary_cross_entropy import BinaryCrossEntropy
from tinynet.builtin.losses.focal_cross_entropy import (
    BinaryFocalCrossEntropy,
    CategoricalFocalCrossEntropy,
)
from tinynet.builtin.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from tinynet.errors import ShapeError
from tinynet.layer.context import Context

RNG = np.random.default_rng(0)


def both(kind: Any, outputs: Any, targets: Any, **options: Any) -> tuple[float, Any]:
    """Return the sum and its gradient."""
    loss, ctx = kind(kind.Config(**options)), Context(training=True)
    value, cache = loss.forward(ctx, np.array(outputs), np.array(targets))
    return value, loss.backward(ctx, cache)


@pytest.mark.parametrize("gamma", [0.5, 2.0, 5.0])
def test_the_formula(gamma: float) -> None:
    p = 0.8
    logits = np.log([[p, 1 - p]])
    value, _ = both(CategoricalFocalCrossEntropy, logits, [0], gamma=gamma, alpha=(0.25, 9.0))
    assert value == pytest.approx(-0.25 * (1 - p) ** gamma * math.log(p), rel=1e-12)
    value, _ = both(CategoricalFocalCrossEntropy, logits, [[0.6, 0.4]], gamma=gamma)
    terms = 0.6 * (1 - p) ** gamma * math.log(p) + 0.4 * p**gamma * math.log(1 - p)
    assert value == pytest.approx(-terms, rel=1e-12)
    logit = [[math.log(p / (1 - p))]]
    value, _ = both(BinaryFocalCrossEntropy, logit, [0], gamma=gamma, alpha=0.25)
    assert value == pytest.approx(-0.75 * p**gamma * math.log(1 - p), rel=1e-12)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_without_discount_both_are_cross_entropy(smoothing: float) -> None:
    options = {"label_smoothing": smoothing}
    logits, labels = RNG.normal(size=(6, 2, 4)) * 3, RNG.integers(4, size=(6, 2))
    expected, slopes = both(SoftmaxCrossEntropy, logits, labels, **options)
    value, gradient = both(CategoricalFocalCrossEntropy, logits, labels, gamma=0, **options)
    assert value == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(gradient, slopes, rtol=1e-10, atol=1e-14)
    bits = RNG.integers(2, size=logits.shape)
    expected, slopes = both(BinaryCrossEntropy, logits, bits, **options)
    value, gradient = both(BinaryFocalCrossEntropy, logits, bits, gamma=0, **options)
    assert value == expected
    np.testing.assert_array_equal(gradient, slopes)


def test_two_classes_are_the_binary_loss_of_their_difference() -> None:
    x, bits = RNG.normal(size=(20, 1)) * 5, RNG.integers(2, size=20)
    logits = np.hstack([np.zeros_like(x), x])
    value, gradient = both(CategoricalFocalCrossEntropy, logits, bits, alpha=(0.75, 0.25))
    expected, slopes = both(BinaryFocalCrossEntropy, x, bits, alpha=0.25)
    assert value == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(gradient[:, 1:], slopes, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_certain_predictions_have_finite_losses_and_gradients(gamma: float, dtype: str) -> None:
    x = np.array([[-1e4], [1e4], [-100], [100], [0]], dtype)
    for kind, outputs in (
        (BinaryFocalCrossEntropy, x),
        (CategoricalFocalCrossEntropy, np.hstack([0 * x, x])),
    ):
        value, gradient = both(kind, outputs, [1, 1, 1, 0, 0], gamma=gamma)
        assert 10_100 < value < 10_300
        assert np.isfinite(gradient).all()
        assert gradient[0, -1] == pytest.approx(-1)


def test_small_losses_keep_their_digits() -> None:
    expected = math.exp(-30) ** 2
    value, _ = both(CategoricalFocalCrossEntropy, [[30.0, 0.0]], [0], gamma=1)
    assert value == pytest.approx(expected, rel=1e-9)
    value, _ = both(BinaryFocalCrossEntropy, [[30.0]], [1], gamma=1)
    assert value == pytest.approx(expected, rel=1e-9)


def test_one_alpha_weighs_all_classes() -> None:
    logits, labels = RNG.normal(size=(6, 3)), RNG.integers(3, size=6)
    value, gradient = both(CategoricalFocalCrossEntropy, logits, labels, alpha=0.25)
    expected, slopes = both(CategoricalFocalCrossEntropy, logits, labels, alpha=(0.25,) * 3)
    assert value == expected
    np.testing.assert_array_equal(gradient, slopes)


def test_alpha_needs_a_weight_for_each_class() -> None:
    kind = CategoricalFocalCrossEntropy
    with pytest.raises(ShapeError, match="alpha has 2 weights, but the output has 3 classes"):
        kind(kind.Config(alpha=(1.0, 2.0))).check_shapes((3,), ())


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (BinaryFocalCrossEntropy, {"alpha": 1.5}),
        (BinaryFocalCrossEntropy, {"gamma": -1.0}),
        (CategoricalFocalCrossEntropy, {"alpha": (1.0, -1.0)}),
        (CategoricalFocalCrossEntropy, {"alpha": (1.0,)}),
        (CategoricalFocalCrossEntropy, {"alpha": -0.25}),
        (CategoricalFocalCrossEntropy, {"label_smoothing": 1.0}),
    ],
)
def test_impossible_options_are_refused(kind: Any, options: Any) -> None:
    with pytest.raises(ValidationError):
        kind.Config(**options)
