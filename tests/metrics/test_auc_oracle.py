"""Areas under curves against scikit-learn, on random configurations."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.builtin.metrics.auc import AUC

from .oracle import figure

sklearn = pytest.importorskip("sklearn.metrics")
pytestmark = pytest.mark.oracle

REFERENCES = {"roc": sklearn.roc_auc_score, "pr": sklearn.average_precision_score}

draws = given(
    seed=st.integers(0, 2**32 - 1),
    samples=st.integers(2, 60),
    labels=st.integers(1, 4),
    parts=st.integers(1, 6),
    sharpness=st.sampled_from([0.5, 3.0, 20.0]),
    dtype=st.sampled_from([np.float32, np.float64]),
)
by_curve = pytest.mark.parametrize("curve", ["roc", "pr"])


def split(seed: int, samples: int, labels: int, sharpness: float, dtype: Any) -> tuple[Any, Any]:
    """Draw targets of several labels, and scores that are near 0 and 1 if they are sharp."""
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, 2, (samples, labels))
    logits = sharpness * (targets - 0.5 + rng.normal(size=targets.shape))
    return (1 / (1 + np.exp(-logits))).astype(dtype), targets


def rounded(scores: Any, digits: int) -> Any:
    """Round the distance from 0 or 1 down to so many binary digits, and up to 2^-33."""
    scores = scores.astype(np.float64)
    mantissa, exponent = np.frexp(np.maximum(np.minimum(scores, 1 - scores), 2.0**-33))
    distance = np.ldexp(np.floor(np.ldexp(mantissa, digits)), exponent - digits)
    return np.where(scores > 0.5, 1 - distance, distance)


def mean_area(curve: str, scores: Any, targets: Any) -> float:
    """Return scikit-learn's mean over the labels that have a curve."""
    areas = [
        REFERENCES[curve](z, s)
        for z, s in zip(targets.T, scores.T, strict=True)
        if z.any() and (curve == "pr" or not z.all())
    ]
    return float(np.mean(areas)) if areas else 0.0


@by_curve
@settings(max_examples=120, deadline=None)
@draws
def test_the_area_is_that_of_scores_rounded_to_the_grid(
    curve: Any, seed: int, samples: int, labels: int, parts: int, sharpness: float, dtype: Any
) -> None:
    scores, targets = split(seed, samples, labels, sharpness, dtype)
    for bins, digits in ((65536, 11), (256, 3)):
        expected = mean_area(curve, rounded(scores, digits), targets)
        actual = figure(AUC, scores, targets, parts=parts, curve=curve, bins=bins)
        assert actual == pytest.approx(expected, rel=1e-12)


@by_curve
@settings(max_examples=120, deadline=None)
@draws
def test_the_area_of_scores_with_twelve_binary_digits_is_exact(
    curve: Any, seed: int, samples: int, labels: int, parts: int, sharpness: float, dtype: Any
) -> None:
    scores, targets = split(seed, samples, labels, sharpness, dtype)
    scores = np.round(scores * 4096) / 4096
    actual = figure(AUC, scores, targets, parts=parts, curve=curve)
    assert actual == pytest.approx(mean_area(curve, scores, targets), rel=1e-12)


@settings(max_examples=120, deadline=None)
@draws
def test_the_error_is_at_most_half_the_pairs_within_a_cell(
    seed: int, samples: int, labels: int, parts: int, sharpness: float, dtype: Any
) -> None:
    scores, targets = split(seed, samples, 1, sharpness, dtype)
    targets[:2, 0] = 0, 1
    digits = labels + 1
    cells = rounded(scores, digits)[:, 0]
    positive = targets[:, 0] == 1
    bound = (cells[positive][:, None] == cells[~positive]).mean() / 2
    actual = figure(AUC, scores, targets, parts=parts, bins=64 * 2 ** (digits - 1))
    assert abs(actual - sklearn.roc_auc_score(targets[:, 0], scores[:, 0])) <= bound + 1e-12


@by_curve
@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), classes=st.integers(2, 5), parts=st.integers(1, 4))
def test_each_class_against_the_rest(curve: Any, seed: int, classes: int, parts: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.dirichlet(np.ones(classes), 40).astype(np.float32)
    labels = np.concatenate([np.arange(classes), rng.integers(0, classes, 40 - classes)])
    each = np.eye(classes, dtype=int)[labels]
    expected = mean_area(curve, rounded(scores, 11), each)
    assert figure(AUC, scores, labels, parts=parts, curve=curve) == pytest.approx(expected)
    assert figure(AUC, scores, each, parts=parts, curve=curve) == pytest.approx(expected)
    if classes == 2:
        expected = mean_area(curve, rounded(scores[:, 1:], 11), labels[:, None])
        options = {"curve": curve, "average": "binary"}
        assert figure(AUC, scores, labels, parts=parts, **options) == pytest.approx(expected)
        assert figure(AUC, scores[:, 1], labels, curve=curve) == pytest.approx(expected)
