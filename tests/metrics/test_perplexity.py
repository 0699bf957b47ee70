"""Perplexity: the exponential of the mean cross-entropy."""

import math
from typing import Any

import numpy as np
import pytest

from tinynet.builtin.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from tinynet.builtin.metrics.perplexity import Perplexity
from tinynet.errors import ShapeError
from tinynet.layer.context import Context


def perplexity(predictions: Any, targets: Any) -> float:
    metric = Perplexity(Perplexity.Config())
    predictions = np.array(predictions)
    state = metric.start(predictions.shape[1:])
    metric.update(state, predictions, np.array(targets))
    return metric.result(state)


def test_a_uniform_guess_has_the_perplexity_of_its_classes() -> None:
    assert perplexity(np.full((3, 4, 8), 1 / 8), np.zeros((3, 4), int)) == pytest.approx(8)


def test_certainty_has_the_perplexity_one() -> None:
    assert perplexity([[1.0, 0.0], [0.0, 1.0]], [0, 1]) == 1


def test_it_is_the_inverse_of_the_geometric_mean_of_probabilities() -> None:
    value = perplexity([[0.5, 0.5], [0.875, 0.125]], [0, 1])
    assert value == pytest.approx(math.sqrt(2 * 8), rel=1e-14)


def test_it_is_the_exponential_of_the_loss() -> None:
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(6, 5, 7)), rng.integers(0, 7, (6, 5))
    loss = SoftmaxCrossEntropy(SoftmaxCrossEntropy.Config())
    total, _ = loss.forward(Context(), logits, labels)
    value = perplexity(loss.predict(logits), labels)
    assert value == pytest.approx(math.exp(total / 6), rel=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_probability_of_zero_leaves_the_figure_finite(dtype: Any) -> None:
    predictions = np.array([[1.0, 0.0]], dtype)
    assert perplexity(predictions, [1]) == pytest.approx(1 / float(np.finfo(dtype).tiny), rel=1e-9)


@pytest.mark.parametrize("out_shape", [(), (1,), (5, 1)])
def test_one_probability_is_refused(out_shape: Any) -> None:
    with pytest.raises(ShapeError, match="needs probabilities of at least 2 classes"):
        Perplexity(Perplexity.Config()).start(out_shape)
