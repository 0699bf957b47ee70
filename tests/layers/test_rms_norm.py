"""The behavior of `rms_norm`, besides its numbers (see test_norm_oracle.py)."""

import numpy as np
import pytest

import tinynet.registry
from tinynet.builtin.layers.rms_norm import RMSNorm
from tinynet.errors import ShapeError
from tinynet.layer import Build, Context, Needs


def layer(in_shape, **options):
    build = Build(dtype=np.dtype(np.float64), create=tinynet.registry.default().create)
    return RMSNorm(RMSNorm.Config(**options), (in_shape,), build)


def test_vectors_are_divided_by_their_root_mean_square():
    norm = layer((2, 2), epsilon=1e-12)
    norm.params["gamma"][...] = [1, 10]
    y, _ = norm.forward(Context(), np.array([[[3.0, 4], [-6, 8]], [[0, 0], [1, 1]]]))
    root = np.sqrt(12.5)
    expected = [[[3 / root, 40 / root], [-3 / root, 40 / root]], [[0, 0], [1, 10]]]
    np.testing.assert_allclose(y, expected, rtol=1e-9)


def test_without_scale_there_is_no_parameter():
    norm = layer((4,), scale=False)
    assert norm.params == {}
    y, _ = norm.forward(Context(), np.full((1, 4), -7.0))
    np.testing.assert_allclose(y, -np.ones((1, 4)), rtol=1e-6)


def test_an_input_without_channels_is_refused():
    with pytest.raises(ShapeError, match=r"rms_norm needs an input of shape \(\.\.\., channels\)"):
        layer(())


def test_gradients_that_are_not_needed_are_left_out():
    norm, x = layer((3, 4)), np.random.default_rng(0).standard_normal((5, 3, 4))
    ctx = Context(training=True, needs=Needs((False,), frozenset({"gamma"})))
    y, cache = norm.forward(ctx, x)
    (dx,), grads = norm.backward(ctx, cache, y)
    assert dx is None
    assert {name: grad.shape for name, grad in grads.items()} == {"gamma": (4,)}


def test_inference_keeps_nothing():
    assert layer((4,)).forward(Context(keep=False), np.ones((2, 4)))[1] is None


def test_the_cost_counts_every_element():
    assert layer((3, 4)).cost() == (4 * 12, 12 * 8)
