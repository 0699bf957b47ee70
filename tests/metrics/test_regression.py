"""Metrics of numbers against their definitions."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinynet.builtin.metrics.regression import MAE, R2
from tinynet.errors import ShapeError

numbers = st.floats(-1e3, 1e3)


def figure(kind: Any, *batches: tuple[Any, Any]) -> float:
    metric = kind(kind.Config())
    state = metric.start(np.shape(batches[0][0])[1:])
    for predictions, targets in batches:
        metric.update(state, np.array(predictions), np.array(targets))
    result: float = metric.result(state)
    return result


@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=20))
def test_mae_is_the_mean_distance(pairs: list[tuple[float, float]]) -> None:
    predictions, targets = zip(*pairs, strict=True)
    expected = math.fsum(abs(p - t) for p, t in pairs) / len(pairs)
    assert figure(MAE, (predictions, targets)) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@given(st.lists(st.tuples(numbers, st.integers(-100, 100)), min_size=2, max_size=20))
def test_r2_is_the_share_of_variance_explained(pairs: list[tuple[float, int]]) -> None:
    predictions, targets = zip(*pairs, strict=True)
    mean = math.fsum(targets) / len(targets)
    variation = math.fsum((t - mean) ** 2 for t in targets)
    residual = math.fsum((t - p) ** 2 for p, t in pairs)
    expected = 1 - residual / variation if len(set(targets)) > 1 else 0.0
    assert figure(R2, (predictions, targets)) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("kind", [MAE, R2])
def test_one_unit_is_compared_with_plain_numbers_row_by_row(kind: Any) -> None:
    predictions, targets = np.array([1.0, 2.5, 3.0]), np.array([1, 2, 4])
    flat = figure(kind, (predictions, targets))
    assert figure(kind, (predictions[:, None], targets)) == flat
    with pytest.raises(ShapeError):
        figure(kind, (predictions, targets[:, None]))


def test_r2_of_several_outputs_is_the_mean_of_theirs() -> None:
    rng = np.random.default_rng(0)
    targets = rng.normal(size=(9, 3))
    predictions = targets + rng.normal(size=(9, 3))
    single = [figure(R2, (predictions[:, i], targets[:, i])) for i in range(3)]
    assert figure(R2, (predictions, targets)) == pytest.approx(sum(single) / 3, rel=1e-12)


def test_a_large_offset_costs_r2_no_digits() -> None:
    rng = np.random.default_rng(1)
    targets = rng.integers(0, 1000, 200) / 8.0
    predictions = targets + rng.integers(-8, 8, 200) / 8.0
    near = figure(R2, *zip(predictions.reshape(8, 25), targets.reshape(8, 25), strict=True))
    offset = 2.0**30
    far = figure(
        R2,
        *zip((predictions + offset).reshape(8, 25), (targets + offset).reshape(8, 25), strict=True),
    )
    assert far == pytest.approx(near, rel=1e-12)


@pytest.mark.parametrize("sizes", [(3,), (3, 7), (1, 1, 5)])
def test_a_target_that_never_varies_has_r2_zero_in_any_cut(sizes: Any) -> None:
    batches = [(np.full(size, 0.2), np.full(size, 0.1)) for size in sizes]
    assert figure(R2, *batches) == 0


def test_perfect_predictions_have_r2_one() -> None:
    assert figure(R2, ([1.0, 2.0, 4.0], [1.0, 2.0, 4.0])) == 1


def test_float32_predictions_are_compared_in_float64() -> None:
    predictions = np.array([0.1], np.float32)
    assert figure(MAE, (predictions, np.array([0.1]))) == abs(float(predictions[0]) - 0.1)
