import math

import numpy as np
import pytest

from tinynet.builtin.layers import _erf
from tinynet.builtin.layers.gelu import GELU
from tinynet.layer import Build
from tinynet.layer.context import Context


def erf(x):
    out = np.empty_like(x)
    _erf.erf(x, out)
    return out


def gelu(x, **options):
    layer = GELU(GELU.Config(**options), (x.shape[1:],), Build(dtype=x.dtype))
    return layer.forward(Context(), x)[0]


def test_erf_is_right_to_1e_15_everywhere():
    x = np.linspace(-7, 7, 100_001)
    expected = np.array([math.erf(v) for v in x])
    np.testing.assert_allclose(erf(x), expected, rtol=1e-15, atol=1e-16)


def test_erf_is_right_where_its_two_formulas_meet_and_where_it_saturates():
    edges = np.array([0.46875, _erf._ONE])
    x = np.concatenate([np.nextafter(edges, 0), edges, np.nextafter(edges, 9)])
    expected = np.array([math.erf(v) for v in x])
    np.testing.assert_allclose(erf(x), expected, rtol=1e-15)
    assert erf(np.array([_erf._ONE])) == 1


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
    x = np.random.default_rng(0).standard_normal((2, _erf._BLOCK + extra))
    np.testing.assert_array_equal(erf(x), np.stack([erf(x[0]), erf(x[1])]))


def test_gelu_is_exact_by_default():
    x = np.linspace(-9, 9, 2_001)[:, None]
    expected = [[v * 0.5 * (1 + math.erf(v / math.sqrt(2)))] for v in x[:, 0]]
    np.testing.assert_allclose(gelu(x), expected, rtol=0, atol=1e-15)


def test_tanh_approximation_is_the_published_formula():
    x = np.linspace(-9, 9, 2_001)[:, None]
    inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
    y = gelu(x, approximate="tanh")
    np.testing.assert_allclose(y, 0.5 * x * (1 + np.tanh(inner)), rtol=0, atol=1e-14)
    difference = np.abs(y - gelu(x)).max()
    assert 1e-4 < difference < 5e-4
