"""The behavior of `conv2d`, besides its numbers (see test_conv2d_oracle.py)."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tinynet.builtin.layers.conv2d import Conv2D
from tinynet.errors import ShapeError
from tinynet.layer import Build, Context, Needs


def draw(rng, shape, fan_in, fan_out, dtype):
    """An initializer of its own, so that these tests depend on no other plugin."""
    return rng.standard_normal(shape)


class Drawn(Build):
    """A Build that fills every array at random, whatever the config names."""

    def _initializer(self, initializer):
        return draw


def layer(in_shape, dtype=np.float64, **options):
    config = Conv2D.Config(**{"filters": 4, "kernel_size": 3, **options})
    return Conv2D(config, (in_shape,), Drawn(dtype=np.dtype(dtype)))


@settings(deadline=None)
@given(*[st.integers(1, 12)] * 2, *[st.integers(1, 4)] * 3)
def test_same_gives_the_input_size_over_strides_rounded_up(height, width, kernel, stride, dilation):
    options = {"kernel_size": kernel, "strides": stride, "dilation_rate": dilation}
    out_shape = layer((height, width, 1), padding="same", **options).out_shape
    assert out_shape == (math.ceil(height / stride), math.ceil(width / stride), 4)


def test_same_pads_the_odd_pixel_at_the_end_same_lower_at_the_start():
    conv = layer((2, 2, 1), filters=1, kernel_size=2, padding="same", use_bias=False)
    conv.params["weight"][...] = 1
    x = np.array([[1.0, 2.0], [4.0, 8.0]]).reshape(1, 2, 2, 1)
    y, _ = conv.forward(Context(), x)
    np.testing.assert_array_equal(y.reshape(2, 2), [[15, 10], [12, 8]])
    conv = layer((2, 2, 1), filters=1, kernel_size=2, padding="same_lower", use_bias=False)
    conv.params["weight"][...] = 1
    y, _ = conv.forward(Context(), x)
    np.testing.assert_array_equal(y.reshape(2, 2), [[1, 3], [5, 15]])


@pytest.mark.parametrize(
    ("padding", "out"),
    [("valid", (4, 5)), (0, (4, 5)), (1, (6, 7)), ([0, 2], (4, 9)), ([[1, 0], [0, 3]], (5, 8))],
)
def test_every_way_to_write_padding(padding, out):
    assert layer((6, 7, 2), padding=padding).out_shape == (*out, 4)
    config = Conv2D.Config(filters=4, kernel_size=3, padding=padding)
    again = Conv2D.Config.model_validate_json(config.model_dump_json())
    assert again == config


@pytest.mark.parametrize(
    "padding", ["full", -1, True, 1.5, None, [1], [1, 2, 3], [1, -1], [[1, 2], [3]], [[1, 2], "ab"]]
)
def test_impossible_padding_is_refused_with_one_clear_message(padding):
    with pytest.raises(ValidationError) as caught:
        Conv2D.Config(filters=4, kernel_size=3, padding=padding)
    (error,) = caught.value.errors()
    assert error["loc"] == ("padding",)
    assert error["msg"].startswith(
        "'valid', 'same', 'same_lower', an integer of at least 0, [height, width] or"
    )


def test_a_kernel_too_large_is_explained_with_the_arithmetic():
    with pytest.raises(
        ShapeError, match=r"height would be floor\(\(5 - 7 \+ 2\*0\) / 1\) \+ 1 = -1"
    ):
        layer((5, 9, 1), kernel_size=7)
    with pytest.raises(
        ShapeError, match=r"width would be floor\(\(2 - 5 \+ 1 \+ 0\) / 2\) \+ 1 = 0"
    ):
        layer((9, 2, 1), dilation_rate=2, strides=2, padding=[[0, 0], [1, 0]])


@pytest.mark.parametrize("in_shape", [(), (784,), (28, 28), (2, 28, 28, 1)])
def test_an_input_that_is_no_image_is_refused(in_shape):
    with pytest.raises(
        ShapeError, match=r"conv2d needs images of shape \(height, width, channels\)"
    ):
        layer(in_shape)


def test_groups_must_divide_filters_and_channels():
    with pytest.raises(ValidationError, match=r"filters \(4\) must be a multiple of groups \(3\)"):
        layer((5, 5, 3), groups=3)
    with pytest.raises(ShapeError, match=r"channels \(3\) must be a multiple of groups \(2\)"):
        layer((5, 5, 3), groups=2)


def test_groups_see_their_own_channels_only():
    conv = layer((5, 5, 4), filters=6, groups=2)
    assert conv.params["weight"].shape == (3, 3, 2, 6)
    x = np.random.default_rng(0).standard_normal((2, 5, 5, 4))
    other = x.copy()
    other[..., 2:] += 1
    before, after = (conv.forward(Context(), v)[0] for v in (x, other))
    np.testing.assert_array_equal(before[..., :3], after[..., :3])
    assert (before[..., 3:] != after[..., 3:]).all()


def test_initializers_learn_how_many_pixels_feed_a_filter():
    fans = {}

    class Spy(Build):
        def _initializer(self, initializer):
            def record(rng, shape, fan_in, fan_out, dtype):
                fans[shape] = fan_in, fan_out
                return np.zeros(shape)

            return record

    Conv2D(Conv2D.Config(filters=6, kernel_size=[3, 5], groups=2), ((9, 9, 4),), Spy())
    assert fans[(3, 5, 2, 6)] == (3 * 5 * 2, 3 * 5 * 3)


def test_gradients_that_nobody_needs_are_left_out():
    conv = layer((5, 5, 2))
    x = np.ones((2, 5, 5, 2))
    for needs, names in [
        (Needs((False,), frozenset({"weight", "bias"})), {"weight", "bias"}),
        (Needs((True,), frozenset()), set()),
        (Needs((False,), frozenset({"bias"})), {"bias"}),
    ]:
        ctx = Context(training=True, needs=needs)
        y, cache = conv.forward(ctx, x)
        (dx,), grads = conv.backward(ctx, cache, y)
        assert (dx is not None) == needs.inputs[0]
        assert grads.keys() == names


def test_the_cost_counts_a_multiply_add_as_two():
    conv = layer((28, 28, 1), dtype=np.float32, filters=32)
    assert conv.cost() == (2 * 26 * 26 * 9 * 32, 26 * 26 * 32 * 4)


def test_the_schema_shows_every_way_to_write_padding():
    schema = Conv2D.Config.model_json_schema()["properties"]["padding"]
    kinds = [choice.get("type", choice.get("enum")) for choice in schema["anyOf"]]
    assert kinds == ["string", "integer", "array", "array"]
