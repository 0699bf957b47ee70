"""Losses of samples with positions: weights of positions, ignored labels, and what is averaged."""

import math
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from tinynet.builtin.losses.binary_cross_entropy import BinaryCrossEntropy
from tinynet.builtin.losses.hinge import Hinge, SquaredHinge
from tinynet.builtin.losses.poisson import Poisson
from tinynet.builtin.losses.regression import MAE, MSE, Huber, LogCosh, Quantile, SmoothL1
from tinynet.builtin.losses.relative_errors import MAPE, MSLE
from tinynet.builtin.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from tinynet.errors import ShapeError
from tinynet.layer.context import Context
from tinynet.loss import CountedLoss

PAD = -100
ELEMENTWISE = (
    *(MSE, MAE, Huber, SmoothL1, LogCosh, Quantile, MAPE, MSLE),
    *(BinaryCrossEntropy, Hinge, SquaredHinge, Poisson),
)


def make(kind: Any, **options: Any) -> Any:
    return kind(kind.Config(**options))


def both(loss: Any, outputs: Any, targets: Any, weights: Any = None) -> tuple[float, Any]:
    """Return the sum and its gradient."""
    ctx = Context(training=True)
    value, cache = loss.forward(ctx, np.array(outputs), np.array(targets), weights)
    return value, loss.backward(ctx, cache)


def logits_of(*probabilities: float) -> list[list[float]]:
    """Return logits of two classes, the first of which has each of some probabilities."""
    return [[math.log(p), math.log(1 - p)] for p in probabilities]


def test_ignored_positions_count_nowhere() -> None:
    loss = make(SoftmaxCrossEntropy, ignore_label=PAD)
    outputs = [logits_of(0.5, 0.25, 0.9), logits_of(0.2, 0.7, 0.8)]
    targets = np.array([[0, 0, PAD], [1, PAD, PAD]])
    value, gradient = both(loss, outputs, targets)
    assert value == pytest.approx(-math.log(0.5) - math.log(0.25) - math.log(0.8), rel=1e-14)
    assert loss.count(targets, None) == 3
    expected = [[[-0.5, 0.5], [-0.75, 0.75], [0, 0]], [[0.2, -0.2], [0, 0], [0, 0]]]
    np.testing.assert_allclose(gradient, expected, atol=1e-15)
    assert not gradient[targets == PAD].any()


def test_an_ignored_label_may_be_a_class() -> None:
    outputs = np.random.default_rng(0).normal(size=(3, 4, 5))
    targets = np.random.default_rng(1).integers(1, 5, (3, 4))
    padded, chosen = targets.copy(), targets.copy()
    padded[0, 2:], chosen[0, 2:] = PAD, 0
    by_number = both(make(SoftmaxCrossEntropy, ignore_label=PAD), outputs, padded)
    by_class = both(make(SoftmaxCrossEntropy, ignore_label=0), outputs, chosen)
    assert by_class[0] == by_number[0]
    np.testing.assert_array_equal(by_class[1], by_number[1])


def test_a_batch_without_counted_positions_is_zero() -> None:
    loss = make(SoftmaxCrossEntropy, ignore_label=PAD)
    value, gradient = both(loss, np.ones((2, 3, 4)), np.full((2, 3), PAD))
    assert value == 0
    assert not gradient.any()
    assert loss.count(np.full((2, 3), PAD), None) == 0


def test_samples_average_over_the_positions_that_are_not_ignored() -> None:
    loss = make(SoftmaxCrossEntropy, ignore_label=PAD, average_over="samples")
    outputs = [logits_of(0.5, 0.25), logits_of(0.2, 0.7), logits_of(0.1, 0.1)]
    value, gradient = both(loss, outputs, [[0, 0], [1, PAD], [PAD, PAD]])
    assert value == pytest.approx(-math.log(0.5 * 0.25) / 2 - math.log(0.8), rel=1e-14)
    expected = [[[-0.25, 0.25], [-0.375, 0.375]], [[0.2, -0.2], [0, 0]], np.zeros((2, 2))]
    np.testing.assert_allclose(gradient, expected, atol=1e-15)
    assert not loss.counts_positions


