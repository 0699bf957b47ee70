"""Hinge losses: exact values, both notations of the labels, and predictions."""

from typing import Any

import numpy as np
import pytest

from tinynet.builtin.losses.hinge import Hinge, SquaredHinge
from tinynet.layer.context import Context

SCORES = np.array([[0.5], [2.0], [-0.5], [1.0], [-3.0]])
LABELS = np.array([1, 1, 0, 1, 1])


@pytest.mark.parametrize(
    ("kind", "total", "gradient"),
    [
        (Hinge, 0.5 + 0.5 + 4, [-1, 0, 1, 0, -1]),
        (SquaredHinge, 0.25 + 0.25 + 16, [-1, 0, 1, 0, -8]),
    ],
)
@pytest.mark.parametrize("labels", [LABELS, 2 * LABELS - 1], ids=["0 and 1", "-1 and 1"])
def test_scores_beyond_the_margin_have_no_loss(
    kind: Any, labels: Any, total: float, gradient: Any
) -> None:
    loss, ctx = kind(kind.Config()), Context(training=True)
    value, cache = loss.forward(ctx, SCORES, labels)
    assert value == total
    np.testing.assert_array_equal(loss.backward(ctx, cache).ravel(), gradient)


def test_predictions_above_one_half_are_positive_scores() -> None:
    predicted = Hinge(Hinge.Config()).predict(SCORES)
    np.testing.assert_array_equal(predicted.ravel(), [0.75, 1, 0.25, 1, 0])


def test_labels_are_two_classes() -> None:
    loss = SquaredHinge(SquaredHinge.Config())
    assert loss.max_classes((1,)) == 2
    assert loss.bad_target((1,), np.array([1, 0, -1, 2])) == (
        3,
        "2 is not 1, or -1 or 0 for the other class",
    )
