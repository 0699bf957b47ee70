"""Metrics of labels that apply or not, and of probabilities: definitions and limits."""

import math
from typing import Any

import numpy as np
import pytest

from tinynet.builtin.metrics.accuracy import Accuracy
from tinynet.builtin.metrics.binary_counts import (
    BinaryAccuracy,
    FalseNegatives,
    FalsePositives,
    TrueNegatives,
    TruePositives,
)
from tinynet.builtin.metrics.calibration_error import CalibrationError
from tinynet.builtin.metrics.log_loss import LogLoss
from tinynet.builtin.metrics.multi_label import (
    MultiLabelF1,
    MultiLabelPrecision,
    MultiLabelRecall,
)
from tinynet.builtin.metrics.perplexity import Perplexity
from tinynet.errors import ShapeError

from .oracle import figure

SCORES = np.array([[0.9, 0.2, 0.7], [0.4, 0.6, 0.1]])
TARGETS = np.array([[1, 0, 0], [1, 1, 0]])

COUNTS = [TruePositives, TrueNegatives, FalsePositives, FalseNegatives]
LABELS = [BinaryAccuracy, *COUNTS, MultiLabelF1, MultiLabelPrecision, MultiLabelRecall]
PROBABILITIES = [CalibrationError, LogLoss]


def test_every_element_is_an_answer() -> None:
    assert figure(BinaryAccuracy, SCORES, TARGETS) == 4 / 6
    assert [figure(kind, SCORES, TARGETS) for kind in COUNTS] == [2, 2, 1, 1]
    assert figure(BinaryAccuracy, SCORES, TARGETS, threshold=0.3) == 5 / 6


def test_precision_and_recall_of_each_label_and_of_each_sample() -> None:
    assert figure(MultiLabelPrecision, SCORES, TARGETS) == (1 + 1 + 0) / 3
    assert figure(MultiLabelRecall, SCORES, TARGETS) == (1 / 2 + 1 + 0) / 3
    assert figure(MultiLabelRecall, SCORES, TARGETS, average="samples") == (1 + 1 / 2) / 2
    assert figure(MultiLabelF1, SCORES, TARGETS, average="micro") == 4 / 6


def test_one_probability_and_two_classes_give_the_same_figure() -> None:
    one, labels = np.array([0.9, 0.2, 0.7, 0.4]), np.array([1, 0, 0, 1])
    two = np.stack([1 - one, one], axis=1)
    for kind in [*LABELS, *PROBABILITIES]:
        expected = figure(kind, one[:, None], labels)
        assert figure(kind, one, labels) == expected
        assert figure(kind, two, labels) == pytest.approx(expected, rel=1e-12)
    assert figure(BinaryAccuracy, one, labels) == figure(Accuracy, one, labels)


@pytest.mark.parametrize("kind", LABELS)
def test_a_missing_label_leaves_the_others_of_its_sample(kind: Any) -> None:
    missing = np.array([[1, 0, -1], [1, 1, 0]])
    predicted_right = np.array([[0.9, 0.2, 0.0], [0.4, 0.6, 0.1]])
    expected = figure(kind, predicted_right, TARGETS)
    actual = figure(kind, SCORES, missing, ignore_label=-1)
    if kind is BinaryAccuracy:
        assert actual == 4 / 5
    else:
        assert actual == expected - (kind is TrueNegatives)


@pytest.mark.parametrize("kind", LABELS)
def test_one_class_of_several_is_refused(kind: Any) -> None:
    with pytest.raises(ShapeError, match='for one class of several use "accuracy" or "f1"'):
        figure(kind, SCORES, [0, 1])


def test_the_log_loss_is_the_logarithm_of_the_perplexity() -> None:
    rows, labels = np.array([[0.5, 0.3, 0.2], [0.0, 0.6, 0.4], [1.0, 0.0, 0.0]]), [2, 0, 1]
    loss = figure(LogLoss, rows, labels, ignore_label=1)
    assert math.exp(loss) == pytest.approx(figure(Perplexity, rows, labels, ignore_label=1))
    assert math.isfinite(figure(LogLoss, [0.0, 1.0], [1, 0]))


def test_confidence_that_is_too_high_is_an_error_of_calibration() -> None:
    # Two groups: 0.6 confident and always right; 0.9 confident and right once of two.
    scores, labels = np.array([0.6, 0.4, 0.9, 0.9]), np.array([1, 0, 1, 0])
    assert figure(CalibrationError, scores, labels) == pytest.approx((2 * 0.4 + 2 * 0.4) / 4)
    # In one group the two errors cancel.
    assert figure(CalibrationError, scores, labels, bins=1) == pytest.approx(0, abs=1e-12)


def test_certain_predictions_are_in_the_last_group() -> None:
    assert figure(CalibrationError, np.eye(3), [0, 1, 2], parts=2) == 0
    assert figure(CalibrationError, np.eye(3), [1, 2, 0], parts=2) == 1


@pytest.mark.parametrize("kind", PROBABILITIES)
def test_ignored_targets_do_not_count(kind: Any) -> None:
    rows, labels = np.array([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4], [0.0, 1.0, 0.0]]), [0, 2, -1]
    expected = figure(kind, rows[:2], labels[:2])
    assert figure(kind, rows, labels, ignore_label=-1) == expected
    assert figure(kind, rows, [-1, -1, -1], ignore_label=-1) == 0


@pytest.mark.parametrize(
    "kind", [BinaryAccuracy, MultiLabelF1, MultiLabelPrecision, MultiLabelRecall]
)
def test_nan_is_the_wrong_answer_for_a_label(kind: Any) -> None:
    targets = [[1, 0], [0, 1]]
    assert figure(kind, np.full((2, 2), np.nan), targets) == 0
    assert figure(kind, targets, targets) == 1
    assert 0 < figure(kind, [[np.nan, np.nan], [0, 1]], targets) < 1


def test_nan_is_a_wrong_prediction_of_confidence_one() -> None:
    assert figure(CalibrationError, np.full((2, 3), np.nan), [0, 1]) == 1