@pytest.mark.parametrize(
    ("options", "counts"),
    [
        ({}, False),
        ({"ignore_label": 0}, True),
        ({"ignore_label": 0, "average_over": "samples"}, False),
        ({"average_over": "positions"}, True),
    ],
)
def test_an_ignored_label_averages_over_positions_by_default(options: Any, counts: bool) -> None:
    loss = make(SoftmaxCrossEntropy, **options)
    assert isinstance(loss, CountedLoss)
    assert loss.counts_positions is counts


def test_weights_and_ignored_labels_together() -> None:
    loss = make(SoftmaxCrossEntropy, ignore_label=PAD)
    targets = np.array([[0, 0, 1], [1, PAD, PAD]])
    outputs = [logits_of(0.5, 0.25, 0.9), logits_of(0.2, 0.7, 0.8)]
    weights = np.array([[2.0, 0.0, 0.5], [0.0, 3.0, 1.0]])
    value, gradient = both(loss, outputs, targets, weights)
    assert value == pytest.approx(-2 * math.log(0.5) - 0.5 * math.log(0.1), rel=1e-14)
    np.testing.assert_allclose(gradient[0], [[-1, 1], [0, 0], [0.45, -0.45]], atol=1e-15)
    assert not gradient[1].any()
    assert loss.count(targets, weights) == 2
    assert loss.count(targets, np.array([1.0, 0.0])) == 3


def test_a_negative_label_has_the_remedy_to_ignore_it() -> None:
    loss = make(SoftmaxCrossEntropy)
    row, why = loss.bad_target((3, 4), np.array([[0, 1, 2], [0, PAD, 1]]))
    assert row == 1
    assert why.endswith('; to leave out such labels, set "ignore_label": -100 in the loss')
    assert "ignore_label" not in loss.bad_target((3, 4), np.array([[0, 1, 4]]))[1]


def test_weights_of_positions_in_a_mean_over_samples() -> None:
    """The weighted positions are divided by all positions, as samples are by all samples."""
    outputs = [logits_of(0.5, 0.25, 0.9), logits_of(0.2, 0.7, 0.8)]
    weights = np.array([[1.0, 0.0, 0.0], [0.5, 2.0, 0.0]])
    value, gradient = both(make(SoftmaxCrossEntropy), outputs, np.zeros((2, 3), int), weights)
    expected = (math.log(0.5) + 0.5 * math.log(0.2) + 2 * math.log(0.7)) / 3
    assert value == pytest.approx(-expected, rel=1e-14)
    np.testing.assert_allclose(gradient[1, :, 0], [-0.4 / 3, -0.6 / 3, 0], atol=1e-15)


def test_weights_may_have_any_of_the_leading_axes() -> None:
    rng = np.random.default_rng(2)
    outputs, labels = rng.normal(size=(4, 2, 3, 5)), rng.integers(0, 5, (4, 2, 3))
    rows = rng.uniform(size=(4, 2))
    every = np.repeat(rows, 3).reshape(4, 2, 3)
    for options in ({}, {"ignore_label": 1}, {"ignore_label": 1, "average_over": "samples"}):
        loss = make(SoftmaxCrossEntropy, **options)
        value, gradient = both(loss, outputs, labels, rows)
        expected, other = both(loss, outputs, labels, every)
        assert value == expected
        np.testing.assert_array_equal(gradient, other)


@pytest.mark.parametrize("targets", ["labels", "probabilities"])
def test_a_mean_over_positions_is_the_same_for_weights_of_any_shape(targets: str) -> None:
    """A sample counts once, or each of its positions does: the mean is the same."""
    rng = np.random.default_rng(3)
    outputs = rng.normal(size=(4, 3, 5))
    y = rng.integers(0, 5, (4, 3)) if targets == "labels" else rng.dirichlet(np.ones(5), (4, 3))
    loss = make(SoftmaxCrossEntropy, average_over="positions")
    weights = np.array([1.0, 0.0, 2.0, 0.5])
    means = []
    for w in (weights, np.repeat(weights, 3).reshape(4, 3)):
        value, gradient = both(loss, outputs, y, w)
        means.append((value / loss.count(y, w), gradient / loss.count(y, w)))
    assert means[0][0] == pytest.approx(means[1][0], rel=1e-14)
    np.testing.assert_allclose(means[0][1], means[1][1], rtol=1e-13)


