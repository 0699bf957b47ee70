import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tinynet.builtin.layers.softmax import LogSoftmax, Softmax, Sparsemax
from tinynet.layer import Build, ShapeError
from tinynet.layer.context import Context, Needs

every_layer = pytest.mark.parametrize("cls", [Softmax, LogSoftmax, Sparsemax])


def build(in_shape, axis=-1, dtype="float64", cls=Softmax):
    return cls(cls.Config(axis=axis), (in_shape,), Build(dtype=np.dtype(dtype)))


def softmax(x, axis=-1, cls=Softmax):
    return build(x.shape[1:], axis, x.dtype, cls).forward(Context(), x)[0]


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


@settings(deadline=None)
@given(
    in_shape=st.lists(st.integers(1, 6), min_size=1, max_size=3).map(tuple),
    scale=st.sampled_from([0.1, 1.0, 5.0]),
    data=st.data(),
)
def test_sparsemax_is_the_nearest_distribution(in_shape, scale, data):
    """The threshold is found by bisection: the published algorithm sorts."""
    axis = data.draw(st.integers(-len(in_shape), -1))
    x = scale * np.random.default_rng(0).standard_normal((2, *in_shape))
    low, high = (np.max(x, axis=axis, keepdims=True) - offset for offset in (1.0, 0.0))
    for _ in range(60):
        middle = (low + high) / 2
        above = np.maximum(x - middle, 0).sum(axis=axis, keepdims=True) > 1
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    y = softmax(x, axis, Sparsemax)
    np.testing.assert_allclose(y, np.maximum(x - low, 0), atol=1e-14)
    np.testing.assert_allclose(y.sum(axis=axis), 1, rtol=1e-13)


def test_sparsemax_by_hand():
    x = np.array([[0.5, 0.2, -1.0], [3.0, 1.0, 0.0], [2.0, 2.0, 2.0]])
    third = [1 / 3] * 3
    np.testing.assert_allclose(softmax(x, cls=Sparsemax), [[0.65, 0.35, 0], [1, 0, 0], third])


def test_log_softmax_is_the_logarithm_however_small():
    x = np.array([[1000.0, -1000.0, 0.0], [0.0, 1.0, 2.0]])
    y = softmax(x, cls=LogSoftmax)
    np.testing.assert_array_equal(y[0], [0, -2000, -1000])
    np.testing.assert_allclose(y[1], np.log(softmax(x)[1]), rtol=1e-14)


@every_layer
def test_nan_is_not_hidden(cls):
    y = softmax(np.array([[np.nan, 1.0], [2.0, 1.0]]), cls=cls)
    assert np.isnan(y[0]).all()
    assert not np.isnan(y[1]).any()


@every_layer
@pytest.mark.parametrize("axis", [-1, -2])
def test_gradient_is_the_derivative(axis, cls):
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((2, 3, 4, 5))
    layer, ctx = build((4, 5), axis, cls=cls), Context(training=True)
    _, cache = layer.forward(ctx, x)
    ((dx,), _) = layer.backward(ctx, cache, dy)
    direction, step = rng.standard_normal(x.shape), 1e-6
    after, before = (softmax(x + sign * step * direction, axis, cls) for sign in (1, -1))
    change = after - before
    expected = (change * dy).sum() / (2 * step)
    np.testing.assert_allclose((dx * direction).sum(), expected, rtol=1e-8)


def test_large_and_minus_infinite_logits_are_no_trouble():
    x = np.array([[1000.0, -1000.0, 0.0], [-np.inf, 3.0, 3.0]])
    np.testing.assert_allclose(softmax(x), [[1, 0, 0], [0, 0.5, 0.5]])


@every_layer
def test_nothing_is_kept_or_computed_that_nobody_wants(cls):
    layer, x = build((3,), cls=cls), np.ones((2, 3))
    assert layer.forward(Context(keep=False), x)[1] is None
    unwanted = Context(needs=Needs((False,), frozenset()))
    _, cache = layer.forward(unwanted, x)
    assert layer.backward(unwanted, cache, x) == ((None,), {})


def test_axes_that_are_not_there_are_refused():
    with pytest.raises(ShapeError, match=r"axis -3 needs a sample of at least 3 axes.*\(4, 5\)"):
        build((4, 5), axis=-3)
    with pytest.raises(ShapeError, match="sparsemax along axis -2 needs"):
        build((4,), axis=-2, cls=Sparsemax)
    with pytest.raises(ValidationError):
        Softmax.Config(axis=0)


def test_cost():
    assert build((4, 5), dtype="float32").cost() == (80, 80)
