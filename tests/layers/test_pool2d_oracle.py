"""Pooling that differs from PyTorch's would train another network than the user declared."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.builtin.layers.pool2d import AvgPool2D, MaxPool2D
from tinynet.layer import Build, Context

torch = pytest.importorskip("torch")

FLOAT64 = np.dtype(np.float64)


@st.composite
def cases(draw):
    """A config that PyTorch can express too, the shape of its input, and a seed."""
    size = st.integers(1, 4)
    pool, strides = draw(st.tuples(size, size)), draw(st.none() | st.tuples(size, size))
    padding = tuple(draw(st.integers(0, side // 2)) for side in pool)
    height, width = (side + draw(st.integers(0, 6)) for side in pool)
    config = {"pool_size": pool, "strides": strides, "padding": padding}
    shape = (draw(st.integers(1, 3)), height, width, draw(st.integers(1, 5)))
    return config, shape, draw(st.integers(0, 2**32 - 1))


def ours(layer, x, dy):
    y, cache = layer.forward(Context(training=True), x)
    (dx,), grads = layer.backward(Context(training=True), cache, dy)
    assert grads == {}
    return y, dx


def theirs(pool, x, dy):
    image = torch.tensor(x, requires_grad=True)
    y = pool(image.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    y.backward(torch.tensor(dy).reshape(y.shape))
    return y.detach().numpy().reshape(dy.shape), image.grad.numpy()


def check(layer_type, config, shape, seed, pool):
    rng = np.random.default_rng(seed)
    layer = layer_type(layer_type.Config(**config), (shape[1:],), Build(dtype=FLOAT64))
    x = rng.integers(-2, 3, shape).astype(np.float64)  # few values: every window has ties
    dy = rng.standard_normal((shape[0], *layer.out_shape))
    for actual, expected in zip(ours(layer, x, dy), theirs(pool, x, dy), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.oracle
@settings(max_examples=250, deadline=None)
@given(cases())
def test_max_pooling_agrees_ties_included(case):
    config, shape, seed = case
    pool = torch.nn.MaxPool2d(config["pool_size"], config["strides"], config["padding"])
    check(MaxPool2D, config, shape, seed, pool)


@pytest.mark.oracle
@settings(max_examples=250, deadline=None)
@given(cases())
def test_average_pooling_agrees(case):
    config, shape, seed = case
    pool = torch.nn.AvgPool2d(
        config["pool_size"], config["strides"], config["padding"], count_include_pad=False
    )
    check(AvgPool2D, config, shape, seed, pool)
