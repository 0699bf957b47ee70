"""Metrics of classification against their definitions, written out sample by sample."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tinynet.builtin.metrics.accuracy import Accuracy, TopKAccuracy
from tinynet.builtin.metrics.balanced_accuracy import BalancedAccuracy
from tinynet.builtin.metrics.confusion import F1, Precision, Recall
from tinynet.builtin.metrics.overlap import MeanIoU
from tinynet.errors import DataError, ShapeError

from .figures import figure


def ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator else 0.0


def slow_figure(kind: Any, predicted: list[int], true: list[int], average: str) -> float:
    """The textbook's definition, by one count after another."""
    pairs = list(zip(predicted, true, strict=True))
    counts = {}
    for cls in sorted({*predicted, *true}):
        hits = sum(1 for p, t in pairs if p == t == cls)
        false_alarms = sum(1 for p, t in pairs if p == cls != t)
        misses = sum(1 for p, t in pairs if t == cls != p)
        counts[cls] = (hits, false_alarms, misses)

    def of(hits: int, false_alarms: int, misses: int) -> float:
        precision, recall = ratio(hits, hits + false_alarms), ratio(hits, hits + misses)
        harmonic = ratio(2 * precision * recall, precision + recall)
        return {Precision: precision, Recall: recall, F1: harmonic}[kind]

    if average == "binary":
        return of(*counts.get(1, (0, 0, 0)))
    if average == "micro":
        return of(*(sum(column) for column in zip(*counts.values(), strict=True)))
    scores = {cls: of(*count) for cls, count in counts.items()}
    if average == "macro":
        return sum(scores.values()) / len(scores)
    return sum(scores[t] for t in true) / len(true)


@pytest.mark.parametrize("kind", [Precision, Recall, F1])
@pytest.mark.parametrize("average", ["macro", "micro", "weighted"])
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=30))
def test_figures_of_several_classes(kind: Any, average: str, pairs: list[tuple[int, int]]) -> None:
    predicted, true = [p for p, _ in pairs], [t for _, t in pairs]
    value = figure(kind, np.eye(5)[predicted], true, average=average)
    assert value == pytest.approx(slow_figure(kind, predicted, true, average), rel=1e-12)


@pytest.mark.parametrize("kind", [Precision, Recall, F1])
@pytest.mark.parametrize("average", ["macro", "micro", "weighted", "binary"])
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=30))
def test_figures_of_one_probability(kind: Any, average: str, pairs: list[tuple[int, int]]) -> None:
    predicted, true = [p for p, _ in pairs], [t for _, t in pairs]
    probabilities = np.array([0.9 if p else 0.1 for p in predicted])
    expected = pytest.approx(slow_figure(kind, predicted, true, average), rel=1e-12)
    assert figure(kind, probabilities[:, None], true, average=average) == expected
    assert figure(kind, probabilities, true, average=average) == expected
    both = np.stack([1 - probabilities, probabilities], axis=1)
    assert figure(kind, both, true, average=average) == expected


def test_binary_average_of_many_classes_is_refused_with_the_remedy() -> None:
    metric = F1(F1.Config(average="binary"))
    metric.start((1,))
    metric.start(())
    metric.start((2,))
    with pytest.raises(ShapeError, match='choose "macro", "micro" or "weighted"'):
        metric.start((3,))


def test_accuracy_is_the_share_of_right_answers() -> None:
    predictions = [[0.1, 0.9], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]]
    assert figure(Accuracy, predictions, [1, 0, 0, 1]) == 0.5
    assert figure(Accuracy, predictions, [[0.0, 1.0], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]) == 0.5


@pytest.mark.parametrize("axis", [False, True])
def test_accuracy_of_one_probability_decides_above_one_half(axis: bool) -> None:
    predictions = np.array([0.2, 0.5, 0.51, 0.9])
    targets = np.array([0, 0, 1, 0])
    assert figure(Accuracy, predictions[:, None] if axis else predictions, targets) == 0.75
    assert figure(Accuracy, predictions[:, None], targets[:, None].astype(np.float32)) == 0.75


