"""Metrics of numbers against scikit-learn, on random configurations."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.builtin.metrics.explained_variance import ExplainedVariance
from tinynet.builtin.metrics.mape import MAPE
from tinynet.builtin.metrics.regression import MAE, R2
from tinynet.builtin.metrics.squared_error import MSE, RMSE

from .oracle import figure

sklearn = pytest.importorskip("sklearn.metrics")
pytestmark = pytest.mark.oracle

CASES = {
    "explained_variance": (ExplainedVariance, sklearn.explained_variance_score),
    "mae": (MAE, sklearn.mean_absolute_error),
    "mape": (MAPE, lambda t, p: 100 * sklearn.mean_absolute_percentage_error(t, p)),
    "mse": (MSE, sklearn.mean_squared_error),
    "r2": (R2, sklearn.r2_score),
    "rmse": (RMSE, lambda t, p: sklearn.mean_squared_error(t, p) ** 0.5),
}


@pytest.mark.parametrize(("kind", "reference"), CASES.values(), ids=CASES.keys())
@settings(max_examples=120, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    samples=st.integers(2, 40),
    outputs=st.integers(1, 3),
    parts=st.integers(1, 6),
    offset=st.sampled_from([0.0, 3.0, 1e4]),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_the_figure_is_that_of_scikit_learn(
    kind: Any, reference: Any, seed: int, samples: int, outputs: int, parts: int, offset: float,
    dtype: Any,
) -> None:  # fmt: skip
    rng = np.random.default_rng(seed)
    targets = rng.normal(size=(samples, outputs)) + offset
    predictions = (targets + rng.normal(size=(samples, outputs))).astype(dtype)
    expected = reference(targets, predictions.astype(np.float64))
    actual = figure(kind, predictions, targets, parts=parts)
    assert actual == pytest.approx(expected, rel=1e-9, abs=1e-9)
