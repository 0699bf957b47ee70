import math

import numpy as np

from tinynet.builtin.layers.gelu import GELU
from tinynet.layer import Build
from tinynet.layer.context import Context


def gelu(x, **options):
    layer = GELU(GELU.Config(**options), (x.shape[1:],), Build(dtype=x.dtype))
    return layer.forward(Context(), x)[0]


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
