"""The behavior of `depthwise_conv1d`, besides its numbers (see test_depthwise_conv1d_oracle.py)."""

from itertools import pairwise

import numpy as np
import pytest
from pydantic import ValidationError

from tinynet.builtin.layers.activations import ReLU
from tinynet.builtin.layers.batch_norm import BatchNorm
from tinynet.builtin.layers.depthwise_conv1d import DepthwiseConv1D
from tinynet.errors import ShapeError
from tinynet.layer import Build, Context, Needs


def draw(rng, shape, fan_in, fan_out, dtype):
    """An initializer of its own, so that these tests depend on no other plugin."""
    return rng.standard_normal(shape)


class Drawn(Build):
    """A Build that fills every array at random, whatever the config names."""

    def _initializer(self, initializer):
        return draw


def layer(in_shape, **options):
    config = DepthwiseConv1D.Config(**{"kernel_size": 3, **options})
    return DepthwiseConv1D(config, (in_shape,), Drawn(dtype=np.dtype(np.float64)))


@pytest.mark.parametrize(
    ("options", "first", "second"),
    [
        ({}, [21, 32], [-2, -2]),
        ({"padding": "causal"}, [10, 21, 32], [-4, -2, -2]),
        ({"padding": "causal", "strides": 2}, [10, 32], [-4, -2]),
        ({"dilation_rate": 2}, [31], [-4]),
        ({"padding": [0, 1]}, [21, 32, 3], [-2, -2, 8]),
    ],
)
def test_each_channel_has_a_filter_of_its_own(options, first, second):
    conv = layer((3, 2), kernel_size=2, use_bias=False, **options)
    conv.params["weight"][..., 0] = [[1, 1], [10, -1]]
    x = np.array([[[1.0, 4], [2, 6], [3, 8]]])
    y, _ = conv.forward(Context(), x)
    np.testing.assert_array_equal(y[0].T, [first, second])


def test_filters_of_one_channel_are_neighbors_in_the_output():
    conv = layer((1, 2), kernel_size=1, depth_multiplier=3)
    conv.params["weight"][0] = [[1, 2, 3], [4, 5, 6]]
    conv.params["bias"][...] = [0, 0, 0, 0, 0, 0.5]
    y, _ = conv.forward(Context(), np.array([[[1.0, 10]]]))
    np.testing.assert_array_equal(y, [[[1, 2, 3, 40, 50, 60.5]]])


def test_shapes_and_fans():
    fans = {}

    class Spy(Build):
        def _initializer(self, initializer):
            def record(rng, shape, fan_in, fan_out, dtype):
                fans[shape] = fan_in, fan_out
                return np.zeros(shape)

            return record

    config = DepthwiseConv1D.Config(kernel_size=5, depth_multiplier=2, padding="causal")
    conv = DepthwiseConv1D(config, ((9, 4),), Spy())
    assert conv.out_shape == (9, 8)
    assert conv.params["bias"].shape == (8,)
    assert fans[(5, 4, 2)] == (5, 5 * 2)


def test_gradients_that_nobody_needs_are_left_out():
    conv = layer((5, 2))
    ctx = Context(training=True, needs=Needs((False,), frozenset({"bias"})))
    y, cache = conv.forward(ctx, np.ones((2, 5, 2)))
    (dx,), grads = conv.backward(ctx, cache, y)
    assert dx is None
    assert grads.keys() == {"bias"}


def test_a_relu_and_a_batch_norm_become_part_of_it():
    conv = layer((9, 2), depth_multiplier=2, use_bias=False)
    x = np.random.default_rng(0).standard_normal((2, 9, 2))
    y, _ = conv.forward(Context(), x)
    relu = ReLU(ReLU.Config(), (conv.out_shape,), Build())
    fused, _ = relu.fuse_into(conv).forward(Context(), x)
    np.testing.assert_array_equal(fused, np.maximum(y, 0))
    norm = BatchNorm(BatchNorm.Config(), (conv.out_shape,), Drawn(dtype=np.dtype(np.float64)))
    norm.buffers["running_var"][...] = [0.5, 1, 2, 4]
    folded, _ = norm.fold_into(conv).forward(Context(), x)
    np.testing.assert_allclose(folded, norm.forward(Context(), y)[0], rtol=1e-12)


def test_an_input_that_is_no_sequence_is_refused():
    with pytest.raises(ShapeError, match=r"^depthwise_conv1d needs sequences of shape"):
        layer((784,))


@pytest.mark.parametrize("option", ["kernel_size", "strides", "dilation_rate", "depth_multiplier"])
@pytest.mark.parametrize("value", [0, 1.5])
def test_impossible_options_are_refused(option, value):
    with pytest.raises(ValidationError):
        DepthwiseConv1D.Config(**{"kernel_size": 3, option: value})


def test_the_cost_counts_a_multiply_add_as_two():
    assert layer((30, 6), depth_multiplier=2).cost() == (2 * 28 * 3 * 12, 28 * 12 * 8)


def test_one_position_at_a_time_gives_the_whole_sequence():
    conv = layer((7, 2), padding="causal", dilation_rate=2, depth_multiplier=2)
    x = np.random.default_rng(0).standard_normal((3, 7, 2))
    expected, _ = conv.forward(Context(), x)
    for ends in (range(8), [0, 3, 4, 7]):
        cache = conv.start_cache(3, 7)
        parts = [
            conv.forward_next(Context(keep=False), cache, start, x[:, start:stop])
            for start, stop in pairwise(ends)
        ]
        np.testing.assert_allclose(np.concatenate(parts, axis=1), expected, rtol=1e-12)
