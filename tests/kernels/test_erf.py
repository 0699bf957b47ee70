import math

import numpy as np
import pytest

from tinynet.kernels import erf as erf_module


def erf(x):
    out = np.empty_like(x)
    erf_module.erf(x, out)
    return out


def test_erf_is_right_to_1e_15_everywhere():
    x = np.linspace(-7, 7, 100_001)
    expected = np.array([math.erf(v) for v in x])
    np.testing.assert_allclose(erf(x), expected, rtol=1e-15, atol=1e-16)


def test_erf_is_right_where_its_two_formulas_meet_and_where_it_saturates():
    edges = np.array([0.46875, erf_module._ONE])
    x = np.concatenate([np.nextafter(edges, 0), edges, np.nextafter(edges, 9)])
    expected = np.array([math.erf(v) for v in x])
    np.testing.assert_allclose(erf(x), expected, rtol=1e-15)
    assert erf(np.array([erf_module._ONE])) == 1


def test_erf_keeps_its_relative_precision_near_zero():
    x = np.logspace(-300, -1, 600)
    expected = np.array([math.erf(v) for v in x])
    np.testing.assert_allclose(erf(x), expected, rtol=1e-15)
    np.testing.assert_array_equal(erf(-x), -erf(x))


def test_erf_in_float32_is_right_to_its_last_bits():
    x = np.linspace(-5, 5, 20_001, dtype=np.float32)
    y = erf(x)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, [math.erf(v) for v in x], rtol=0, atol=3e-7)


def test_erf_of_special_values():
    y = erf(np.array([0.0, -0.0, np.inf, -np.inf, np.nan]))
    np.testing.assert_array_equal(y, [0, -0.0, 1, -1, np.nan])
    assert np.signbit(y[1])


@pytest.mark.parametrize("extra", [-1, 0, 1])
def test_erf_handles_the_last_block(extra):
    """Every element is computed, whether or not the array fills whole blocks."""
    x = np.random.default_rng(0).standard_normal((2, erf_module._BLOCK + extra))
    np.testing.assert_array_equal(erf(x), np.stack([erf(x[0]), erf(x[1])]))
