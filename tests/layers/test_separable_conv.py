"""The behavior of separable convolutions; for their numbers see test_conv2d_kinds_oracle.py."""

from itertools import pairwise

import numpy as np
import pytest
from pydantic import ValidationError

from tinynet.builtin.layers.activations import ReLU
from tinynet.builtin.layers.batch_norm import BatchNorm
from tinynet.builtin.layers.separable_conv import SeparableConv1D, SeparableConv2D
from tinynet.errors import ShapeError
from tinynet.layer import Build, Context, Needs

from .image_layers import build, run, values

KINDS = [(SeparableConv1D, (6, 2)), (SeparableConv2D, (5, 6, 2))]
BOTH = pytest.mark.parametrize(("layer_type", "in_shape"), KINDS)


def layer(layer_type, in_shape, **options):
    return build(layer_type, in_shape, **{"filters": 4, "kernel_size": 3, **options})


def test_channels_are_filtered_and_then_mixed():
    conv = layer(SeparableConv1D, (2, 2), filters=2, kernel_size=2)
    conv.params["depthwise_weight"][..., 0] = [[1, 2], [10, 20]]
    conv.params["pointwise_weight"][...] = [[1, 0], [1, -1]]
    conv.params["bias"][...] = [0, 0.5]
    np.testing.assert_array_equal(values(conv, [[[1, 2], [3, 4]]]), [[[31 + 84, -83.5]]])


@BOTH
def test_shapes_of_parameters(layer_type, in_shape):
    conv = layer(layer_type, in_shape, depth_multiplier=3)
    size = (3,) * (len(in_shape) - 1)
    shapes = {name: param.shape for name, param in conv.params.items()}
    assert shapes == {
        "depthwise_weight": (*size, 2, 3),
        "pointwise_weight": (6, 4),
        "bias": (4,),
    }


@BOTH
@pytest.mark.parametrize(
    "needs",
    [
        Needs((False,), frozenset({"bias"})),
        Needs((False,), frozenset({"depthwise_weight"})),
        Needs((True,), frozenset({"pointwise_weight"})),
    ],
)
def test_gradients_that_nobody_needs_are_left_out(layer_type, in_shape, needs):
    conv, x = layer(layer_type, in_shape), np.random.default_rng(0).normal(size=(2, *in_shape))
    _, dx, gradients = run(conv, x, needs=needs)
    assert (dx is not None) == needs.inputs[0]
    assert gradients.keys() == needs.params
    _, _, every = run(conv, x)
    for name, gradient in gradients.items():
        np.testing.assert_array_equal(gradient, every[name])


@BOTH
def test_a_relu_and_a_batch_norm_become_part_of_it(layer_type, in_shape):
    conv = layer(layer_type, in_shape, use_bias=False)
    x = np.random.default_rng(0).standard_normal((2, *in_shape))
    y, _ = conv.forward(Context(), x)
    relu = ReLU(ReLU.Config(), (conv.out_shape,), Build())
    fused, _ = relu.fuse_into(conv).forward(Context(), x)
    np.testing.assert_array_equal(fused, np.maximum(y, 0))
    norm = build(BatchNorm, conv.out_shape)
    norm.buffers["running_var"][...] = [0.5, 1, 2, 4]
    folded, _ = norm.fold_into(conv).forward(Context(), x)
    np.testing.assert_allclose(folded, norm.forward(Context(), y)[0], rtol=1e-11, atol=1e-11)


@BOTH
def test_a_subclass_with_another_forward_is_not_fused(layer_type, in_shape):
    class Doubled(layer_type):
        def forward(self, ctx, x):
            y, cache = super().forward(ctx, x)
            return 2 * y, cache

    assert layer(Doubled, in_shape).with_relu() is None
    assert layer(layer_type, in_shape).with_relu() is not None


def test_one_position_at_a_time_gives_the_whole_sequence():
    conv = layer(SeparableConv1D, (7, 2), padding="causal", dilation_rate=2, depth_multiplier=2)
    x = np.random.default_rng(0).standard_normal((3, 7, 2))
    for ends in (range(8), [0, 3, 4, 7]):
        cache = conv.start_cache(3, 7)
        parts = [
            conv.forward_next(Context(keep=False), cache, start, x[:, start:stop])
            for start, stop in pairwise(ends)
        ]
        np.testing.assert_allclose(np.concatenate(parts, axis=1), values(conv, x), rtol=1e-12)
    with pytest.raises(ShapeError, match=r"^separable_conv1d computes one position at a"):
        layer(SeparableConv1D, (7, 2)).start_cache(3, 7)


def test_impossible_inputs_are_refused():
    with pytest.raises(ShapeError, match=r"^separable_conv1d needs sequences of shape"):
        layer(SeparableConv1D, (784,))
    with pytest.raises(ShapeError, match=r"^separable_conv2d needs images of shape"):
        layer(SeparableConv2D, (784,))


@BOTH
@pytest.mark.parametrize("option", ["filters", "kernel_size", "strides", "depth_multiplier"])
@pytest.mark.parametrize("value", [0, 1.5])
def test_impossible_options_are_refused(layer_type, in_shape, option, value):
    with pytest.raises(ValidationError):
        layer(layer_type, in_shape, **{option: value})


def test_the_cost_counts_both_steps():
    conv = layer(SeparableConv2D, (5, 6, 2), depth_multiplier=3)
    assert conv.cost() == (2 * 12 * (9 * 6 + 6 * 4), 12 * (6 + 4) * 8)
