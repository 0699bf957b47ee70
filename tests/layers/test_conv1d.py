"""The behavior of `conv1d`, besides its numbers (see test_conv1d_oracle.py)."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tinynet.builtin.layers.activations import ReLU
from tinynet.builtin.layers.batch_norm import BatchNorm
from tinynet.builtin.layers.conv1d import Conv1D
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
    config = Conv1D.Config(**{"filters": 4, "kernel_size": 3, **options})
    return Conv1D(config, (in_shape,), Drawn(dtype=np.dtype(dtype)))


def convolve(values, weight, **options):
    """The output for one sequence of one channel and one filter without a bias."""
    options = {"filters": 1, "kernel_size": len(weight), "use_bias": False, **options}
    conv = layer((len(values), 1), **options)
    conv.params["weight"][:, 0, 0] = weight
    y, _ = conv.forward(Context(), np.array(values, np.float64).reshape(1, -1, 1))
    return y[0, :, 0].tolist()


@pytest.mark.parametrize("padding", ["same", "causal", 10**9])
def test_a_window_that_is_almost_all_padding_is_refused(padding):
    options = {"filters": 1, "kernel_size": 3, "padding": padding, "dilation_rate": 10**9}
    with pytest.raises(ShapeError, match=r"a window that spans 2000000001 steps needs 200000000"):
        Conv1D(Conv1D.Config(**options), ((5, 2),), Build(dry=True))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [321, 432, 543]),
        ({"padding": "same"}, [210, 321, 432, 543, 54]),
        ({"padding": "causal"}, [100, 210, 321, 432, 543]),
        ({"padding": "causal", "dilation_rate": 2}, [100, 200, 310, 420, 531]),
        ({"padding": "causal", "strides": 2}, [100, 321, 543]),
        ({"padding": [0, 1]}, [321, 432, 543, 54]),
        ({"padding": 1, "strides": 3}, [210, 543]),
        ({"dilation_rate": 2}, [531]),
    ],
)
def test_values_of_a_short_sequence(options, expected):
    assert convolve([1, 2, 3, 4, 5], [1, 10, 100], **options) == expected


def test_a_filter_sums_over_channels_and_adds_its_bias():
    conv = layer((2, 2), filters=2, kernel_size=2)
    conv.params["weight"][...] = np.arange(8).reshape(2, 2, 2)
    conv.params["bias"][...] = [0.5, -0.5]
    y, _ = conv.forward(Context(), np.array([[[1.0, 10], [100, 1000]]]))
    np.testing.assert_array_equal(y, [[[6420.5, 7530.5]]])


@settings(deadline=None)
@given(st.integers(1, 12), *[st.integers(1, 4)] * 3, st.sampled_from(["same", "causal"]))
def test_same_and_causal_give_the_length_over_strides(length, kernel, stride, dilation, padding):
    options = {"kernel_size": kernel, "strides": stride, "dilation_rate": dilation}
    out_shape = layer((length, 1), padding=padding, **options).out_shape
    assert out_shape == (math.ceil(length / stride), 4)


@settings(deadline=None)
@given(st.integers(1, 9), *[st.integers(1, 3)] * 3)
def test_causal_outputs_depend_on_no_later_step(length, kernel, stride, dilation):
    options = {"kernel_size": kernel, "strides": stride, "dilation_rate": dilation}
    conv = layer((length, 2), padding="causal", **options)
    x = np.random.default_rng(0).standard_normal((1, length, 2))
    before, _ = conv.forward(Context(), x)
    for step in range(length):
        changed = x.copy()
        changed[:, step:] += 1
        after, _ = conv.forward(Context(), changed)
        unaffected = math.ceil(step / stride)
        np.testing.assert_array_equal(before[:, :unaffected], after[:, :unaffected])


@pytest.mark.parametrize(
    ("padding", "steps"), [("valid", 4), ("same", 6), ("causal", 6), (0, 4), (2, 8), ([0, 3], 7)]
)
def test_every_way_to_write_padding(padding, steps):
    assert layer((6, 2), padding=padding).out_shape == (steps, 4)
    config = Conv1D.Config(filters=4, kernel_size=3, padding=padding)
    assert Conv1D.Config.model_validate_json(config.model_dump_json()) == config


@pytest.mark.parametrize(
    "padding", ["full", -1, True, 1.5, None, [1], [1, 2, 3], [1, -1], [1, "a"]]
)
def test_impossible_padding_is_refused_with_one_clear_message(padding):
    with pytest.raises(ValidationError) as caught:
        Conv1D.Config(filters=4, kernel_size=3, padding=padding)
    (error,) = caught.value.errors()
    assert error["loc"] == ("padding",)
    assert error["msg"] == (
        "'valid', 'same', 'same_lower', 'causal', an integer of at least 0 or [left, right]"
        " is expected"
    )


@pytest.mark.parametrize("option", ["filters", "kernel_size", "strides", "dilation_rate", "groups"])
@pytest.mark.parametrize("value", [0, 1.5, [1, 1]])
def test_impossible_numbers_are_refused(option, value):
    with pytest.raises(ValidationError):
        Conv1D.Config(**{"filters": 4, "kernel_size": 3, option: value})


def test_a_kernel_too_long_is_explained_with_the_arithmetic():
    with pytest.raises(ShapeError) as caught:
        layer((5, 1), kernel_size=3, dilation_rate=3, padding=[1, 0], strides=2)
    assert str(caught.value) == (
        "conv1d: a window that spans 7 steps does not fit a sequence of 5; the output's length"
        " would be floor((5 - 7 + 1 + 0) / 2) + 1 = 0: take a smaller window, or padding 'same'"
    )


@pytest.mark.parametrize("in_shape", [(), (784,), (28, 28, 1)])
def test_an_input_that_is_no_sequence_is_refused(in_shape):
    with pytest.raises(
        ShapeError, match=r"^conv1d needs sequences of shape \(steps, channels\); got"
    ):
        layer(in_shape)


def test_groups_must_divide_filters_and_channels():
    with pytest.raises(ValidationError, match=r"filters \(4\) must be a multiple of groups \(3\)"):
        layer((5, 3), groups=3)
    with pytest.raises(ShapeError, match=r"^conv1d: .* \(3\) must be a multiple of groups \(2\)"):
        layer((5, 3), groups=2)


def test_initializers_learn_how_many_steps_feed_a_filter():
    fans = {}

    class Spy(Build):
        def _initializer(self, initializer):
            def record(rng, shape, fan_in, fan_out, dtype):
                fans[shape] = fan_in, fan_out
                return np.zeros(shape)

            return record

    Conv1D(Conv1D.Config(filters=6, kernel_size=5, groups=2), ((9, 4),), Spy())
    assert fans[(5, 2, 6)] == (5 * 2, 5 * 3)


def test_gradients_that_nobody_needs_are_left_out():
    conv = layer((5, 2))
    x = np.ones((2, 5, 2))
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


def test_a_fused_relu_changes_no_bit():
    conv, relu = layer((9, 2), padding="causal"), ReLU(ReLU.Config(), ((9, 4),), Build())
    fused = relu.fuse_into(conv)
    ctx, rng = Context(training=True), np.random.default_rng(0)
    x, dy = rng.standard_normal((2, 9, 2)), rng.standard_normal((2, 9, 4))
    middle, conv_cache = conv.forward(ctx, x)
    expected, relu_cache = relu.forward(ctx, middle)
    ((dmiddle,), _) = relu.backward(ctx, relu_cache, dy)
    ((expected_dx,), expected_grads) = conv.backward(ctx, conv_cache, dmiddle)
    y, cache = fused.forward(ctx, x)
    ((dx,), grads) = fused.backward(ctx, cache, dy)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(dx, expected_dx)
    for name, expected_grad in expected_grads.items():
        np.testing.assert_array_equal(grads[name], expected_grad)


def test_a_batch_norm_after_it_is_folded_into_it():
    conv = layer((9, 2), groups=2, use_bias=False)
    norm = BatchNorm(BatchNorm.Config(), (conv.out_shape,), Drawn(dtype=np.dtype(np.float64)))
    norm.buffers["running_var"][...] = [0.5, 1, 2, 4]
    x = np.random.default_rng(0).standard_normal((2, 9, 2))
    expected, _ = norm.forward(Context(), conv.forward(Context(), x)[0])
    folded, _ = norm.fold_into(conv).forward(Context(), x)
    np.testing.assert_allclose(folded, expected, rtol=1e-12)


def test_the_cost_counts_a_multiply_add_as_two():
    conv = layer((30, 6), dtype=np.float32, filters=8, groups=2)
    assert conv.cost() == (2 * 28 * 3 * 3 * 8, 28 * 8 * 4)


@pytest.mark.parametrize("options", [{}, {"dilation_rate": 3, "groups": 2}, {"kernel_size": 1}])
@pytest.mark.parametrize("relu", [False, True])
def test_one_position_at_a_time_gives_the_whole_sequence(options, relu):
    conv = layer((11, 4), padding="causal", **options)
    if relu:
        conv = ReLU(ReLU.Config(), ((11, 4),), Build()).fuse_into(conv)
    x = np.random.default_rng(0).standard_normal((3, 11, 4))
    expected, _ = conv.forward(Context(), x)
    for ends in (range(12), [0, 5, 6, 11], [0, 1, 11]):
        cache = conv.start_cache(3, 11)
        parts = [
            conv.forward_next(Context(keep=False), cache, start, x[:, start:stop])
            for start, stop in pairwise(ends)
        ]
        np.testing.assert_allclose(np.concatenate(parts, axis=1), expected, rtol=1e-12)


@pytest.mark.parametrize(
    "options",
    [{}, {"padding": "same"}, {"padding": [1, 0]}, {"padding": "causal", "strides": 2}],
)
def test_a_convolution_that_is_not_causal_has_no_cache(options):
    with pytest.raises(ShapeError, match="only with padding 'causal' and strides 1"):
        layer((9, 2), **options).start_cache(1, 9)


def test_positions_beyond_those_of_the_input_shape():
    """A text may be longer than a window: the layer keeps the steps that its kernel spans."""
    options = {"padding": "causal", "dilation_rate": 2}
    short, long = layer((3, 2), **options), layer((50, 2), **options)
    for name, array in long.params.items():
        short.params[name][...] = array
    x = np.random.default_rng(0).normal(size=(2, 50, 2))
    expected, _ = long.forward(Context(), x)
    cache = short.start_cache(2, 50)
    parts = [short.forward_next(Context(), cache, t, x[:, t : t + 1]) for t in range(50)]
    np.testing.assert_allclose(np.concatenate(parts, axis=1), expected, rtol=1e-12)
    assert short.any_length