def test_accuracy_of_sequences_counts_positions() -> None:
    predictions = np.eye(3)[[[0, 1, 2], [2, 2, 2]]]
    assert figure(Accuracy, predictions, [[0, 1, 1], [2, 2, 0]]) == pytest.approx(4 / 6)


@given(st.integers(0, 10**6), st.integers(1, 5))
def test_top_k_is_a_look_at_the_sorted_classes(seed: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    # Few distinct values, so that there are ties.
    predictions, targets = rng.integers(0, 4, (12, 5)) / 4, rng.integers(0, 5, 12)
    right = 0
    for row, target in zip(predictions, targets, strict=True):
        best = sorted(range(5), key=lambda cls, row=row: (-row[cls], cls))
        right += target in best[:k]
    assert figure(TopKAccuracy, predictions, targets, k=k) == right / 12
    if k == 1:
        assert figure(Accuracy, predictions, targets) == right / 12


@pytest.mark.parametrize("kind", [Accuracy, BalancedAccuracy, Precision, Recall, F1, MeanIoU])
def test_nan_is_a_wrong_prediction(kind: Any) -> None:
    nan = np.nan
    assert figure(kind, np.full((3, 3), nan), [0, 1, 2]) == 0
    assert figure(kind, [[nan], [nan]], [0, 1]) == 0
    right = np.eye(3)[[0, 1, 2, 2]]
    assert figure(kind, right, [0, 1, 2, 2]) == 1
    right[3] = [0.1, nan, 0.9]
    assert 0 < figure(kind, right, [0, 1, 2, 2]) < 1


def test_top_k_never_counts_nan_as_right() -> None:
    assert figure(TopKAccuracy, np.full((2, 3), np.nan), [0, 2], k=2) == 0


@pytest.mark.parametrize("out_shape", [(), (1,), (4,)])
def test_top_k_of_too_few_classes_is_refused(out_shape: Any) -> None:
    with pytest.raises(ShapeError, match="at least 5 classes"):
        TopKAccuracy(TopKAccuracy.Config()).start(out_shape)


def test_the_largest_k_that_is_suggested_is_accepted() -> None:
    with pytest.raises(ShapeError, match=r'at least 11 classes.*: set "k" to at most 10'):
        TopKAccuracy(TopKAccuracy.Config(k=11)).start((10,))
    TopKAccuracy(TopKAccuracy.Config(k=10)).start((10,))


@pytest.mark.parametrize("kind", [Accuracy, Precision, Recall, F1])
def test_several_labels_at_once_are_an_error_and_no_wrong_number(kind: Any) -> None:
    with pytest.raises(
        DataError, match=r"target 1 of the batch: the probabilities of the classes sum to 2, not"
    ):
        figure(kind, np.full((2, 3), 0.9), [[0, 1, 0], [1, 1, 0]])


@pytest.mark.parametrize(
    ("predictions", "targets"), [(np.eye(3), [0, 1, 3]), (np.eye(3), [0, -1, 1])]
)
def test_a_label_out_of_range_is_named(predictions: Any, targets: Any) -> None:
    with pytest.raises(DataError, match="is not an integer label from 0 to 2"):
        figure(Recall, predictions, targets)


def test_targets_of_another_shape_are_refused() -> None:
    with pytest.raises(ShapeError, match="do not fit predictions"):
        figure(Accuracy, np.eye(3), np.eye(3)[:, :2])


def test_unknown_averages_and_empty_guesses_are_refused() -> None:
    with pytest.raises(ValidationError):
        F1.Config(average="median")
    with pytest.raises(ValidationError):
        TopKAccuracy.Config(k=0)


def test_signs_of_hinge_are_no_classes() -> None:
    """They may as well mark what is missing, so they are not counted as class 0."""
    with pytest.raises(DataError, match=r"write 0 for -1, as hinge and squared_hinge accept it"):
        figure(Accuracy, [[0.9], [0.2]], [1, -1])
    assert figure(Accuracy, [[0.9], [0.2]], [1, -1], ignore_label=-1) == 1
