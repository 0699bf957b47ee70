"""The behavior of cropping1d, 2d and 3d."""

import numpy as np
import pytest
from pydantic import ValidationError

from tinynet.builtin.layers.cropping import Cropping1D, Cropping2D, Cropping3D
from tinynet.errors import ShapeError
from tinynet.layer import Needs

from .image_layers import build, run, values

SHAPES = {Cropping1D: (6, 2), Cropping2D: (5, 6, 2), Cropping3D: (5, 6, 7, 2)}
KINDS = pytest.mark.parametrize("layer_type", SHAPES)


def test_the_rest_of_a_short_sequence():
    y = values(build(Cropping1D, (4, 1), cropping=[1, 2]), [[[3], [4], [5], [6]]])
    assert y[0, :, 0].tolist() == [4]


def test_every_side():
    x = np.random.default_rng(0).standard_normal((2, 5, 6, 7, 2))
    np.testing.assert_array_equal(
        values(build(Cropping3D, x.shape[1:], cropping=[[0, 1], [2, 3], [4, 0]]), x),
        x[:, 0:4, 2:3, 4:7],
    )
    np.testing.assert_array_equal(
        values(build(Cropping2D, (5, 6, 7), cropping=[1, 2]), x[..., 0]), x[:, 1:4, 2:4, :, 0]
    )


def test_defaults_are_those_of_keras():
    assert build(Cropping1D, (6, 2)).out_shape == (4, 2)
    assert build(Cropping2D, (5, 6, 2)).out_shape == (5, 6, 2)
    assert build(Cropping3D, (5, 6, 7, 2)).out_shape == (3, 4, 5, 2)


@KINDS
def test_the_gradient_of_a_pixel_cut_off_is_zero(layer_type):
    in_shape = SHAPES[layer_type]
    layer = build(layer_type, in_shape, cropping=1)
    dy = np.random.default_rng(0).standard_normal((2, *layer.out_shape))
    _, dx, gradients = run(layer, np.ones((2, *in_shape)), dy)
    expected = np.pad(dy, [(0, 0), *[(1, 1)] * (len(in_shape) - 1), (0, 0)])
    np.testing.assert_array_equal(dx, expected)
    assert gradients == {}
    assert run(layer, np.ones((2, *in_shape)), needs=Needs((False,), frozenset()))[1] is None


@KINDS
@pytest.mark.parametrize("cropping", [-1, 1.5, "same", [1, 2, 3, 4], [[1, -1]], None])
def test_impossible_cropping_is_refused(layer_type, cropping):
    with pytest.raises(ValidationError, match="an integer of at least 0"):
        layer_type.Config(cropping=cropping)


def test_impossible_inputs_are_refused():
    with pytest.raises(ShapeError, match=r"^cropping2d would leave \(3, 0\) of \(5, 6\): cut off"):
        build(Cropping2D, (5, 6, 2), cropping=[1, 3])
    for layer_type, in_shape in SHAPES.items():
        with pytest.raises(ShapeError, match=f"^cropping{len(in_shape) - 1}d needs"):
            build(layer_type, in_shape[1:])


def test_it_costs_nothing():
    assert build(Cropping2D, (5, 6, 2), cropping=1).cost() == (0, 0)
