"""The behavior of `conv1d_transpose`, besides its numbers (see test_transposed_oracle.py)."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tinynet.builtin.layers.activations import ReLU
from tinynet.builtin.layers.batch_norm import BatchNorm
from tinynet.builtin.layers.conv1d import Conv1D
from tinynet.builtin.layers.conv1d_transpose import Conv1DTranspose
from tinynet.errors import ShapeError
from tinynet.layer import Build, Context, Needs


def draw(rng, shape, fan_in, fan_out, dtype):
    """An initializer of its own, so that these tests depend on no other plugin."""
    return rng.standard_normal(shape)


class Drawn(Build):
    """A Build that fills every array at random, whatever the config names."""

    def _initializer(self, initializer):
        return draw


def layer(in_shape, layer_type=Conv1DTranspose, **options):
    config = layer_type.Config(**{"filters": 4, "kernel_size": 3, **options})
    return layer_type(config, (in_shape,), Drawn(dtype=np.dtype(np.float64)))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [1, 12, 123, 230, 300]),
        ({"padding": "same"}, [12, 123, 230]),
        ({"padding": [0, 2]}, [1, 12, 123]),
        ({"strides": 2}, [1, 10, 102, 20, 203, 30, 300]),
        ({"strides": 2, "output_padding": 1}, [1, 10, 102, 20, 203, 30, 300, 0]),
        ({"strides": 2, "padding": 1}, [10, 102, 20, 203, 30]),
        ({"strides": 2, "padding": "same"}, [1, 10, 102, 20, 203, 30]),
        ({"strides": 4, "kernel_size": 2}, [1, 10, 0, 0, 2, 20, 0, 0, 3, 30, 0, 0]),
        ({"strides": 4, "kernel_size": 2, "padding": 0}, [1, 10, 0, 0, 2, 20, 0, 0, 3, 30]),
        ({"strides": 3, "padding": "same"}, [1, 10, 100, 2, 20, 200, 3, 30, 300]),
        ({"dilation_rate": 2}, [1, 2, 13, 20, 130, 200, 300]),
        ({"strides": 2, "padding": "same", "output_padding": 0}, [10, 102, 20, 203, 30]),
        ({"strides": 2, "padding": "same", "output_padding": 1}, [1, 10, 102, 20, 203, 30]),
        ({"strides": 2, "padding": "same_lower"}, [10, 102, 20, 203, 30, 300]),
    ],
)
def test_values_of_a_short_sequence(options, expected):
    options = {"filters": 1, "use_bias": False, **options}
    conv = layer((3, 1), **options)
    size = options.get("kernel_size", 3)
    conv.params["weight"][:, 0, 0] = [1, 10, 100][:size]
    y, _ = conv.forward(Context(), np.array([1.0, 2, 3]).reshape(1, 3, 1))
    assert y[0, :, 0].tolist() == expected


def test_each_step_writes_its_channels_to_all_filters():
    conv = layer((1, 2), filters=3, kernel_size=2)
    conv.params["weight"][...] = np.arange(12).reshape(2, 3, 2)
    conv.params["bias"][...] = [0.5, 0, -0.5]
    y, _ = conv.forward(Context(), np.array([[[1.0, 100]]]))
    np.testing.assert_array_equal(y, [[[100.5, 302, 503.5], [706.5, 908, 1109.5]]])


@settings(deadline=None)
@given(*[st.integers(1, 4)] * 4, st.sampled_from(["valid", "same", 0, (1, 0)]), st.integers(1, 2))
def test_it_is_the_adjoint_of_conv1d(length, kernel, stride, dilation, padding, groups):
    """<conv1d(v), x> = <v, conv1d_transpose(x)>, on sequences as long as the output."""
    options = {"kernel_size": kernel, "strides": stride, "dilation_rate": dilation}
    options |= {"padding": padding, "groups": groups, "use_bias": False}
    if padding == (1, 0) and (length, kernel) == (1, 1):
        return
    transposed = layer((length, 2 * groups), filters=groups, **options)
    conv = layer(transposed.out_shape, Conv1D, filters=2 * groups, **options)
    transposed.params["weight"][...] = conv.params["weight"]
    rng = np.random.default_rng(0)
    x, v = (
        rng.standard_normal((2, length, 2 * groups)),
        rng.standard_normal((2, *transposed.out_shape)),
    )
    y, z = transposed.forward(Context(), x)[0], conv.forward(Context(), v)[0]
    np.testing.assert_allclose(np.vdot(z, x), np.vdot(v, y), rtol=1e-10, atol=1e-10)


@settings(deadline=None)
@given(*[st.integers(1, 6)] * 4)
def test_same_and_valid_give_the_lengths_of_keras(length, kernel, stride, dilation):
    options = {"kernel_size": kernel, "strides": stride, "dilation_rate": dilation}
    same = layer((length, 1), padding="same", **options)
    assert same.out_shape == (length * stride, 4)
    extent = (kernel - 1) * dilation + 1
    valid = layer((length, 1), **options)
    assert valid.out_shape == (length * stride + max(extent - stride, 0), 4)


def test_no_output_left_is_explained_with_the_arithmetic():
    with pytest.raises(ShapeError) as caught:
        layer((2, 1), strides=2, padding=3, output_padding=1)
    assert str(caught.value) == (
        "conv1d_transpose: the output's length would be (2 - 1) * 2 + 3 - 3 - 3 + 1 = 0: take"
        " less padding"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"output_padding": 2, "strides": 2}, r"output_padding \(2\) must be smaller than strides"),
        ({"output_padding": -1}, "greater than or equal to 0"),
        (
            {"padding": "causal"},
            r"'valid', 'same', 'same_lower', an integer of at least 0 or \[left, right\] is",
        ),
        ({"groups": 3}, r"filters \(4\) must be a multiple of groups \(3\)"),
        ({"strides": 0}, "greater than or equal to 1"),
    ],
)
def test_impossible_options_are_refused(options, message):
    with pytest.raises(ValidationError, match=message):
        layer((5, 3), **options)


def test_impossible_inputs_are_refused():
    with pytest.raises(ShapeError, match=r"^conv1d_transpose needs sequences of shape"):
        layer((784,))
    with pytest.raises(ShapeError, match=r"channels \(3\) must be a multiple of groups \(2\)"):
        layer((5, 3), groups=2)


def test_initializers_learn_how_many_numbers_feed_a_filter():
    fans = {}

    class Spy(Build):
        def _initializer(self, initializer):
            def record(rng, shape, fan_in, fan_out, dtype):
                fans[shape] = fan_in, fan_out
                return np.zeros(shape)

            return record

    config = Conv1DTranspose.Config(filters=6, kernel_size=5, groups=2)
    Conv1DTranspose(config, ((9, 4),), Spy())
    assert fans[(5, 3, 4)] == (5 * 2, 5 * 3)


def test_gradients_that_nobody_needs_are_left_out():
    conv = layer((5, 2), strides=2)
    for needs, names in [
        (Needs((False,), frozenset({"weight", "bias"})), {"weight", "bias"}),
        (Needs((True,), frozenset()), set()),
        (Needs((False,), frozenset({"bias"})), {"bias"}),
    ]:
        ctx = Context(training=True, needs=needs)
        y, cache = conv.forward(ctx, np.ones((2, 5, 2)))
        (dx,), grads = conv.backward(ctx, cache, y)
        assert (dx is not None) == needs.inputs[0]
        assert grads.keys() == names


def test_a_relu_and_a_batch_norm_become_part_of_it():
    conv = layer((5, 6), strides=2, groups=2, use_bias=False)
    x = np.random.default_rng(0).standard_normal((2, 5, 6))
    y, _ = conv.forward(Context(), x)
    relu = ReLU(ReLU.Config(), (conv.out_shape,), Build())
    fused, _ = relu.fuse_into(conv).forward(Context(), x)
    np.testing.assert_array_equal(fused, np.maximum(y, 0))
    norm = BatchNorm(BatchNorm.Config(), (conv.out_shape,), Drawn(dtype=np.dtype(np.float64)))
    norm.buffers["running_var"][...] = [0.5, 1, 2, 4]
    folded, _ = norm.fold_into(conv).forward(Context(), x)
    np.testing.assert_allclose(folded, norm.forward(Context(), y)[0], rtol=1e-12)


def test_the_cost_counts_a_multiply_add_as_two():
    conv = layer((10, 6), strides=2, padding="same")
    assert conv.cost() == (2 * 10 * 3 * 4 * 6, 20 * 4 * 8)
