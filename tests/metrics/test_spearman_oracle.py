"""The rank correlation against SciPy, on random configurations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.builtin.metrics.spearman import Spearman

from .oracle import figure

scipy = pytest.importorskip("scipy.stats")
pytestmark = pytest.mark.oracle


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    samples=st.integers(2, 60),
    outputs=st.integers(1, 3),
    parts=st.integers(1, 5),
    values=st.sampled_from([3, 10, 10**6]),
)
def test_the_figure_is_that_of_scipy(
    seed: int, samples: int, outputs: int, parts: int, values: int
) -> None:
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, values, (samples, outputs))
    predictions = np.round(targets + rng.normal(size=targets.shape) * values / 3)
    expected = [
        scipy.spearmanr(p, t).statistic if np.ptp(p) and np.ptp(t) else 0.0
        for p, t in zip(predictions.T, targets.T, strict=True)
    ]
    actual = figure(Spearman, predictions, targets, parts=parts, max_samples=64)
    assert actual == pytest.approx(np.mean(expected), rel=1e-9, abs=1e-12)
