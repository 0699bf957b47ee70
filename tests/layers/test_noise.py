"""Layers that add noise while training: all but `dropout` itself."""

import numpy as np
import pytest
from pydantic import ValidationError

from tinynet.builtin.layers.alpha_dropout import AlphaDropout
from tinynet.builtin.layers.gaussian_noise import GaussianDropout, GaussianNoise
from tinynet.builtin.layers.grouped_dropout import (
    SpatialDropout1D,
    SpatialDropout2D,
    SpatialDropout3D,
    StochasticDepth,
)
from tinynet.layer import Build, Context, ShapeError
from tinynet.layer.context import Needs

SHAPES = {
    AlphaDropout: (300,),
    GaussianDropout: (300,),
    GaussianNoise: (300,),
    SpatialDropout1D: (5, 60),
    SpatialDropout2D: (2, 3, 60),
    SpatialDropout3D: (2, 1, 2, 60),
    StochasticDepth: (3, 4),
}
every_layer = pytest.mark.parametrize("cls", SHAPES)
SPATIAL = [SpatialDropout1D, SpatialDropout2D, SpatialDropout3D]


def build(cls, amount=0.4, dtype="float64", in_shape=None):
    (name,) = cls.Config.model_fields
    config = cls.Config(**{name: amount})
    return cls(config, (in_shape or SHAPES[cls],), Build(dtype=np.dtype(dtype)))


def draw(cls, samples=50, dtype="float64"):
    x = np.random.default_rng(0).standard_normal((samples, *SHAPES[cls]))
    return x.astype(dtype)


def noisy(cls, x, amount=0.4, **key):
    return build(cls, amount, x.dtype).forward(Context(training=True, **key), x)[0]


@every_layer
def test_evaluation_and_an_amount_of_zero_are_the_identity(cls):
    x = draw(cls, 2)
    for layer, training in ((build(cls), False), (build(cls, 0.0), True)):
        ctx = Context(training=training)
        y, cache = layer.forward(ctx, x)
        np.testing.assert_array_equal(y, x)
        np.testing.assert_array_equal(layer.backward(ctx, cache, x)[0][0], x)
        assert ctx._rng is None


@every_layer
def test_the_pass_alone_decides_the_noise(cls):
    """A resumed run draws what the uninterrupted one would have drawn."""
    x, key = draw(cls), {"seed": 1, "step": 7, "node": "a"}
    first = noisy(cls, x, **key)
    np.testing.assert_array_equal(first, noisy(cls, x, **key))
    for other in ({"step": 8}, {"node": "b"}, {"seed": 2}, {"first_sample": 4}):
        assert (first != noisy(cls, x, **key | other)).any()


@every_layer
def test_float32_and_float64_networks_draw_the_same(cls):
    x = draw(cls)
    single = noisy(cls, x.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, noisy(cls, x), rtol=1e-4, atol=1e-5)


@every_layer
def test_the_gradient_follows_the_noise(cls):
    """Its slope is that of the output, which is linear in the input for the same draws."""
    layer, x = build(cls), draw(cls)
    ctx = Context(training=True)
    y, cache = layer.forward(ctx, x)
    dy = np.random.default_rng(1).standard_normal(y.shape)
    (dx,), grads = layer.backward(ctx, cache, dy)
    other, _ = layer.forward(Context(training=True), x + 1)
    np.testing.assert_allclose(dx, dy * (other - y), rtol=1e-9, atol=1e-12)
    assert grads == {}


@every_layer
def test_nothing_is_kept_or_computed_that_nobody_needs(cls):
    layer, x = build(cls), draw(cls, 2)
    assert layer.forward(Context(training=True, keep=False), x)[1] is None
    ctx = Context(training=True, needs=Needs((False,), frozenset()))
    assert layer.backward(ctx, layer.forward(ctx, x)[1], x) == ((None,), {})


@pytest.mark.parametrize("cls", SPATIAL)
def test_a_channel_is_dropped_at_all_positions_or_at_none(cls):
    x = np.full((500, *SHAPES[cls]), 3.0)
    y = noisy(cls, x, 0.4).reshape(500, -1, 60)
    np.testing.assert_array_equal(y, np.broadcast_to(y[:, :1], y.shape))
    np.testing.assert_allclose(y[y != 0], 5)
    # 30,000 draws: five standard deviations.
    assert abs((y[:, 0] == 0).mean() - 0.4) < 5 * np.sqrt(0.24 / 30_000)


def test_stochastic_depth_drops_a_sample_or_keeps_it():
    y = noisy(StochasticDepth, np.full((20_000, 3, 4), 3.0), 0.25)
    assert {*np.unique(y)} == {0.0, 4.0}
    np.testing.assert_array_equal(y, np.broadcast_to(y[:, :1, :1], y.shape))
    assert abs((y[:, 0, 0] == 0).mean() - 0.25) < 5 * np.sqrt(0.1875 / 20_000)


@pytest.mark.parametrize("rate", [0.05, 0.5, 0.9])
def test_alpha_dropout_keeps_mean_and_variance(rate):
    x = np.random.default_rng(0).standard_normal((1000, 300))
    y = noisy(AlphaDropout, x, rate)
    assert abs(y.mean()) < 0.01
    assert abs(y.var() - 1) < 0.02
    dropped = np.isclose(y, y.min()) if rate > 0.5 else y == np.unique(y)[0]
    assert dropped.any()


def test_gaussian_noise_has_its_deviation_whatever_the_input():
    x = draw(GaussianNoise, 1000)
    noise = noisy(GaussianNoise, x, 2.5) - x
    assert abs(noise.mean()) < 5 * 2.5 / np.sqrt(noise.size)
    assert abs(noise.std() - 2.5) < 0.02
    assert abs(np.corrcoef(noise.ravel(), x.ravel())[0, 1]) < 0.01


@pytest.mark.parametrize("rate", [0.2, 0.5])
def test_gaussian_dropout_varies_as_much_as_dropout(rate):
    factor = noisy(GaussianDropout, np.ones((1000, 300)), rate)
    assert abs(factor.mean() - 1) < 0.01
    assert abs(factor.var() - rate / (1 - rate)) < 0.02


@pytest.mark.parametrize("cls", SPATIAL)
def test_samples_with_other_axes_are_refused(cls):
    with pytest.raises(ShapeError, match=rf"{cls.spec_name} needs .*channels\); it got \(4,\)"):
        build(cls, in_shape=(4,))


@every_layer
def test_impossible_amounts_are_refused(cls):
    for amount in (-0.1, *([] if cls is GaussianNoise else [1.0])):
        with pytest.raises(ValidationError):
            build(cls, amount)


@every_layer
def test_cost(cls):
    size = int(np.prod(SHAPES[cls]))
    operations, activation_bytes = build(cls, dtype="float32").cost()
    assert operations >= size
    assert activation_bytes == 4 * size
