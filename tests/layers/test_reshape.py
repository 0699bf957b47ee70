import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tinynet.builtin.layers.reshape import ExpandDims, Flatten, Reshape, Squeeze
from tinynet.layer import Build, ShapeError
from tinynet.layer.context import Context, Needs

shapes = st.lists(st.integers(1, 4), max_size=4).map(tuple)


def reshape(target_shape, in_shape):
    return Reshape(Reshape.Config(target_shape=target_shape), (in_shape,), Build())


def build(cls, in_shape, **options):
    return cls(cls.Config(**options), (in_shape,), Build(dtype=np.dtype(np.float64)))


@settings(deadline=None)
@given(in_shape=shapes, batch=st.integers(0, 3))
def test_flatten_keeps_row_major_order_and_the_batch(in_shape, batch):
    layer, ctx = Flatten(Flatten.Config(), (in_shape,), Build()), Context(training=True)
    x = np.arange(batch * math.prod(in_shape), dtype=np.float32).reshape(batch, *in_shape)
    y, cache = layer.forward(ctx, x)
    assert layer.out_shape == (math.prod(in_shape),)
    assert y.shape == (batch, *layer.out_shape)
    np.testing.assert_array_equal(y.ravel(), x.ravel())
    ((dx,), _) = layer.backward(ctx, cache, y)
    np.testing.assert_array_equal(dx, x)


@settings(deadline=None)
@given(target_shape=shapes, batch=st.integers(0, 3), data=st.data())
def test_reshape_gives_the_target_and_finds_the_open_size(target_shape, batch, data):
    in_shape = tuple(data.draw(st.permutations(target_shape)))
    sizes = list(target_shape)
    if sizes and data.draw(st.booleans()):
        sizes[data.draw(st.integers(0, len(sizes) - 1))] = -1
    layer, ctx = reshape(sizes, in_shape), Context(training=True)
    x = np.arange(batch * math.prod(in_shape), dtype=np.float64).reshape(batch, *in_shape)
    y, cache = layer.forward(ctx, x)
    assert layer.out_shape == target_shape
    np.testing.assert_array_equal(y, x.reshape(batch, *target_shape))
    ((dx,), grads) = layer.backward(ctx, cache, y)
    np.testing.assert_array_equal(dx, x)
    assert grads == {}


def test_gradients_that_nobody_wants_are_left_out():
    layer, ctx = reshape([-1], (2, 3)), Context(needs=Needs((False,), frozenset()))
    assert layer.backward(ctx, None, np.ones((4, 6))) == ((None,), {})


@pytest.mark.parametrize(
    ("target_shape", "message"),
    [
        ([4], r"make \[4\] of an input of shape \(2, 3\): it has 6 elements, not 4"),
        ([4, -1], r"make \[4, -1\] .* it has 6 elements, not a multiple of 4"),
        ([], r"make \[\] .* it has 6 elements, not 1"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(target_shape, message):
    with pytest.raises(ShapeError, match=message):
        reshape(target_shape, (2, 3))


@pytest.mark.parametrize("target_shape", [[-1, -1], [0], [2, -2], ["2"], [2.0], [True], "23", 6])
def test_impossible_targets_are_refused_with_one_message(target_shape):
    for validate in (
        lambda: Reshape.Config(target_shape=target_shape),
        lambda: Reshape.Config.model_validate_json(json.dumps({"target_shape": target_shape})),
    ):
        with pytest.raises(ValidationError) as caught:
            validate()
        assert caught.value.error_count() == 1


def test_a_view_costs_nothing():
    assert reshape([6], (2, 3)).cost() == (0, 0)


@pytest.mark.parametrize(
    ("axis", "out_shape"), [(None, (3, 4)), (1, (3, 1, 4)), (-2, (1, 3, 4)), ([3, 1], (3, 4))]
)
def test_squeeze_removes_axes_of_size_one(axis, out_shape):
    layer, x = build(Squeeze, (1, 3, 1, 4), axis=axis), np.arange(24.0).reshape(2, 1, 3, 1, 4)
    assert layer.out_shape == out_shape
    y, cache = layer.forward(Context(), x)
    np.testing.assert_array_equal(y, x.reshape(2, *out_shape))
    np.testing.assert_array_equal(layer.backward(Context(), cache, y)[0][0], x)


@pytest.mark.parametrize(
    ("axis", "out_shape"), [(-1, (3, 4, 1)), (3, (3, 4, 1)), (1, (1, 3, 4)), (-3, (1, 3, 4))]
)
def test_expand_dims_adds_an_axis_at_its_place(axis, out_shape):
    layer, x = build(ExpandDims, (3, 4), axis=axis), np.arange(24.0).reshape(2, 3, 4)
    assert layer.out_shape == out_shape
    y, cache = layer.forward(Context(), x)
    np.testing.assert_array_equal(y, x.reshape(2, *out_shape))
    np.testing.assert_array_equal(layer.backward(Context(), cache, y)[0][0], x)


def test_axes_that_cannot_be_removed_or_added_are_refused():
    with pytest.raises(ShapeError, match=r"axis \[1, 2\] of a sample of shape \(1, 3\) is larger"):
        build(Squeeze, (1, 3), axis=[1, 2])
    with pytest.raises(ShapeError, match=r"squeeze: axis 0 .* axis 0 is the batch"):
        build(Squeeze, (1, 3), axis=0)
    for axis in (0, 4, -4):
        with pytest.raises(ShapeError, match=r"\(1, 3\): set it to .* from -3 to -1, or from 1 to"):
            build(ExpandDims, (1, 3), axis=axis)
