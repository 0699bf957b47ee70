"""The behavior of the pooling layers; for their numbers see test_pool2d_oracle.py."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tinynet.builtin.layers.global_pool import GlobalAvgPool2D
from tinynet.builtin.layers.pool2d import AvgPool2D, MaxPool2D
from tinynet.errors import ShapeError
from tinynet.layer import Build, Context, Needs

POOLS = pytest.mark.parametrize("pool", [MaxPool2D, AvgPool2D])


def layer(pool, in_shape, **options):
    return pool(pool.Config(**options), (in_shape,), Build(dtype=np.dtype(np.float64)))


@POOLS
@settings(deadline=None)
@given(*[st.integers(1, 12)] * 2, *[st.integers(1, 4)] * 2)
def test_output_sizes(pool, height, width, size, stride):
    same = layer(pool, (height, width, 2), pool_size=size, strides=stride, padding="same")
    assert same.out_shape == (math.ceil(height / stride), math.ceil(width / stride), 2)
    if min(height, width) >= size:
        valid = layer(pool, (height, width, 2), pool_size=size, strides=stride)
        assert valid.out_shape == ((height - size) // stride + 1, (width - size) // stride + 1, 2)


@POOLS
def test_strides_follow_pool_size_and_the_rest_is_dropped(pool):
    assert layer(pool, (11, 11, 3)).out_shape == (5, 5, 3)
    assert layer(pool, (11, 11, 3), pool_size=[2, 3]).out_shape == (5, 3, 3)


@POOLS
@pytest.mark.parametrize("padding", [2, [0, 2], [[1, 1], [0, 2]]])
def test_a_window_of_nothing_but_padding_is_refused(pool, padding):
    with pytest.raises(ValidationError, match="padding must be smaller than pool_size"):
        pool.Config(pool_size=2, padding=padding)


def test_padding_never_counts():
    x = np.full((1, 2, 2, 1), -5.0)
    for pool in (MaxPool2D, AvgPool2D):
        y, _ = layer(pool, (2, 2, 1), padding=1).forward(Context(), x)
        np.testing.assert_array_equal(y, np.full((1, 2, 2, 1), -5.0))


def test_of_equal_maxima_the_first_in_row_major_order_gets_the_gradient():
    pool = layer(MaxPool2D, (2, 2, 1))
    x = np.array([[0.0, 7.0], [7.0, 7.0]]).reshape(1, 2, 2, 1)
    _, cache = pool.forward(Context(training=True), x)
    (dx,), _ = pool.backward(Context(training=True), cache, np.full((1, 1, 1, 1), 3.0))
    np.testing.assert_array_equal(dx.reshape(2, 2), [[0, 3], [0, 0]])


@pytest.mark.parametrize("pool", [MaxPool2D, AvgPool2D, GlobalAvgPool2D])
def test_a_gradient_that_nobody_needs_is_left_out(pool):
    x = np.ones((2, 4, 4, 3))
    ctx = Context(training=True, needs=Needs((False,), frozenset()))
    subject = layer(pool, (4, 4, 3))
    y, cache = subject.forward(ctx, x)
    assert subject.backward(ctx, cache, y) == ((None,), {})


@POOLS
def test_inference_keeps_nothing(pool):
    _, cache = layer(pool, (4, 4, 3)).forward(Context(keep=False), np.ones((2, 4, 4, 3)))
    assert cache is None


@pytest.mark.parametrize(
    ("pool", "name"),
    [(MaxPool2D, "max_pool2d"), (AvgPool2D, "avg_pool2d"), (GlobalAvgPool2D, "global_avg_pool2d")],
)
def test_an_input_that_is_no_image_is_refused_by_name(pool, name):
    with pytest.raises(ShapeError, match=f"^{name} needs images"):
        layer(pool, (784,))


@POOLS
def test_a_window_too_large_is_explained(pool):
    with pytest.raises(ShapeError, match=r"floor\(\(3 - 4 \+ 2\*0\) / 4\) \+ 1 = 0"):
        layer(pool, (3, 9, 1), pool_size=4)


def test_costs():
    assert layer(MaxPool2D, (4, 4, 3)).cost() == (4 * 12, 12 * 8)
    assert layer(AvgPool2D, (4, 4, 3)).cost() == (4 * 12, 12 * 8)
    assert layer(GlobalAvgPool2D, (4, 4, 3)).cost() == (48, 3 * 8)
