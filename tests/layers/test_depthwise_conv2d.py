"""The behavior of `depthwise_conv2d`, besides its numbers (see test_conv2d_kinds_oracle.py)."""

import numpy as np
import pytest
from pydantic import ValidationError

from tinynet.builtin.layers.activations import ReLU
from tinynet.builtin.layers.batch_norm import BatchNorm
from tinynet.builtin.layers.depthwise_conv2d import DepthwiseConv2D
from tinynet.errors import ShapeError
from tinynet.layer import Build, Context, Needs

from .image_layers import build, run, values


def layer(in_shape, **options):
    return build(DepthwiseConv2D, in_shape, **{"kernel_size": 3, **options})


def test_each_channel_has_filters_of_its_own_that_are_neighbors():
    conv = layer((2, 2, 2), kernel_size=[2, 1], depth_multiplier=2)
    conv.params["weight"][:, 0] = [[[1, 2], [3, 4]], [[10, 20], [30, 40]]]
    conv.params["bias"][...] = [0, 0, 0, 0.5]
    x = np.array([[[[1.0, 5], [2, 6]], [[3, 7], [4, 8]]]])
    np.testing.assert_array_equal(values(conv, x), [[[[31, 62, 225, 300.5], [42, 84, 258, 344.5]]]])


def test_shapes_and_fans():
    fans = {}

    class Spy(Build):
        def _initializer(self, initializer):
            def record(rng, shape, fan_in, fan_out, dtype):
                fans[shape] = fan_in, fan_out
                return np.zeros(shape)

            return record

    config = DepthwiseConv2D.Config(kernel_size=[5, 2], depth_multiplier=3, strides=2)
    conv = DepthwiseConv2D(config, ((9, 8, 4),), Spy())
    assert conv.out_shape == (3, 4, 12)
    assert conv.params["bias"].shape == (12,)
    assert fans[(5, 2, 4, 3)] == (10, 30)


def test_gradients_that_nobody_needs_are_left_out():
    needs = Needs((False,), frozenset({"bias"}))
    _, dx, gradients = run(layer((5, 4, 2)), np.ones((2, 5, 4, 2)), needs=needs)
    assert dx is None
    assert gradients.keys() == {"bias"}


def test_a_relu_and_a_batch_norm_become_part_of_it():
    conv = layer((5, 4, 2), depth_multiplier=2, use_bias=False)
    x = np.random.default_rng(0).standard_normal((2, 5, 4, 2))
    y, _ = conv.forward(Context(), x)
    relu = ReLU(ReLU.Config(), (conv.out_shape,), Build())
    fused, _ = relu.fuse_into(conv).forward(Context(), x)
    np.testing.assert_array_equal(fused, np.maximum(y, 0))
    norm = build(BatchNorm, conv.out_shape)
    norm.buffers["running_var"][...] = [0.5, 1, 2, 4]
    folded, _ = norm.fold_into(conv).forward(Context(), x)
    np.testing.assert_allclose(folded, norm.forward(Context(), y)[0], rtol=1e-11, atol=1e-11)


def test_an_input_that_is_no_image_is_refused():
    with pytest.raises(ShapeError, match=r"^depthwise_conv2d needs images of shape"):
        layer((784,))


@pytest.mark.parametrize("option", ["kernel_size", "strides", "dilation_rate", "depth_multiplier"])
@pytest.mark.parametrize("value", [0, 1.5])
def test_impossible_options_are_refused(option, value):
    with pytest.raises(ValidationError):
        DepthwiseConv2D.Config(**{"kernel_size": 3, option: value})


def test_the_cost_counts_a_multiply_add_as_two():
    assert layer((30, 9, 6), depth_multiplier=2).cost() == (2 * 28 * 7 * 9 * 12, 28 * 7 * 12 * 8)
