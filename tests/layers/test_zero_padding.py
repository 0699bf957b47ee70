"""The behavior of zero_padding1d, 2d and 3d."""

import numpy as np
import pytest
from pydantic import ValidationError

from tinynet.builtin.layers.zero_padding import ZeroPadding1D, ZeroPadding2D, ZeroPadding3D
from tinynet.errors import ShapeError
from tinynet.layer import Needs

from .image_layers import build, run, values

SHAPES = {ZeroPadding1D: (4, 2), ZeroPadding2D: (3, 4, 2), ZeroPadding3D: (3, 2, 4, 2)}
KINDS = pytest.mark.parametrize("layer_type", SHAPES)


def test_zeros_of_a_short_sequence():
    y = values(build(ZeroPadding1D, (2, 1), padding=[1, 2]), [[[3], [4]]])
    assert y[0, :, 0].tolist() == [0, 3, 4, 0, 0]


@pytest.mark.parametrize(
    ("padding", "sides"),
    [
        (2, [(2, 2), (2, 2)]),
        ([0, 3], [(0, 0), (3, 3)]),
        ([[1, 0], [2, 3]], [(1, 0), (2, 3)]),
        ([1, [2, 0]], [(1, 1), (2, 0)]),
    ],
)
def test_every_way_to_write_the_padding_of_an_image(padding, sides):
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 2))
    y = values(build(ZeroPadding2D, (3, 4, 2), padding=padding), x)
    np.testing.assert_array_equal(y, np.pad(x, [(0, 0), *sides, (0, 0)]))


def test_every_side_of_a_volume():
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 5, 2))
    for padding, sides in [
        ([1, 2, 3], [(1, 1), (2, 2), (3, 3)]),
        ([[0, 1], [2, 3], [4, 5]], [(0, 1), (2, 3), (4, 5)]),
    ]:
        y = values(build(ZeroPadding3D, (3, 4, 5, 2), padding=padding), x)
        np.testing.assert_array_equal(y, np.pad(x, [(0, 0), *sides, (0, 0)]))


@KINDS
def test_the_default_is_one_on_every_side(layer_type):
    *sizes, channels = in_shape = SHAPES[layer_type]
    expected = (*(size + 2 for size in sizes), channels)
    assert build(layer_type, in_shape).out_shape == expected


@KINDS
def test_the_gradient_is_that_of_the_pixels(layer_type):
    in_shape = SHAPES[layer_type]
    layer = build(layer_type, in_shape, padding=2)
    x = np.random.default_rng(0).standard_normal((2, *in_shape))
    _, dx, gradients = run(layer, x, np.pad(x, [(0, 0), *[(2, 2)] * (len(in_shape) - 1), (0, 0)]))
    np.testing.assert_array_equal(dx, x)
    assert gradients == {}
    assert run(layer, x, needs=Needs((False,), frozenset()))[1] is None


@KINDS
@pytest.mark.parametrize("padding", [-1, 1.5, "same", [1, 2, 3, 4], [[1, -1]], None])
def test_impossible_padding_is_refused(layer_type, padding):
    with pytest.raises(ValidationError, match="an integer of at least 0"):
        layer_type.Config(padding=padding)


def test_impossible_inputs_are_refused():
    with pytest.raises(ShapeError, match=r"^zero_padding1d needs sequences of shape \(steps, ch"):
        build(ZeroPadding1D, (4,))
    with pytest.raises(ShapeError, match=r"^zero_padding2d needs images of shape \(height, width"):
        build(ZeroPadding2D, (4, 2))
    with pytest.raises(ShapeError, match=r"^zero_padding3d needs volumes of shape \(depth, heigh"):
        build(ZeroPadding3D, (4, 2, 2))


def test_the_cost_is_a_copy():
    assert build(ZeroPadding2D, (3, 4, 2), padding=1).cost() == (0, 5 * 6 * 2 * 8)
