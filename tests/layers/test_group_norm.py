"""The behavior of `group_norm` and `instance_norm`, besides their numbers (test_norm_oracle.py)."""

import numpy as np
import pytest
from pydantic import ValidationError

from tinynet import registry
from tinynet.builtin.layers.group_norm import GroupNorm, InstanceNorm
from tinynet.builtin.layers.layer_norm import LayerNorm
from tinynet.layer import Build, Context, Needs, ShapeError


def build(cls, in_shape, dtype="float64", **options):
    new = Build(dtype=np.dtype(dtype), create=registry.default().create)
    return cls(cls.Config(**options), (in_shape,), new)


def batch(*shape):
    return np.random.default_rng(0).standard_normal(shape) * 3 + 1


@pytest.mark.parametrize("in_shape", [(12,), (5, 12), (4, 3, 12), (30, 29, 12)])
def test_each_group_of_each_sample_has_mean_0_and_variance_1(in_shape):
    x = batch(3, *in_shape)
    y, _ = build(GroupNorm, in_shape, groups=4, epsilon=1e-12).forward(Context(), x)
    groups = y.reshape(3, -1, 4, 3)
    np.testing.assert_allclose(groups.mean(axis=(1, 3)), 0, atol=1e-12)
    np.testing.assert_allclose(groups.std(axis=(1, 3)), 1)


def test_one_group_is_layer_norm_over_the_whole_sample():
    x = batch(3, 4, 5)
    y, _ = build(GroupNorm, (4, 5), groups=1).forward(Context(), x)
    other = build(LayerNorm, (4, 5), axis=[1, 2])
    np.testing.assert_allclose(y, other.forward(Context(), x)[0], rtol=1e-12, atol=1e-12)


def test_instance_norm_has_a_group_for_each_channel():
    x = batch(3, 4, 5)
    y, _ = build(InstanceNorm, (4, 5)).forward(Context(), x)
    other = build(GroupNorm, (4, 5), groups=5)
    np.testing.assert_array_equal(y, other.forward(Context(), x)[0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_sample_has_the_same_bits_in_any_batch(dtype):
    """Unlike with batch norm, it does not matter which samples are next to it."""
    layer, x = build(GroupNorm, (9, 7, 8), dtype, groups=2), batch(6, 9, 7, 8).astype(dtype)
    whole, alone = (layer.forward(Context(training=True), part)[0] for part in (x, x[2:3]))
    np.testing.assert_array_equal(whole[2:3], alone)


def test_numbers_far_from_zero_keep_their_variance():
    """Squares of the inputs themselves would lose it."""
    x = batch(2, 50, 4)
    layer = build(GroupNorm, (50, 4), groups=2)
    expected, actual = (layer.forward(Context(), part)[0] for part in (x, x + 1e7))
    np.testing.assert_allclose(actual, expected, atol=1e-7)


def test_gradients_that_nobody_needs_are_left_out():
    layer = build(GroupNorm, (3, 4), groups=2)
    ctx = Context(training=True, needs=Needs((False,), frozenset({"gamma"})))
    y, cache = layer.forward(ctx, batch(5, 3, 4))
    (dx,), grads = layer.backward(ctx, cache, y)
    assert dx is None
    assert grads.keys() == {"gamma"}
    assert layer.forward(Context(keep=False), y)[1] is None


def test_channels_that_groups_do_not_divide_are_refused_with_a_divisor():
    with pytest.raises(ShapeError, match=r"12 channels into 5 groups; .* divisor of 12, such as 4"):
        build(GroupNorm, (3, 12), groups=5)
    with pytest.raises(ShapeError, match=r"16 channels into 32 groups; .* such as 16"):
        build(GroupNorm, (3, 16))
    with pytest.raises(ShapeError, match="such as 1024"):
        build(GroupNorm, (2**40,), groups=2**41)
    with pytest.raises(ValidationError):
        GroupNorm.Config(groups=0)


def test_groups_of_a_single_number_are_refused():
    """Their output would be 0, whatever the input is."""
    with pytest.raises(ShapeError, match=r"single numbers of .* shape \(12,\), .* such as 6"):
        build(GroupNorm, (12,), groups=12)
    with pytest.raises(ShapeError, match=r"into 32 groups; .* such as 4"):
        build(GroupNorm, (1, 8))
    build(GroupNorm, (1, 8), groups=4)
    for groups in (1, 32):
        with pytest.raises(ShapeError, match=r"single number of .* shape \(1,\).*remove the layer"):
            build(GroupNorm, (1,), groups=groups)
    for shape in ((12,), (1, 12), ()):
        with pytest.raises(ShapeError, match=r"instance_norm needs .* more than one position"):
            build(InstanceNorm, shape)
    with pytest.raises(ShapeError, match="group_norm needs an input of shape"):
        build(GroupNorm, ())


def test_cost():
    assert build(GroupNorm, (3, 4), "float32", groups=2).cost() == (72, 48)
