"""Balanced accuracy, correlation, kappa and overlap: definitions and limits."""

from typing import Any

import numpy as np
import pytest

from tinynet.builtin.metrics.accuracy import Accuracy
from tinynet.builtin.metrics.agreement import CohenKappa, Matthews
from tinynet.builtin.metrics.balanced_accuracy import BalancedAccuracy
from tinynet.builtin.metrics.confusion import F1, Recall
from tinynet.builtin.metrics.overlap import Dice, MeanIoU
from tinynet.errors import ShapeError

from .oracle import figure

KINDS = [BalancedAccuracy, CohenKappa, Dice, Matthews, MeanIoU]

every_kind = pytest.mark.parametrize("kind", KINDS)


def test_a_guess_of_the_common_class_is_worth_nothing() -> None:
    predictions, targets = np.eye(2)[[0] * 10], [0] * 9 + [1]
    assert figure(Accuracy, predictions, targets) == 0.9
    assert figure(BalancedAccuracy, predictions, targets) == 0.5
    assert figure(Matthews, predictions, targets) == 0
    assert figure(CohenKappa, predictions, targets) == 0


def test_a_class_that_is_never_true_has_no_recall_to_balance() -> None:
    predictions, targets = np.eye(3)[[0, 1, 2]], [0, 1, 1]
    assert figure(BalancedAccuracy, predictions, targets) == 0.75
    assert figure(Recall, predictions, targets) == 0.5


def test_near_grades_disagree_less_with_weights() -> None:
    near, far = np.eye(4)[[0, 1, 2, 2]], np.eye(4)[[0, 1, 2, 0]]
    targets = [0, 1, 2, 3]
    for weights in ("linear", "quadratic"):
        kappa = figure(CohenKappa, near, targets, weights=weights)
        assert kappa > figure(CohenKappa, far, targets, weights=weights)
    assert figure(CohenKappa, near, targets) == figure(CohenKappa, near, targets, weights="none")


def test_overlap_of_two_regions() -> None:
    # Region 1: two positions predicted, three true, one in both.
    predictions = np.array([[0.9, 0.9, 0.1, 0.1, 0.1]])[..., None]
    targets = np.array([[1, 0, 1, 1, 0]])
    assert figure(MeanIoU, predictions, targets, average="binary") == 1 / 4
    assert figure(Dice, predictions, targets, average="binary") == 2 / 5
    assert figure(MeanIoU, predictions, targets) == (1 / 4 + 1 / 4) / 2
    assert figure(Dice, predictions, targets) == figure(F1, predictions, targets)


def test_large_counts_do_not_overflow() -> None:
    for kind in (Matthews, CohenKappa):
        metric: Any = kind(kind.Config())
        state = metric.start((2,))
        state["hits"][:] = state["predicted"][:] = state["true"][:] = [2**40, 2**41]
        assert metric.result(state) == pytest.approx(1, rel=1e-12)


@every_kind
def test_right_answers_have_the_figure_one(kind: Any) -> None:
    labels = np.array([0, 1, 2, 1])
    assert figure(kind, np.eye(3)[labels], labels, parts=3) == pytest.approx(1, rel=1e-12)


@every_kind
def test_ignored_targets_do_not_count(kind: Any) -> None:
    predictions, targets = np.eye(3)[[0, 1, 2, 0, 1]], np.array([0, 1, 2, 1, -1])
    expected = figure(kind, predictions[:4], targets[:4])
    assert figure(kind, predictions, targets, ignore_label=-1) == expected
    assert figure(kind, predictions, np.full(5, -1), ignore_label=-1) == 0


@pytest.mark.parametrize("kind", [CohenKappa, Matthews])
def test_one_class_alone_has_the_figure_zero(kind: Any) -> None:
    assert figure(kind, np.eye(3)[[1, 1, 1]], [1, 1, 1]) == 0


@pytest.mark.parametrize("kind", [Dice, MeanIoU])
def test_class_one_of_three_classes_is_refused(kind: Any) -> None:
    with pytest.raises(ShapeError, match='choose "macro", "micro" or "weighted"'):
        figure(kind, np.eye(3), [0, 1, 2], average="binary")