@pytest.mark.parametrize("kind", ELEMENTWISE)
def test_a_weight_applies_to_all_elements_of_its_position(kind: Any) -> None:
    rng = np.random.default_rng(4)
    outputs, targets = rng.normal(size=(3, 2, 4)), rng.uniform(size=(3, 2, 4))
    weights = np.array([[1.0, 0.0], [2.0, 0.5], [0.0, 0.0]])
    loss = make(kind)
    values = loss.values(outputs, targets).mean(axis=2) * weights
    value, gradient = both(loss, outputs, targets, weights)
    assert value == pytest.approx(values.sum() / 2, rel=1e-14)
    _, plain = both(loss, outputs, targets)
    np.testing.assert_allclose(gradient, plain * weights[..., None], rtol=1e-14)


@pytest.mark.parametrize("kind", ELEMENTWISE)
def test_elementwise_losses_average_over_positions(kind: Any) -> None:
    rng = np.random.default_rng(5)
    outputs, targets = rng.normal(size=(3, 2, 4)), rng.uniform(size=(3, 2, 4))
    weights = np.array([[1.0, 0.0], [2.0, 0.5], [0.0, 0.0]])
    loss, by_sample = make(kind, average_over="positions"), make(kind)
    value, gradient = both(loss, outputs, targets, weights)
    expected, other = both(by_sample, outputs, targets, weights)
    assert (loss.counts_positions, by_sample.counts_positions) == (True, False)
    assert loss.count(targets, weights) == 3
    assert loss.count(targets, None) == 3
    assert value == pytest.approx(2 * expected, rel=1e-14)
    np.testing.assert_allclose(gradient, 2 * other, rtol=1e-14)


@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 1)])
def test_each_element_may_be_a_position(shape: Any) -> None:
    """A forecast of four steps: weights (N, T) weigh each step."""
    rng = np.random.default_rng(6)
    outputs, targets = rng.normal(size=shape), rng.normal(size=(3, 4))
    weights = rng.integers(0, 2, (3, 4)).astype(float)
    loss = make(MSE, average_over="positions")
    value, gradient = both(loss, outputs, targets, weights)
    residual = outputs.reshape(3, 4) - targets
    assert value == pytest.approx((weights * residual**2).sum(), rel=1e-14)
    np.testing.assert_allclose(gradient.reshape(3, 4), 2 * weights * residual, rtol=1e-14)


@pytest.mark.parametrize("weights", [(3,), (2, 5), (5, 3), (2, 3, 4), (2, 3, 4, 5)])
@pytest.mark.parametrize("kind", [SoftmaxCrossEntropy, MSE])
def test_weights_that_do_not_fit_are_refused(kind: Any, weights: Any) -> None:
    targets = np.zeros((2, 3), int) if kind is SoftmaxCrossEntropy else np.zeros((2, 3, 5))
    with pytest.raises(ShapeError, match=r"weights of shape .* do not fit outputs of shape \(2, 3"):
        both(make(kind), np.zeros((2, 3, 5)), targets, np.ones(weights))


def test_the_ignored_label_is_a_good_target() -> None:
    loss = make(SoftmaxCrossEntropy, ignore_label=PAD)
    assert loss.bad_target((2, 3), np.array([[0, PAD], [PAD, 2]])) is None
    assert loss.bad_target((2, 3), np.array([[0, PAD], [PAD, 3]])) == (
        1,
        "3 is not an integer label from 0 to 2, for outputs of 3 classes, nor the ignored label"
        " -100",
    )


def test_an_ignored_last_class_needs_no_unit() -> None:
    assert make(SoftmaxCrossEntropy, ignore_label=3).max_classes((5, 3)) == 4
    assert make(SoftmaxCrossEntropy, ignore_label=2).max_classes((5, 3)) == 3


def test_probabilities_have_no_label_to_ignore() -> None:
    loss = make(SoftmaxCrossEntropy, ignore_label=0)
    with pytest.raises(ShapeError, match="holds probabilities; remove ignore_label, and give"):
        loss.check_shapes((5, 3), (5, 3))


@pytest.mark.parametrize("options", [{"ignore_label": 0.5}, {"average_over": "tokens"}])
def test_impossible_options_are_refused(options: Any) -> None:
    with pytest.raises(ValidationError):
        SoftmaxCrossEntropy.Config(**options)
