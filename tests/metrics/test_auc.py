"""Areas under curves: definitions, limits and refusals."""

from typing import Any

import numpy as np
import pytest

from tinynet.builtin.metrics.auc import AUC
from tinynet.errors import DataError, ShapeError

from .oracle import figure


def test_the_area_is_the_share_of_pairs_in_order() -> None:
    # Of four pairs, (0.6, 0.8) is not in order and (0.6, 0.6) is equal.
    assert figure(AUC, [0.1, 0.6, 0.8, 0.6, 0.9], [0, 0, 0, 1, 1]) == (1 + 0.5 + 0 + 3) / 6


def test_average_precision_of_four_samples() -> None:
    actual = figure(AUC, [0.9, 0.8, 0.7, 0.1], [1, 0, 1, 0], curve="pr")
    assert actual == pytest.approx((1 / 1 + 2 / 3) / 2, rel=1e-12)


@pytest.mark.parametrize("curve", ["roc", "pr"])
def test_order_among_tiny_and_among_near_certain_scores_counts(curve: Any) -> None:
    near_zero = np.array([1e-9, 2e-9, 3e-9])
    assert figure(AUC, near_zero, [0, 1, 1], curve=curve) == 1
    assert figure(AUC, 1 - near_zero, [1, 1, 0], curve=curve) == 1
    assert figure(AUC, np.array([0.0, 0.5, 1.0]), [0, 1, 1], curve=curve) == 1


def test_a_constant_score_has_the_area_one_half() -> None:
    for score in (0.0, 0.3, 0.5, 1.0):
        assert figure(AUC, np.full(5, score), [0, 1, 0, 1, 1]) == 0.5
        assert figure(AUC, np.full(5, score), [0, 1, 0, 1, 1], curve="pr") == 0.6


def test_one_class_alone_has_no_area() -> None:
    scores = np.array([0.2, 0.7])
    for targets, roc, precision in (([0, 0], 0, 0), ([1, 1], 0, 1)):
        assert figure(AUC, scores, targets) == roc
        assert figure(AUC, scores, targets, curve="pr") == precision


def test_classes_that_do_not_occur_are_left_out_of_the_mean() -> None:
    scores = np.array([[0.5, 0.3, 0.2], [0.4, 0.4, 0.2], [0.1, 0.6, 0.3]])
    assert figure(AUC, scores, [0, 0, 1]) == 1


def test_nan_is_the_wrong_answer() -> None:
    assert figure(AUC, [np.nan, 0.1, 0.9], [1, 0, 1]) == 0.5
    assert figure(AUC, [np.nan, 0.1, 0.9], [0, 0, 1]) == 0.5


@pytest.mark.parametrize("targets", [[0, 1, -1, 1], [[0], [1], [-1], [1]]])
def test_ignored_targets_do_not_count(targets: Any) -> None:
    scores = np.array([0.3, 0.2, 0.9, 0.6])
    expected = figure(AUC, scores[[0, 1, 3]], [0, 1, 1])
    assert figure(AUC, scores[:, None], targets, ignore_label=-1) == expected


def test_a_missing_label_leaves_the_others_of_its_sample() -> None:
    scores = np.array([[0.9, 0.2], [0.4, 0.6], [0.1, 0.7]])
    targets = np.array([[1, 0], [0, 1], [-1, 0]])
    columns = [figure(AUC, scores[:2, 0], targets[:2, 0]), figure(AUC, scores[:, 1], targets[:, 1])]
    assert figure(AUC, scores, targets, ignore_label=-1) == sum(columns) / 2


def test_positions_count_like_samples() -> None:
    rng = np.random.default_rng(0)
    scores, labels = rng.dirichlet(np.ones(3), (4, 5)), rng.integers(0, 3, (4, 5))
    assert figure(AUC, scores, labels) == figure(AUC, scores.reshape(20, 3), labels.reshape(20))


def test_the_state_does_not_grow_with_the_samples() -> None:
    metric = AUC(AUC.Config())
    sizes = [array.nbytes for array in metric.start((3,)).values()]
    assert sum(sizes) == 3 * 16 * 65537


def test_scores_that_are_not_probabilities_are_refused() -> None:
    with pytest.raises(
        DataError, match=r"needs predictions that are probabilities, but one is 1\.5"
    ):
        figure(AUC, [0.5, 1.5], [0, 1])


def test_targets_that_are_not_labels_are_refused() -> None:
    with pytest.raises(DataError, match="target 1 of the batch: 2 is not a number from 0 to 1"):
        figure(AUC, [0.5, 0.6], [0, 2])
    with pytest.raises(ShapeError, match="save 0 or 1 for each prediction"):
        figure(AUC, [0.5, 0.6], [[0, 1], [1, 0]])
    with pytest.raises(ShapeError, match='there are 3; choose "macro"'):
        figure(AUC, np.full((2, 3), 0.3), [0, 1], average="binary")
