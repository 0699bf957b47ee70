"""Cross-entropy of yes/no questions: exact values, stability, bad targets."""

import math
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from tinynet.builtin.losses.binary_cross_entropy import BinaryCrossEntropy
from tinynet.layer.context import Context


def loss_of(outputs: Any, targets: Any, smoothing: float = 0.0) -> float:
    loss = BinaryCrossEntropy(BinaryCrossEntropy.Config(label_smoothing=smoothing))
    total, _ = loss.forward(Context(), np.array(outputs), np.array(targets))
    return total


def test_it_is_the_logarithm_of_the_probability() -> None:
    logit = math.log(0.8 / 0.2)
    assert loss_of([[logit]], [1]) == pytest.approx(-math.log(0.8), rel=1e-14)
    assert loss_of([[logit]], [0]) == pytest.approx(-math.log(0.2), rel=1e-14)


def test_smoothing_draws_targets_towards_one_half() -> None:
    assert loss_of([[2.0]], [1], 0.2) == pytest.approx(loss_of([[2.0]], [0.9]), rel=1e-14)


def test_huge_logits_neither_overflow_nor_lose_the_loss() -> None:
    assert loss_of([[1e4], [-1e4]], [0, 1]) == 2e4
    assert loss_of([[1e4], [-1e4]], [1, 0]) == 0


def test_a_confident_right_answer_keeps_its_small_loss() -> None:
    assert loss_of([[40.0]], [1]) == pytest.approx(math.exp(-40), rel=1e-12)


def test_predictions_are_probabilities_in_the_shape_of_the_outputs() -> None:
    loss = BinaryCrossEntropy(BinaryCrossEntropy.Config())
    np.testing.assert_allclose(loss.predict(np.log([[3.0], [1 / 3]])), [[0.75], [0.25]], rtol=1e-14)


@pytest.mark.parametrize("bad", [2, -1, 1.01])
def test_targets_outside_zero_and_one_are_found(bad: float) -> None:
    loss = BinaryCrossEntropy(BinaryCrossEntropy.Config())
    bad_row = loss.bad_target((1,), np.array([0, 1, bad]))
    assert bad_row == (2, f"{bad} is not a number from 0 to 1")


def test_impossible_smoothing_is_refused() -> None:
    with pytest.raises(ValidationError):
        BinaryCrossEntropy.Config(label_smoothing=1.0)
