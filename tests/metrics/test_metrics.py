"""The promises of every built-in metric: an exact figure of the whole split."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.builtin.metrics.accuracy import Accuracy, TopKAccuracy
from tinynet.builtin.metrics.confusion import F1, Precision, Recall
from tinynet.builtin.metrics.perplexity import Perplexity
from tinynet.builtin.metrics.regression import MAE, R2

SAMPLES = 30

METRICS = {
    "accuracy": (Accuracy, {}),
    "top_k_accuracy": (TopKAccuracy, {"k": 2}),
    "precision": (Precision, {"average": "macro"}),
    "recall": (Recall, {"average": "weighted"}),
    "f1": (F1, {"average": "micro"}),
    "f1 without a label": (F1, {"ignore_label": 1}),
    "perplexity": (Perplexity, {"ignore_label": 3}),
    "mae": (MAE, {}),
    "r2": (R2, {}),
}

every_metric = pytest.mark.parametrize(("kind", "options"), METRICS.values(), ids=METRICS.keys())


def split(kind: Any, seed: int) -> tuple[Any, Any]:
    """Predictions and targets of a small split."""
    rng = np.random.default_rng(seed)
    if kind in (MAE, R2):
        targets = rng.normal(size=(SAMPLES, 2)) + 1e6
        return (targets + rng.normal(size=(SAMPLES, 2))).astype(np.float32), targets
    return rng.dirichlet(np.ones(4), SAMPLES), rng.integers(0, 4, SAMPLES)


@every_metric
@settings(deadline=None)
@given(st.data())
def test_any_partition_merged_in_any_tree_gives_the_figure_of_the_whole(
    kind: Any, options: Any, data: st.DataObject
) -> None:
    metric = kind(kind.Config(**options))
    predictions, targets = split(kind, data.draw(st.integers(0, 1000), label="seed"))
    whole = metric.start(predictions.shape[1:])
    metric.update(whole, predictions, targets)

    cuts = data.draw(st.lists(st.integers(0, SAMPLES), max_size=6).map(sorted), label="cuts")
    states = []
    for start, stop in zip([0, *cuts], [*cuts, SAMPLES], strict=True):
        state = metric.start(predictions.shape[1:])
        metric.update(state, predictions[start:stop], targets[start:stop])
        states.append(state)
    while len(states) > 1:
        other = states.pop(data.draw(st.integers(0, len(states) - 1), label="merged"))
        metric.merge(states[0], other)

    expected = metric.result(whole)
    assert isinstance(expected, float)
    if kind in (MAE, R2, Perplexity):
        # An offset of 1e6 leaves nine digits of a mean; sums of squares would leave four.
        assert metric.result(states[0]) == pytest.approx(expected, rel=1e-9, abs=1e-9)
    else:
        assert metric.result(states[0]) == expected


@every_metric
def test_a_metric_of_nothing_is_zero(kind: Any, options: Any) -> None:
    metric = kind(kind.Config(**options))
    state = metric.start((4,))
    assert metric.result(state) == 0
    metric.merge(state, metric.start((4,)))
    assert metric.result(state) == 0


@every_metric
def test_only_the_state_changes_and_it_changes_in_place(kind: Any, options: Any) -> None:
    metric = kind(kind.Config(**options))
    predictions, targets = split(kind, 0)
    predictions.setflags(write=False)
    targets.setflags(write=False)
    state = metric.start(predictions.shape[1:])
    places = {name: array.ctypes.data for name, array in state.items()}
    kinds = {name: (array.dtype, array.shape) for name, array in state.items()}
    metric.update(state, predictions, targets)
    other = {name: array.copy() for name, array in state.items()}
    for array in other.values():
        array.setflags(write=False)
    metric.merge(state, other)
    assert {name: array.ctypes.data for name, array in state.items()} == places
    assert {name: (array.dtype, array.shape) for name, array in state.items()} == kinds
    assert {array.dtype.str for array in state.values()} <= {"<i8", "<f8"}


@every_metric
def test_the_direction_of_an_improvement_is_known(kind: Any, options: Any) -> None:
    assert kind.greater_is_better is (kind not in (MAE, Perplexity))
