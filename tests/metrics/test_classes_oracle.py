"""Metrics of predicted classes against scikit-learn, on random configurations."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.builtin.metrics.agreement import CohenKappa, Matthews
from tinynet.builtin.metrics.balanced_accuracy import BalancedAccuracy
from tinynet.builtin.metrics.overlap import Dice, MeanIoU

from .oracle import figure

sklearn = pytest.importorskip("sklearn.metrics")
pytestmark = [
    pytest.mark.oracle,
    pytest.mark.filterwarnings("ignore::UserWarning:sklearn", "ignore::RuntimeWarning:sklearn"),
]

AVERAGES = ["macro", "micro", "weighted"]


def kappa(weights: str) -> Any:
    def reference(true: Any, predicted: Any) -> float:
        own = None if weights == "none" else weights
        return sklearn.cohen_kappa_score(true, predicted, labels=range(5), weights=own)

    return reference


def ratio(function: Any, average: str) -> Any:
    return lambda true, predicted: function(true, predicted, average=average, zero_division=0)


CASES = {
    "balanced_accuracy": (BalancedAccuracy, {}, sklearn.balanced_accuracy_score),
    "matthews": (Matthews, {}, sklearn.matthews_corrcoef),
    **{
        f"cohen_kappa {w}": (CohenKappa, {"weights": w}, kappa(w))
        for w in ("none", "linear", "quadratic")
    },
    **{
        f"mean_iou {a}": (MeanIoU, {"average": a}, ratio(sklearn.jaccard_score, a))
        for a in AVERAGES
    },
    **{f"dice {a}": (Dice, {"average": a}, ratio(sklearn.f1_score, a)) for a in AVERAGES},
}


@pytest.mark.parametrize(("kind", "options", "reference"), CASES.values(), ids=CASES.keys())
@settings(max_examples=100, deadline=None)
@given(
    pairs=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=40),
    parts=st.integers(1, 5),
)
def test_the_figure_is_that_of_scikit_learn(
    kind: Any, options: Any, reference: Any, pairs: list[tuple[int, int]], parts: int
) -> None:
    predicted, true = np.array(pairs).T
    expected = reference(true, predicted)
    actual = figure(kind, np.eye(5)[predicted], true, parts=parts, **options)
    # scikit-learn has no kappa of one class; here it is 0.
    assert actual == pytest.approx(0 if math.isnan(expected) else expected, rel=1e-12, abs=1e-12)
