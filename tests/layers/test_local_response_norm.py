import numpy as np
import pytest
from pydantic import ValidationError

from tinynet.builtin.layers.local_response_norm import LocalResponseNorm
from tinynet.layer import Build, Context, ShapeError
from tinynet.layer.context import Needs


def build(in_shape, dtype="float64", **options):
    config = LocalResponseNorm.Config(**options)
    return LocalResponseNorm(config, (in_shape,), Build(dtype=np.dtype(dtype)))


def test_it_is_its_formula():
    x = np.array([[1.0, 2.0, 3.0, 4.0]])
    y, _ = build((4,), size=3, alpha=0.3, beta=2.0, k=1.0).forward(Context(), x)
    sums = np.array([1 + 4, 1 + 4 + 9, 4 + 9 + 16, 9 + 16])
    np.testing.assert_allclose(y, x / (1 + 0.1 * sums) ** 2, rtol=1e-14)


def test_a_sum_of_an_even_size_begins_half_of_it_before():
    x = np.array([[1.0, 2.0, 3.0, 4.0]])
    y, _ = build((4,), size=2, alpha=2.0, beta=1.0, k=1.0).forward(Context(), x)
    np.testing.assert_allclose(y, x / (1 + np.array([1, 1 + 4, 4 + 9, 9 + 16])), rtol=1e-14)


def test_only_channels_that_exist_are_counted():
    """A loop over all of size would take days."""
    x = np.array([[1.0, 2.0, 3.0, 4.0]])
    layer = build((4,), size=10**12, alpha=2e12, beta=1.0)
    y, cache = layer.forward(Context(), x)
    np.testing.assert_allclose(y, x / (1 + 2 * 30), rtol=1e-14)
    (dx,), _ = layer.backward(Context(), cache, np.ones_like(x))
    np.testing.assert_allclose(dx, 1 / 61 - 4 * x * 10 / 61**2, rtol=1e-14)
    assert build((2**40,), size=2**50).cost()[0] == (2**41 - 1 + 4) * 2**40


def test_a_gradient_that_is_not_needed_is_omitted():
    layer, x = build((3,)), np.ones((1, 3))
    ctx = Context(training=True, needs=Needs((False,), frozenset()))
    assert layer.backward(ctx, layer.forward(ctx, x)[1], x) == ((None,), {})
    assert layer.forward(Context(keep=False), x)[1] is None


def test_options_and_shapes_that_mean_nothing_are_refused():
    for options in ({"size": 0}, {"k": 0.0}, {"alpha": -1.0}):
        with pytest.raises(ValidationError):
            LocalResponseNorm.Config(**options)
    with pytest.raises(ShapeError, match="local_response_norm needs a shape"):
        build(())


def test_cost():
    assert build((3, 8), "float32").cost() == (9 * 24, 96)
    assert build((3, 2), "float32").cost() == (7 * 6, 24)
