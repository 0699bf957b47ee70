import numpy as np
import pytest
from pydantic import ValidationError

from tinynet.builtin.layers.dropout import Dropout
from tinynet.layer import Build
from tinynet.layer.context import Context, Needs


def build(rate, in_shape=(1000,), dtype="float64"):
    return Dropout(Dropout.Config(rate=rate), (in_shape,), Build(dtype=np.dtype(dtype)))


def dropped(rate, x, **key):
    return build(rate, x.shape[1:], x.dtype).forward(Context(training=True, **key), x)[0]


def test_evaluation_is_the_identity_and_draws_nothing():
    x, ctx = np.ones((2, 1000)), Context(training=False)
    y, cache = build(0.5).forward(ctx, x)
    np.testing.assert_array_equal(y, x)
    assert ctx._rng is None
    ((dx,), _) = build(0.5).backward(ctx, cache, 3 * x)
    np.testing.assert_array_equal(dx, 3 * x)


def test_rate_zero_is_the_identity_and_draws_nothing():
    x, ctx = np.ones((2, 1000)), Context(training=True)
    layer = build(0.0)
    y, cache = layer.forward(ctx, x)
    np.testing.assert_array_equal(y, x)
    assert ctx._rng is None
    np.testing.assert_array_equal(layer.backward(ctx, cache, x)[0][0], x)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_training_drops_the_rate_and_scales_the_rest(rate):
    y = dropped(rate, np.full((40, 1000), 2.0))
    np.testing.assert_allclose(y[y != 0], 2 / (1 - rate))
    # 40,000 draws: five standard deviations.
    assert abs((y == 0).mean() - rate) < 5 * np.sqrt(rate * (1 - rate) / 40_000)


def test_gradient_goes_where_the_values_went():
    layer, ctx = build(0.3), Context(training=True)
    x = np.full((3, 1000), 2.0)
    y, cache = layer.forward(ctx, x)
    ((dx,), grads) = layer.backward(ctx, cache, x)
    np.testing.assert_array_equal(dx, y)
    assert grads == {}


def test_the_pass_alone_decides_what_is_dropped():
    """A resumed run drops what the uninterrupted one would have dropped."""
    x = np.ones((4, 1000))
    first = dropped(0.5, x, seed=1, step=7, node="a")
    np.testing.assert_array_equal(first, dropped(0.5, x, seed=1, step=7, node="a"))
    for other in ({"step": 8}, {"node": "b"}, {"seed": 2}, {"first_sample": 4}):
        assert (first != dropped(0.5, x, **{"seed": 1, "step": 7, "node": "a"} | other)).any()


def test_float32_and_float64_networks_drop_the_same():
    x = np.ones((4, 1000))
    single = dropped(0.4, x.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_array_equal(single != 0, dropped(0.4, x) != 0)


def test_nothing_is_kept_or_computed_that_nobody_wants():
    layer, x = build(0.5), np.ones((2, 1000))
    assert layer.forward(Context(training=True, keep=False), x)[1] is None
    unwanted = Context(training=True, needs=Needs((False,), frozenset()))
    _, cache = layer.forward(unwanted, x)
    assert layer.backward(unwanted, cache, x) == ((None,), {})


@pytest.mark.parametrize("rate", [-0.1, 1.0, 1.5])
def test_impossible_rates_are_refused(rate):
    with pytest.raises(ValidationError):
        Dropout.Config(rate=rate)
