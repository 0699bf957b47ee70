import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tinynet.builtin.layers.softmax import Softmax
from tinynet.layer import Build, ShapeError
from tinynet.layer.context import Context, Needs


def build(in_shape, axis=-1, dtype="float64"):
    return Softmax(Softmax.Config(axis=axis), (in_shape,), Build(dtype=np.dtype(dtype)))


def softmax(x, axis=-1):
    return build(x.shape[1:], axis, x.dtype).forward(Context(), x)[0]


@settings(deadline=None)
@given(
    in_shape=st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple),
    batch=st.integers(0, 3),
    data=st.data(),
)
def test_output_is_a_distribution_along_the_axis(in_shape, batch, data):
    axis = data.draw(st.integers(-len(in_shape), -1))
    x = 5 * np.random.default_rng(0).standard_normal((batch, *in_shape))
    y = softmax(x, axis)
    assert y.shape == x.shape
    assert (y > 0).all()
    np.testing.assert_allclose(y.sum(axis=axis), 1, rtol=1e-14)
    e = np.exp(x)
    np.testing.assert_allclose(y, e / e.sum(axis=axis, keepdims=True), rtol=1e-13)


@pytest.mark.parametrize("axis", [-1, -2])
def test_gradient_is_the_derivative(axis):
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((2, 3, 4, 5))
    layer, ctx = build((4, 5), axis), Context(training=True)
    _, cache = layer.forward(ctx, x)
    ((dx,), _) = layer.backward(ctx, cache, dy)
    direction, step = rng.standard_normal(x.shape), 1e-6
    change = softmax(x + step * direction, axis) - softmax(x - step * direction, axis)
    expected = (change * dy).sum() / (2 * step)
    np.testing.assert_allclose((dx * direction).sum(), expected, rtol=1e-8)


def test_large_and_minus_infinite_logits_are_no_trouble():
    x = np.array([[1000.0, -1000.0, 0.0], [-np.inf, 3.0, 3.0]])
    np.testing.assert_allclose(softmax(x), [[1, 0, 0], [0, 0.5, 0.5]])


def test_nothing_is_kept_or_computed_that_nobody_wants():
    layer, x = build((3,)), np.ones((2, 3))
    assert layer.forward(Context(keep=False), x)[1] is None
    unwanted = Context(needs=Needs((False,), frozenset()))
    _, cache = layer.forward(unwanted, x)
    assert layer.backward(unwanted, cache, x) == ((None,), {})


def test_axes_that_are_not_there_are_refused():
    with pytest.raises(ShapeError, match=r"axis -3 needs a sample of at least 3 axes.*\(4, 5\)"):
        build((4, 5), axis=-3)
    with pytest.raises(ValidationError):
        Softmax.Config(axis=0)


def test_cost():
    assert build((4, 5), dtype="float32").cost() == (80, 80)
