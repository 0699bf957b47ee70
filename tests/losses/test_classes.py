"""Losses of classes: divergence and hinge, with exact values and refusals."""

import math
from typing import Any

import numpy as np
import pytest

from tinynet.builtin.losses.categorical_hinge import CategoricalHinge
from tinynet.builtin.losses.focal_cross_entropy import CategoricalFocalCrossEntropy
from tinynet.builtin.losses.kl_divergence import KLDivergence
from tinynet.builtin.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from tinynet.errors import ShapeError
from tinynet.layer.context import Context

RNG = np.random.default_rng(0)


def make(kind: Any, **options: Any) -> Any:
    return kind(kind.Config(**options))


def both(loss: Any, outputs: Any, targets: Any, weights: Any = None) -> tuple[float, Any]:
    """Return the sum and its gradient."""
    ctx = Context(training=True)
    value, cache = loss.forward(ctx, np.array(outputs), np.array(targets), weights)
    return value, loss.backward(ctx, cache)


def test_kl_divergence_of_equal_distributions_is_0() -> None:
    p = np.array([[0.2, 0.3, 0.5]])
    value, gradient = both(make(KLDivergence), np.log(p) + 7, p)
    assert value == pytest.approx(0, abs=1e-15)
    np.testing.assert_allclose(gradient, 0, atol=1e-15)


def test_kl_divergence_counts_impossible_classes_as_0() -> None:
    value, gradient = both(make(KLDivergence), np.log([[0.25, 0.75]]), [[1.0, 0.0]])
    assert value == pytest.approx(math.log(4), rel=1e-15)
    np.testing.assert_allclose(gradient, [[-0.75, 0.75]], rtol=1e-15)


def test_kl_divergence_has_the_gradient_of_cross_entropy() -> None:
    logits, targets = RNG.normal(size=(5, 2, 4)), RNG.dirichlet(np.ones(4), (5, 2))
    weights = RNG.uniform(size=(5, 2))
    _, gradient = both(make(KLDivergence), logits, targets, weights)
    _, expected = both(make(SoftmaxCrossEntropy), logits, targets, weights)
    np.testing.assert_allclose(gradient, expected, rtol=1e-12, atol=1e-16)


def test_kl_divergence_of_labels_is_refused() -> None:
    with pytest.raises(ShapeError, match="for labels use softmax_cross_entropy"):
        make(KLDivergence).check_shapes((3,), ())


@pytest.mark.parametrize(
    ("scores", "label", "value", "gradient"),
    [
        ([2.0, 0.5, -1.0], 0, 0, [0, 0, 0]),
        ([2.0, 1.5, -1.0], 0, 0.5, [-1, 1, 0]),
        ([0.5, -3.0, -1.0], 0, 0.5, [-1, 0, 0]),
        ([2.0, 3.0, 3.0], 0, 2, [-1, 1, 0]),
    ],
    ids=["margin", "other class", "only negative scores", "tie"],
)
def test_categorical_hinge(scores: Any, label: int, value: float, gradient: Any) -> None:
    for targets in ([label], np.eye(3)[[label]]):
        found, slopes = both(make(CategoricalHinge), [scores], targets)
        assert found == value
        np.testing.assert_array_equal(slopes, [gradient])


def test_the_mean_is_taken_over_positions() -> None:
    logits, labels = RNG.normal(size=(3, 4, 5)), RNG.integers(0, 5, (3, 4))
    weights = RNG.uniform(size=(3, 4))
    by_sample, _ = both(make(CategoricalHinge), logits, labels, weights)
    loss = make(CategoricalHinge, average_over="positions")
    value, gradient = both(loss, logits, labels, weights)
    flat, rows = both(loss, logits.reshape(12, 5), labels.ravel(), weights.ravel())
    assert value == pytest.approx(flat, rel=1e-14)
    assert value == pytest.approx(4 * by_sample, rel=1e-14)
    np.testing.assert_allclose(gradient.reshape(12, 5), rows, rtol=1e-14)
    assert loss.count(labels, weights) == 12


@pytest.mark.parametrize("kind", [CategoricalHinge, CategoricalFocalCrossEntropy])
def test_ignored_labels_count_nowhere(kind: Any) -> None:
    logits, labels = RNG.normal(size=(2, 3, 4)), np.array([[0, 3, -1], [2, -1, -1]])
    loss = make(kind, ignore_label=-1)
    value, gradient = both(loss, logits, labels)
    counted = labels >= 0
    expected, rows = both(make(kind), logits[counted], labels[counted])
    assert value == pytest.approx(expected, rel=1e-14)
    assert loss.count(labels, None) == 3
    np.testing.assert_allclose(gradient[counted], rows, rtol=1e-14)
    assert not gradient[~counted].any()
    assert loss.bad_target((3, 4), labels) is None


@pytest.mark.parametrize(
    ("out_shape", "target_shape"), [((1,), ()), ((), ()), ((3,), (4,)), ((2, 3), (3,))]
)
def test_shapes_without_classes_are_refused(out_shape: Any, target_shape: Any) -> None:
    with pytest.raises(ShapeError, match="categorical_hinge cannot compare an output of shape"):
        make(CategoricalHinge).check_shapes(out_shape, target_shape)


def test_impossible_targets_are_found() -> None:
    loss = make(CategoricalHinge)
    assert loss.max_classes((2, 3)) == 3
    row, why = loss.bad_target((3,), np.array([0, 3]))
    assert (row, why.split(",")[0]) == (1, "3 is not an integer label from 0 to 2")
    assert loss.bad_target((2,), np.array([[0.5, 0.4]])) == (
        0,
        "the probabilities of the classes sum to 0.9, not to 1",
    )
