"""The focal loss: its protocol, its formula, and the example."""

import math
from pathlib import Path

import numpy as np
import pytest
from tinynet_focal_loss import FocalLoss

import tinynet
from tinynet.builtin.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from tinynet.errors import ShapeError
from tinynet.loss import Context
from tinynet.testing import loss_checks

SPEC = Path(__file__).parents[1] / "digits_focal.json"
CHECKS = [check for case in FocalLoss.examples for check in loss_checks(FocalLoss, **case)]


@pytest.mark.parametrize("check", CHECKS, ids=str)
def test_conforms_to_the_protocol_of_losses(check):
    check()


def focal(**options):
    return FocalLoss(FocalLoss.Config(**options))


def value_and_gradient(loss, *arguments):
    ctx = Context(training=True)
    value, cache = loss.forward(ctx, *arguments)
    return value, loss.backward(ctx, cache)


def test_without_discount_it_is_cross_entropy():
    """Gamma 0 is where everybody starts; another scale would want another learning rate."""
    draw = np.random.default_rng(0)
    logits = draw.normal(scale=3, size=(6, 2, 4))
    labels, weights = draw.integers(4, size=(6, 2)), draw.uniform(0, 2, 6)
    reference = SoftmaxCrossEntropy(SoftmaxCrossEntropy.Config())
    of_positions = draw.uniform(0, 2, (6, 2))
    for extra in ((), (weights,), (of_positions,)):
        arguments = (logits, labels, *extra)
        expected, expected_gradient = value_and_gradient(reference, *arguments)
        value, gradient = value_and_gradient(focal(gamma=0), *arguments)
        assert value == pytest.approx(expected, rel=1e-12)
        np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("gamma", [0.5, 2.0, 5.0])
def test_the_formula(gamma):
    p = 0.8
    logits = np.array([[math.log(p), math.log(1 - p)]])
    value, _ = value_and_gradient(focal(gamma=gamma, alpha=(0.25, 9.0)), logits, np.array([0]))
    assert value == pytest.approx(-0.25 * (1 - p) ** gamma * math.log(p), rel=1e-12)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_certain_predictions_have_a_finite_loss_and_gradient(gamma, dtype):
    """One NaN in a batch of thousands ends a run."""
    logits = np.array([[0, 1e4], [1e4, 0], [20, 0], [0, 0]], dtype)
    value, gradient = value_and_gradient(focal(gamma=gamma), logits, np.array([1, 1, 0, 0]))
    assert math.isfinite(value)
    assert np.isfinite(gradient).all()
    assert value >= 1e4


def test_a_small_loss_keeps_its_digits():
    """1 - p of a sample classified well is lost when it is computed as written."""
    logits = np.array([[30.0, 0.0]])
    value, _ = value_and_gradient(focal(gamma=1), logits, np.array([0]))
    assert value == pytest.approx(math.exp(-30) ** 2, rel=1e-9)


def test_alpha_needs_a_weight_for_each_class_before_training_starts():
    changes = {"training.loss": {"type": "focal_loss", "alpha": [1.0, 2.0]}}
    with pytest.raises(ShapeError, match="alpha has 2 weights and there are 10 classes"):
        tinynet.Trainer(tinynet.load_spec(SPEC, changes)).check()


def test_probabilities_instead_of_labels_are_refused_with_a_remedy():
    with pytest.raises(ShapeError, match=r"needs outputs \(\.\.\., classes\) and integer labels"):
        focal().check_shapes((3,), (3,))
    assert focal().bad_target((3,), np.array([0, 3])) == (
        1,
        "3 is not an integer label from 0 to 2, for outputs of 3 classes",
    )


def test_the_example_learns_digits(tmp_path):
    run = tinynet.train(SPEC, tmp_path / "run")
    assert run.evaluate("test").metrics["accuracy"] > 0.95
