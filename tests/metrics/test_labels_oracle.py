"""Metrics of labels and probabilities against scikit-learn, on random configurations."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.builtin.metrics import binary_counts, multi_label
from tinynet.builtin.metrics.calibration_error import CalibrationError
from tinynet.builtin.metrics.log_loss import LogLoss

from .oracle import figure

sklearn = pytest.importorskip("sklearn.metrics")
calibration = pytest.importorskip("sklearn.calibration")
pytestmark = pytest.mark.oracle

many = settings(max_examples=120, deadline=None)
seeds, parts = st.integers(0, 2**32 - 1), st.integers(1, 5)
thresholds = st.sampled_from([0.25, 0.5, 0.9])
RATIOS = {
    multi_label.MultiLabelPrecision: sklearn.precision_score,
    multi_label.MultiLabelRecall: sklearn.recall_score,
    multi_label.MultiLabelF1: sklearn.f1_score,
}


@pytest.mark.parametrize("kind", RATIOS)
@pytest.mark.parametrize("average", ["macro", "micro", "weighted", "samples"])
@many
@given(seed=seeds, samples=st.integers(1, 30), labels=st.integers(2, 4), parts=parts, t=thresholds)
def test_ratios_of_several_labels(
    kind: Any, average: str, seed: int, samples: int, labels: int, parts: int, t: float
) -> None:
    rng = np.random.default_rng(seed)
    scores, true = rng.random((samples, labels)), rng.integers(0, 2, (samples, labels))
    options = {"average": average, "threshold": t}
    actual = figure(kind, scores, true, parts=parts, **options)
    # scikit-learn counts what does not occur as 0; here it is left out.
    predicted = (scores > t).astype(int)
    occurs = predicted | true
    columns, rows = occurs.any(axis=0), occurs.any(axis=1)
    if not rows.any():
        assert actual == 0
        return
    if average == "samples":
        predicted, true = predicted[rows], true[rows]
    expected = RATIOS[kind](
        true, predicted, average=average, labels=np.flatnonzero(columns), zero_division=0
    )
    assert actual == pytest.approx(expected, rel=1e-12)


@many
@given(seed=seeds, samples=st.integers(1, 30), parts=parts, threshold=thresholds)
def test_counts_of_two_answers(seed: int, samples: int, parts: int, threshold: float) -> None:
    rng = np.random.default_rng(seed)
    scores, true = rng.random(samples), rng.integers(0, 2, samples)
    predicted = scores > threshold
    kinds = [
        binary_counts.TrueNegatives,
        binary_counts.FalsePositives,
        binary_counts.FalseNegatives,
        binary_counts.TruePositives,
    ]
    counts = [figure(kind, scores, true, parts=parts, threshold=threshold) for kind in kinds]
    assert counts == sklearn.confusion_matrix(true, predicted, labels=[0, 1]).ravel().tolist()
    accuracy = figure(binary_counts.BinaryAccuracy, scores, true, threshold=threshold)
    assert accuracy == pytest.approx(sklearn.accuracy_score(true, predicted), rel=1e-12)


@many
@given(seed=seeds, samples=st.integers(1, 30), classes=st.integers(2, 5), parts=parts)
def test_log_loss(seed: int, samples: int, classes: int, parts: int) -> None:
    rng = np.random.default_rng(seed)
    rows, labels = rng.dirichlet(np.ones(classes), samples), rng.integers(0, classes, samples)
    expected = sklearn.log_loss(labels, rows, labels=range(classes))
    assert figure(LogLoss, rows, labels, parts=parts) == pytest.approx(expected, rel=1e-9)
    if classes == 2:
        assert figure(LogLoss, rows[:, 1], labels) == pytest.approx(expected, rel=1e-9)


@many
@given(seed=seeds, samples=st.integers(1, 60), bins=st.integers(1, 20), parts=parts)
def test_calibration_error(seed: int, samples: int, bins: int, parts: int) -> None:
    rng = np.random.default_rng(seed)
    rows, labels = rng.dirichlet(np.ones(3), samples), rng.integers(0, 3, samples)
    confidence, right = rows.max(axis=1), rows.argmax(axis=1) == labels
    accuracies, means = calibration.calibration_curve(right, confidence, n_bins=bins)
    sizes = np.histogram(confidence, np.linspace(0, 1, bins + 1))[0]
    expected = np.abs(accuracies - means) @ sizes[sizes > 0] / samples
    actual = figure(CalibrationError, rows, labels, parts=parts, bins=bins)
    assert actual == pytest.approx(expected, rel=1e-9, abs=1e-12)
