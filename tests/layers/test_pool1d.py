"""The behavior of the pooling layers of sequences; for their numbers see test_pool1d_oracle.py."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tinynet.builtin.layers.global_pool1d import GlobalAvgPool1D, GlobalMaxPool1D
from tinynet.builtin.layers.pool1d import AvgPool1D, MaxPool1D
from tinynet.errors import ShapeError
from tinynet.layer import Build, Context, Needs

POOLS = pytest.mark.parametrize("pool", [MaxPool1D, AvgPool1D])
GLOBAL = pytest.mark.parametrize("pool", [GlobalAvgPool1D, GlobalMaxPool1D])

X = np.array([[[1.0, 8], [5, 2], [3, 4]], [[2, 0], [4, 6], [9, 3]]])


def layer(pool, *in_shapes, **options):
    return pool(pool.Config(**options), in_shapes, Build(dtype=np.dtype(np.float64)))


def passes(pool, inputs, dy, **options):
    """The output, and the gradient of the sequence."""
    subject = layer(pool, *(x.shape[1:] for x in inputs), **options)
    ctx = Context(training=True)
    y, cache = subject.forward(ctx, *inputs)
    gradients, _ = subject.backward(ctx, cache, np.array(dy, np.float64))
    return y, gradients[0]


def test_values_and_gradients_of_a_short_sequence():
    dy = np.arange(1.0, 7).reshape(2, 3, 1)[:, :2]
    x = X[:, :, :1]
    y, dx = passes(MaxPool1D, [x], dy, strides=1)
    np.testing.assert_array_equal(y[..., 0], [[5, 5], [4, 9]])
    np.testing.assert_array_equal(dx[..., 0], [[0, 3, 0], [0, 4, 5]])
    y, dx = passes(AvgPool1D, [x], dy, strides=1)
    np.testing.assert_array_equal(y[..., 0], [[3, 4], [3, 6.5]])
    np.testing.assert_array_equal(dx[..., 0], [[0.5, 1.5, 1], [2, 4.5, 2.5]])


@POOLS
@settings(deadline=None)
@given(st.integers(1, 12), *[st.integers(1, 4)] * 2)
def test_output_lengths(pool, length, size, stride):
    same = layer(pool, (length, 2), pool_size=size, strides=stride, padding="same")
    assert same.out_shape == (math.ceil(length / stride), 2)
    if length >= size:
        valid = layer(pool, (length, 2), pool_size=size, strides=stride)
        assert valid.out_shape == ((length - size) // stride + 1, 2)


@POOLS
def test_strides_follow_pool_size_and_the_rest_is_dropped(pool):
    assert layer(pool, (11, 3)).out_shape == (5, 3)
    assert layer(pool, (11, 3), pool_size=4).out_shape == (2, 3)


@POOLS
def test_padding_never_counts(pool):
    y, _ = layer(pool, (2, 1), padding=1).forward(Context(), np.full((1, 2, 1), -5.0))
    np.testing.assert_array_equal(y, np.full((1, 2, 1), -5.0))


@POOLS
@pytest.mark.parametrize("padding", [2, [0, 2]])
def test_a_window_of_nothing_but_padding_is_refused(pool, padding):
    with pytest.raises(ValidationError, match="padding must be smaller than pool_size"):
        pool.Config(pool_size=2, padding=padding)


@POOLS
@pytest.mark.parametrize(
    "options", [{"padding": "causal"}, {"pool_size": 0}, {"strides": [1, 1]}, {"padding": [1]}]
)
def test_impossible_options_are_refused(pool, options):
    with pytest.raises(ValidationError):
        pool.Config(**options)


@POOLS
def test_a_window_too_long_is_explained(pool):
    with pytest.raises(
        ShapeError, match=r"length would be floor\(\(3 - 4 \+ 2\*0\) / 4\) \+ 1 = 0"
    ):
        layer(pool, (3, 1), pool_size=4)


@pytest.mark.parametrize(
    ("pool", "name"),
    [
        (MaxPool1D, "max_pool1d"),
        (AvgPool1D, "avg_pool1d"),
        (GlobalAvgPool1D, "global_avg_pool1d"),
        (GlobalMaxPool1D, "global_max_pool1d"),
    ],
)
def test_an_input_that_is_no_sequence_is_refused_by_name(pool, name):
    with pytest.raises(ShapeError, match=rf"^{name} needs sequences of shape \(steps, channels\)"):
        layer(pool, (7,))


@POOLS
def test_inference_keeps_nothing(pool):
    _, cache = layer(pool, (4, 3)).forward(Context(keep=False), np.ones((2, 4, 3)))
    assert cache is None


def test_global_pools_without_a_mask():
    dy = [[3, 6], [9, 12]]
    y, dx = passes(GlobalAvgPool1D, [X], dy)
    np.testing.assert_allclose(y, [[3, 14 / 3], [5, 3]], rtol=1e-15)
    np.testing.assert_allclose(dx, np.tile([[[1, 2]], [[3, 4]]], (1, 3, 1)), rtol=1e-15)
    y, dx = passes(GlobalMaxPool1D, [X], dy)
    np.testing.assert_array_equal(y, [[5, 8], [9, 6]])
    np.testing.assert_array_equal(dx, [[[0, 6], [3, 0], [0, 0]], [[0, 0], [0, 12], [9, 0]]])


def test_global_pools_read_only_the_steps_of_the_mask():
    mask, dy = np.array([[0.0, 1, 1], [1, 0, 0]]), [[3, 6], [9, 12]]
    y, dx = passes(GlobalAvgPool1D, [X, mask], dy)
    np.testing.assert_array_equal(y, [[4, 3], [2, 0]])
    np.testing.assert_array_equal(dx, [[[0, 0], [1.5, 3], [1.5, 3]], [[9, 12], [0, 0], [0, 0]]])
    y, dx = passes(GlobalMaxPool1D, [X, mask], dy)
    np.testing.assert_array_equal(y, [[5, 4], [2, 0]])
    np.testing.assert_array_equal(dx, [[[0, 0], [3, 0], [0, 6]], [[9, 12], [0, 0], [0, 0]]])


@GLOBAL
@pytest.mark.parametrize("mask", [[], [np.array([[0.0, 1, 1], [0, 0, 0]])]])
def test_the_axis_of_the_steps_is_kept_on_demand(pool, mask):
    dy = np.array([[3.0, 6], [9, 12]])
    y, dx = passes(pool, [X, *mask], dy)
    kept_y, kept_dx = passes(pool, [X, *mask], dy[:, None], keepdims=True)
    assert layer(pool, (3, 2), keepdims=True).out_shape == (1, 2)
    np.testing.assert_array_equal(kept_y, y[:, None])
    np.testing.assert_array_equal(kept_dx, dx)


@GLOBAL
def test_a_sample_without_valid_steps_gives_zeros(pool):
    y, dx = passes(pool, [X, np.array([[0.0, 0, 0], [1, 1, 1]])], np.ones((2, 2)))
    np.testing.assert_array_equal(y[0], [0, 0])
    np.testing.assert_array_equal(dx[0], np.zeros((3, 2)))
    assert dx[1].any()


def test_of_equal_maxima_the_first_gets_the_gradient():
    x = np.array([[[7.0], [1], [7], [7]]])
    _, dx = passes(GlobalMaxPool1D, [x], [[3]])
    np.testing.assert_array_equal(dx[0, :, 0], [3, 0, 0, 0])
    _, dx = passes(GlobalMaxPool1D, [x, np.array([[0.0, 1, 1, 1]])], [[3]])
    np.testing.assert_array_equal(dx[0, :, 0], [0, 0, 3, 0])


@GLOBAL
@pytest.mark.parametrize(("second", "got"), [([(4,)], "(4,)"), ([(3, 1)], "(3, 1)")])
def test_a_mask_of_another_shape_is_refused(pool, second, got):
    with pytest.raises(ShapeError, match=r"needs a mask of shape \(3,\) as its second input") as e:
        layer(pool, (3, 2), *second)
    assert str(e.value).endswith(f"got {got}")


@pytest.mark.parametrize("pool", [MaxPool1D, AvgPool1D, GlobalAvgPool1D, GlobalMaxPool1D])
def test_a_gradient_that_nobody_needs_is_left_out(pool):
    ctx = Context(training=True, needs=Needs((False,), frozenset()))
    subject = layer(pool, (3, 2))
    y, cache = subject.forward(ctx, X)
    assert subject.backward(ctx, cache, y) == ((None,), {})


@GLOBAL
def test_a_mask_has_the_gradient_zero_where_one_is_required(pool):
    mask = np.ones((2, 3))
    ctx = Context(training=True, needs=Needs((False, True), frozenset()))
    subject = layer(pool, (3, 2), (3,))
    y, cache = subject.forward(ctx, X, mask)
    (dx, dmask), _ = subject.backward(ctx, cache, y)
    assert dx is None
    np.testing.assert_array_equal(dmask, np.zeros((2, 3)))


def test_costs():
    assert layer(MaxPool1D, (6, 3)).cost() == (2 * 9, 9 * 8)
    assert layer(AvgPool1D, (6, 3)).cost() == (2 * 9, 9 * 8)
    assert layer(GlobalAvgPool1D, (6, 3), (6,)).cost() == (18, 3 * 8)
    assert layer(GlobalMaxPool1D, (6, 3)).cost() == (18, 3 * 8)
