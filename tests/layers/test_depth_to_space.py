"""The behavior of depth_to_space and space_to_depth."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tinynet.builtin.layers.depth_to_space import DepthToSpace, SpaceToDepth
from tinynet.errors import ShapeError
from tinynet.layer import Needs

from .image_layers import build, run, values


def test_channels_become_a_block_as_in_tensorflow():
    """The examples of the documentation of tf.nn.depth_to_space."""
    y = values(build(DepthToSpace, (1, 1, 12), block_size=2), np.arange(1, 13).reshape(1, 1, 1, 12))
    assert y.tolist() == [[[[1, 2, 3], [4, 5, 6]], [[7, 8, 9], [10, 11, 12]]]]
    x = np.arange(1, 17).reshape(1, 2, 2, 4)
    y = values(build(DepthToSpace, (2, 2, 4), block_size=2), x)
    assert y[0, :, :, 0].tolist() == [[1, 2, 5, 6], [3, 4, 7, 8], [9, 10, 13, 14], [11, 12, 15, 16]]


@settings(max_examples=100, deadline=None)
@given(st.tuples(*[st.integers(1, 3)] * 4), st.integers(2, 4), st.integers(0, 2**32 - 1))
def test_each_number_is_where_the_formula_has_it(shape, block, seed):
    samples, height, width, channels = shape
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((samples, height, width, block * block * channels))
    expected = np.empty((samples, height * block, width * block, channels))
    for i, j, p, q, c in np.ndindex(height, width, block, block, channels):
        expected[:, i * block + p, j * block + q, c] = x[:, i, j, (p * block + q) * channels + c]
    to_space = build(DepthToSpace, x.shape[1:], block_size=block)
    to_depth = build(SpaceToDepth, expected.shape[1:], block_size=block)
    y, dx, _ = run(to_space, x, expected)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(dx, x)
    y, dx, _ = run(to_depth, expected, x)
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(dx, expected)


@pytest.mark.oracle
@settings(max_examples=100, deadline=None)
@given(st.tuples(*[st.integers(1, 3)] * 4), st.integers(2, 4))
def test_pixel_shuffle_is_the_same_with_its_channels_permuted(shape, block):
    torch = pytest.importorskip("torch")
    samples, height, width, channels = shape
    x = np.random.default_rng(0).standard_normal((samples, height, width, channels * block * block))
    shuffled = torch.nn.functional.pixel_shuffle(torch.tensor(x).permute(0, 3, 1, 2), block)
    order = np.arange(channels * block * block).reshape(channels, block, block).transpose(1, 2, 0)
    y = values(build(DepthToSpace, x.shape[1:], block_size=block), x[..., order.ravel()])
    np.testing.assert_array_equal(y, shuffled.permute(0, 2, 3, 1).numpy())


@pytest.mark.parametrize("layer_type", [DepthToSpace, SpaceToDepth])
def test_a_gradient_that_nobody_needs_is_left_out(layer_type):
    needs = Needs((False,), frozenset())
    layer = build(layer_type, (2, 2, 4), block_size=2)
    assert run(layer, np.ones((1, 2, 2, 4)), needs=needs)[1:] == (None, {})
    assert layer.cost() == (0, 16 * 8)


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(ShapeError, match=r"channels \(6\) must be a multiple of block_size \* bl"):
        build(DepthToSpace, (2, 2, 6), block_size=2)
    with pytest.raises(ShapeError, match=r"height and width \(4, 3\) must be multiples of block_"):
        build(SpaceToDepth, (4, 3, 1), block_size=2)
    for layer_type, name in [(DepthToSpace, "depth_to_space"), (SpaceToDepth, "space_to_depth")]:
        with pytest.raises(ShapeError, match=f"^{name} needs images"):
            build(layer_type, (4,), block_size=2)
        with pytest.raises(ValidationError, match="greater than or equal to 2"):
            layer_type.Config(block_size=1)
