"""The behavior of `resizing`; for its numbers see test_resizing_oracle.py."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tinynet.builtin.layers.resizing import Resizing
from tinynet.errors import ShapeError
from tinynet.layer import Build, Needs

from .image_layers import build, run, values

KINDS = [
    {"interpolation": "nearest"},
    {"interpolation": "bilinear"},
    {"interpolation": "bilinear", "align_corners": True},
    {"interpolation": "bilinear", "antialias": True},
    {"interpolation": "bicubic"},
    {"interpolation": "bicubic", "antialias": True, "exclude_outside": False},
    {"interpolation": "bicubic", "align_corners": True, "cubic_coefficient": -0.75},
]
EACH = pytest.mark.parametrize("kind", KINDS)


@pytest.mark.parametrize(
    ("width", "kind", "expected"),
    [
        (2, {}, [0.5, 8]),
        (8, {}, [0, 0.25, 0.75, 1.75, 3.25, 6, 10, 12]),
        (3, {"align_corners": True}, [0, 2.5, 12]),
        (1, {"align_corners": True}, [0]),
        (2, {"interpolation": "nearest"}, [1, 12]),
        (7, {"interpolation": "nearest"}, [0, 0, 1, 4, 4, 12, 12]),
        # Weights (1, 3, 3, 1) / 8 of the distances 3/4, 1/4, 1/4, 3/4; the first one is outside.
        (2, {"antialias": True}, [(3 * 0 + 3 * 1 + 4) / 7, (1 + 3 * 4 + 3 * 12) / 7]),
        (2, {"antialias": True, "exclude_outside": False}, [7 / 8, (1 + 12 + 36 + 12) / 8]),
        # Weights (-1, 9, 9, -1) / 16 halfway between two pixels.
        (2, {"interpolation": "bicubic"}, [5 / 17, (-1 + 9 * 4 + 9 * 12) / 17]),
        (
            2,
            {"interpolation": "bicubic", "exclude_outside": False},
            [5 / 16, (-1 + 36 + 108 - 12) / 16],
        ),
        (3, {"interpolation": "bicubic", "align_corners": True}, [0, (9 + 36 - 12) / 16, 12]),
    ],
)
def test_values_of_one_row(width, kind, expected):
    layer = build(Resizing, (1, 4, 1), height=1, width=width, **kind)
    y = values(layer, np.array([0, 1, 4, 12]).reshape(1, 1, 4, 1))
    np.testing.assert_allclose(y.ravel(), expected, atol=1e-14)


def test_a_factor_rounds_the_size_down():
    assert build(Resizing, (5, 8, 3), factor=0.5).out_shape == (2, 4, 3)
    assert build(Resizing, (5, 8, 3), factor=[2, 0.3]).out_shape == (10, 2, 3)
    assert build(Resizing, (5, 8, 3), height=7, width=1).out_shape == (7, 1, 3)


def test_places_follow_from_the_factor_not_from_the_rounded_size():
    x = np.arange(5.0).reshape(1, 1, 5, 1)
    y = values(build(Resizing, (1, 5, 1), factor=[1, 0.5]), x)
    assert y.ravel().tolist() == [0.5, 2.5]
    y = values(build(Resizing, (1, 5, 1), height=1, width=2), x)
    assert y.ravel().tolist() == [0.75, 3.25]


@EACH
@settings(max_examples=50, deadline=None)
@given(st.tuples(st.integers(0, 2), *[st.integers(1, 6)] * 3), *[st.integers(1, 9)] * 2)
def test_backward_is_the_transpose_of_forward(kind, shape, height, width):
    layer = build(Resizing, shape[1:], height=height, width=width, **kind)
    x = np.random.default_rng(0).standard_normal(shape)
    dy = np.random.default_rng(1).standard_normal((shape[0], *layer.out_shape))
    y, dx, gradients = run(layer, x, dy)
    assert y.shape == dy.shape
    assert dx.shape == x.shape
    assert gradients == {}
    np.testing.assert_allclose(np.vdot(x, dx), np.vdot(y, dy), rtol=1e-11, atol=1e-11)


@EACH
def test_the_same_size_changes_nothing(kind):
    x = np.random.default_rng(0).standard_normal((2, 5, 6, 3))
    for size in ({"height": 5, "width": 6}, {"factor": 1}):
        np.testing.assert_allclose(values(build(Resizing, (5, 6, 3), **size, **kind), x), x)


@EACH
def test_a_gradient_that_nobody_needs_is_left_out(kind):
    layer = build(Resizing, (2, 2, 1), factor=2, **kind)
    needs = Needs((False,), frozenset())
    assert run(layer, np.ones((1, 2, 2, 1)), needs=needs)[1:] == (None, {})


def test_building_an_image_of_any_size_takes_no_memory():
    config = Resizing.Config(height=10**9, width=10**9)
    assert Resizing(config, ((5, 5, 1),), Build(dry=True)).out_shape == (10**9, 10**9, 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "set height and width, or factor alone"),
        ({"height": 3}, "set height and width, or factor alone"),
        ({"height": 3, "width": 3, "factor": 2}, "set height and width, or factor alone"),
        ({"width": 3, "factor": 2}, "set height and width, or factor alone"),
        ({"height": 0, "width": 3}, "greater than or equal to 1"),
        ({"factor": 0}, "a number above 0 or"),
        ({"factor": [1, 2, 3]}, "a number above 0 or"),
        ({"factor": True}, "a number above 0 or"),
        ({"factor": 2, "interpolation": "cubic"}, "'bilinear', 'nearest' or 'bicubic'"),
        (
            {"factor": 2, "interpolation": "nearest", "align_corners": True},
            "align_corners needs interpolation 'bilinear' or 'bicubic'",
        ),
        (
            {"factor": 2, "interpolation": "nearest", "antialias": True},
            "antialias needs interpolation 'bilinear' or 'bicubic'",
        ),
        ({"factor": 2, "align_corners": True, "antialias": True}, "align_corners false"),
        ({"factor": 2, "cubic_coefficient": -0.75}, "needs interpolation 'bicubic'"),
        ({"factor": 2, "exclude_outside": False}, "needs interpolation 'bicubic', or antialias"),
    ],
)
def test_impossible_options_are_refused(options, message):
    with pytest.raises(ValidationError, match=message):
        Resizing.Config(**options)


def test_impossible_inputs_are_refused():
    with pytest.raises(ShapeError, match=r"^resizing needs images"):
        build(Resizing, (12, 3), factor=2)
    with pytest.raises(ShapeError, match=r"^resizing would make \(0, 3\) pixels of \(2, 9\): "):
        build(Resizing, (2, 9, 3), factor=0.4)


def test_cost():
    assert build(Resizing, (3, 4, 2), factor=2, **KINDS[0]).cost() == (0, 6 * 8 * 2 * 8)
    operations = 2 * (3 * 8 * 4 + 6 * 8 * 3) * 2
    assert build(Resizing, (3, 4, 2), factor=2).cost() == (operations, 6 * 8 * 2 * 8)
