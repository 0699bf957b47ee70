"""The behavior of `layer_norm`, besides its numbers (see test_norm_oracle.py)."""

import numpy as np
import pytest

import tinynet.registry
from tinynet.builtin.layers.layer_norm import LayerNorm
from tinynet.errors import ShapeError
from tinynet.layer import Build, Context, Needs


def layer(in_shape, **options):
    build = Build(dtype=np.dtype(np.float64), create=tinynet.registry.default().create)
    return LayerNorm(LayerNorm.Config(**options), (in_shape,), build)


def batch(shape):
    return np.random.default_rng(0).standard_normal(shape) * 3 + 1


@pytest.mark.parametrize(
    ("axis", "shape"),
    [
        (-1, (4,)),
        (3, (4,)),
        ([-1], (4,)),
        ([-2, -1], (3, 4)),
        ([3, 2], (3, 4)),
        ([1, 2, 3], (2, 3, 4)),
    ],
)
def test_the_last_axes_may_be_named_in_every_way(axis, shape):
    norm = layer((2, 3, 4), axis=axis, epsilon=1e-12)
    assert norm.params["gamma"].shape == norm.params["beta"].shape == shape
    y, _ = norm.forward(Context(), batch((5, 2, 3, 4)))
    axes = tuple(range(-len(shape), 0))
    np.testing.assert_allclose(y.mean(axis=axes), 0, atol=1e-12)
    np.testing.assert_allclose(y.std(axis=axes), 1)


@pytest.mark.parametrize("axis", [0, 1, -2, 4, -5, [], [1, 3], [-1, -1], [3, -1], [0, 1, 2, 3]])
def test_other_axes_are_refused_with_what_would_be_right(axis):
    with pytest.raises(ShapeError, match=r"not name the last axes.*\(N, 2, 3, 4\): set it to -1"):
        layer((2, 3, 4), axis=axis)


def test_samples_do_not_see_each_other():
    norm, x = layer((3, 4)), batch((6, 3, 4))
    whole, _ = norm.forward(Context(training=True), x)
    parts = [norm.forward(Context(training=True), part)[0] for part in (x[:1], x[1:])]
    np.testing.assert_allclose(np.concatenate(parts), whole, rtol=1e-12)
    assert norm.per_sample


def test_gradients_that_nobody_needs_are_left_out():
    norm = layer((3, 4), axis=[1, 2])
    ctx = Context(training=True, needs=Needs((False,), frozenset({"gamma"})))
    y, cache = norm.forward(ctx, batch((5, 3, 4)))
    (dx,), grads = norm.backward(ctx, cache, y)
    assert dx is None
    assert {name: grad.shape for name, grad in grads.items()} == {"gamma": (3, 4)}


def test_inference_keeps_nothing():
    assert layer((4,)).forward(Context(keep=False), batch((2, 4)))[1] is None


def test_the_cost_counts_every_element():
    assert layer((3, 4)).cost() == (7 * 12, 12 * 8)
