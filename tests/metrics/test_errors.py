"""Squared and percentage errors, the ratio in decibels and the explained variance."""

import math

import numpy as np
import pytest

from tinynet.builtin.metrics.explained_variance import ExplainedVariance
from tinynet.builtin.metrics.mape import MAPE
from tinynet.builtin.metrics.regression import R2
from tinynet.builtin.metrics.squared_error import MSE, PSNR, RMSE
from tinynet.errors import ShapeError

from .oracle import figure

KINDS = [ExplainedVariance, MAPE, MSE, PSNR, RMSE]


def test_figures_of_two_elements() -> None:
    predictions, targets = [1.0, 4.0], [2.0, 1.0]
    assert figure(MSE, predictions, targets) == 5
    assert figure(RMSE, predictions, targets) == math.sqrt(5)
    assert figure(MAPE, predictions, targets) == (50 + 300) / 2
    assert figure(MAPE, predictions, [2.0, 0.0], epsilon=0.5) == (50 + 800) / 2
    assert figure(PSNR, predictions, targets, max_val=10.0) == pytest.approx(
        10 * math.log10(100 / 5)
    )


def test_the_mean_is_over_elements_and_not_over_batches() -> None:
    predictions, targets = np.array([[0.0], [0.0], [3.0]]), np.zeros((3, 1))
    assert figure(RMSE, predictions, targets, parts=2) == math.sqrt(3)


def test_perfect_images_have_a_finite_ratio() -> None:
    perfect = figure(PSNR, np.ones((2, 3)), np.ones((2, 3)))
    assert 3000 < perfect < math.inf
    assert figure(PSNR, np.ones((2, 3)), np.full((2, 3), 0.999)) < perfect


def test_a_constant_offset_counts_for_r2_alone() -> None:
    targets = np.arange(8.0)
    assert figure(ExplainedVariance, targets + 5, targets, parts=3) == 1
    assert figure(R2, targets + 5, targets, parts=3) < 0


def test_a_target_that_never_varies_has_no_explained_variance() -> None:
    assert figure(ExplainedVariance, [0.1, 0.3, 0.2], [0.1, 0.1, 0.1], parts=2) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_labels_for_classes_are_refused(kind: type) -> None:
    with pytest.raises(ShapeError, match='for classes use "accuracy"'):
        figure(kind, np.ones((2, 3)), [1, 2])
