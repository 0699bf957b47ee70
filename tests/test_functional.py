"""Without these, probabilities of confident networks become NaN or lose their precision."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinynet.functional import log_softmax, sigmoid, softmax, softplus

FLOATS = st.floats(-700, 700)


@given(FLOATS)
def test_sigmoid_is_the_logistic_function_to_the_last_bits(x: float) -> None:
    expected = 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))
    assert float(sigmoid(np.array(x))) == pytest.approx(expected, rel=4e-15)


def test_sigmoid_of_infinities_is_zero_and_one() -> None:
    assert sigmoid(np.array([-np.inf, np.inf])).tolist() == [0.0, 1.0]


@given(st.lists(FLOATS, min_size=1, max_size=6))
def test_softmax_is_the_normalized_exponential(row: list[float]) -> None:
    top = max(row)
    total = math.fsum(math.exp(x - top) for x in row)
    expected = [math.exp(x - top) / total for x in row]
    np.testing.assert_allclose(softmax(np.array(row)), expected, rtol=1e-14)


@given(st.lists(FLOATS, min_size=1, max_size=6))
def test_log_softmax_is_finite_where_the_softmax_is_0(row: list[float]) -> None:
    top = max(row)
    total = math.fsum(math.exp(x - top) for x in row)
    expected = [x - top - math.log(total) for x in row]
    np.testing.assert_allclose(log_softmax(np.array(row)), expected, rtol=1e-14, atol=1e-15)


@given(FLOATS)
def test_softplus_is_its_formula_to_the_last_bits(x: float) -> None:
    expected = max(x, 0.0) + math.log1p(math.exp(-abs(x)))
    assert float(softplus(np.array(x))) == pytest.approx(expected, rel=4e-15)


def test_softplus_of_very_large_numbers_is_finite() -> None:
    x = np.array([-np.inf, -1e300, 1e4, 1e300, np.inf])
    assert softplus(x).tolist() == [0.0, 0.0, 1e4, 1e300, np.inf]


def test_softmax_follows_the_axis() -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    for axis in range(3):
        np.testing.assert_allclose(softmax(x, axis).sum(axis=axis), 1.0, rtol=1e-14)


@pytest.mark.parametrize(
    ("function", "largest"), [(sigmoid, 1), (softmax, 1), (lambda x: -log_softmax(x), 2e30)]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_and_input_are_kept_however_large(function: Any, largest: float, dtype: Any) -> None:
    x = np.array([[-1e30, 0.0, 1e30], [-90.0, 1.0, 90.0]], dtype)
    x.setflags(write=False)
    y = function(x)
    assert y.dtype == dtype
    assert y.shape == x.shape
    assert np.isfinite(y).all()
    assert ((y >= 0) & (y <= largest)).all()


@pytest.mark.parametrize("function", [sigmoid, softmax, softplus])
def test_the_result_goes_where_it_is_wanted(function: Any) -> None:
    x = np.random.default_rng(1).normal(size=(3, 4))
    expected, out = function(x), np.empty((3, 4))
    assert function(x, out=out) is out
    np.testing.assert_array_equal(out, expected)
    assert function(x, out=x) is x
    np.testing.assert_array_equal(x, expected)
