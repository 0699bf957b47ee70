"""The label that classification metrics do not count, such as that of padding."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinynet.builtin.metrics.accuracy import Accuracy, TopKAccuracy
from tinynet.builtin.metrics.confusion import F1, Precision, Recall
from tinynet.builtin.metrics.perplexity import Perplexity
from tinynet.errors import DataError, ShapeError

from .figures import figure

METRICS = [
    (Accuracy, {}),
    (TopKAccuracy, {"k": 2}),
    (Precision, {}),
    (Recall, {"average": "weighted"}),
    (F1, {"average": "micro"}),
    (Perplexity, {}),
]

every_metric = pytest.mark.parametrize(("kind", "options"), METRICS)


@every_metric
@pytest.mark.parametrize("label", [-100, -1, 0, 2, 7])
@given(seed=st.integers(0, 10**6))
def test_the_figure_is_that_of_the_other_positions(
    kind: Any, options: Any, label: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    predictions = rng.dirichlet(np.ones(4), (3, 5))
    targets = rng.integers(0, 4, (3, 5))
    targets[rng.random((3, 5)) < 0.3] = label
    counted = targets != label
    expected = figure(kind, predictions[counted], targets[counted], **options)
    actual = figure(kind, predictions, targets, ignore_label=label, **options)
    assert actual == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("kind", "options"), METRICS[:1] + METRICS[2:5])
def test_one_probability_has_ignored_targets_too(kind: Any, options: Any) -> None:
    predictions, targets = [[0.2], [0.9], [0.6], [0.1]], [0, -1, 1, 1]
    expected = figure(kind, [[0.2], [0.6], [0.1]], [0, 1, 1], **options)
    assert figure(kind, predictions, targets, ignore_label=-1, **options) == expected
    column = np.array(targets, np.float32)[:, None]
    assert figure(kind, predictions, column, ignore_label=-1, **options) == expected


@every_metric
def test_nothing_but_ignored_targets_gives_zero(kind: Any, options: Any) -> None:
    predictions = np.full((2, 4), 0.25)
    assert figure(kind, predictions, [-1, -1], ignore_label=-1, **options) == 0


@every_metric
def test_other_impossible_labels_are_still_refused_with_their_row(kind: Any, options: Any) -> None:
    with pytest.raises(DataError, match="target 2 of the batch: 9 is not an integer label"):
        figure(kind, np.full((3, 4), 0.25), [-1, 1, 9], ignore_label=-1, **options)
    remedy = 'target 0 of the batch: -1 is not an integer label .* set "ignore_label" in the metric'
    with pytest.raises(DataError, match=remedy):
        figure(kind, np.full((3, 4), 0.25), [-1, 1, 0], **options)


@every_metric
def test_targets_that_are_probabilities_have_no_label_to_ignore(kind: Any, options: Any) -> None:
    with pytest.raises(ShapeError, match=r"needs targets that are labels, of shape \(3,\); it got"):
        figure(kind, np.full((2, 3, 4), 0.25), np.full((2, 3, 4), 0.25), ignore_label=0, **options)
