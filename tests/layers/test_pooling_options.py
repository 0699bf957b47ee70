"""Options of pooling that few networks need; for their numbers see test_pooling_oracle.py."""

import numpy as np
import pytest
from pydantic import ValidationError

from tinynet.builtin.layers.pool1d import AvgPool1D, MaxPool1D
from tinynet.builtin.layers.pool2d import AvgPool2D, MaxPool2D
from tinynet.builtin.layers.pool3d import AvgPool3D, MaxPool3D
from tinynet.errors import ShapeError

from .image_layers import build, run, values

ROW = np.array([5.0, 1, 2, 8, 4]).reshape(1, 5, 1)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [5, 8]),
        ({"ceil_mode": True}, [5, 8, 4]),
        ({"dilation_rate": 3, "strides": 1}, [8, 4]),
        ({"dilation_rate": 3, "strides": 1, "padding": 1}, [2, 8, 4, 2]),
        ({"padding": "same"}, [5, 8, 4]),
        ({"padding": "same_lower"}, [5, 2, 8]),
        ({"pool_size": 3, "padding": [0, 2], "ceil_mode": True}, [5, 8]),
        ({"pool_size": 4, "strides": 4, "ceil_mode": True}, [8, 4]),
        ({"pool_size": 1, "strides": 3, "ceil_mode": True}, [5, 8]),
    ],
)
def test_maxima_of_one_row(options, expected):
    y = values(build(MaxPool1D, (5, 1), **options), ROW)
    assert y.ravel().tolist() == expected


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"ceil_mode": True}, [3, 5, 4]),
        ({"padding": 1}, [5, 1.5, 6]),
        ({"padding": 1, "count_include_pad": True}, [2.5, 1.5, 6]),
        ({"padding": [0, 1], "count_include_pad": True}, [3, 5, 2]),
        ({"padding": "same", "count_include_pad": True}, [3, 5, 2]),
        ({"padding": "same_lower", "count_include_pad": True}, [2.5, 1.5, 6]),
        # Pixels beyond the declared padding never count.
        ({"pool_size": 4, "padding": [0, 1], "ceil_mode": True, "count_include_pad": True}, [4, 2]),
    ],
)
def test_means_of_one_row(options, expected):
    y = values(build(AvgPool1D, (5, 1), **options), ROW)
    assert y.ravel().tolist() == expected


def test_gradients_of_means_with_padding_that_counts():
    layer = build(AvgPool1D, (2, 1), padding=1, count_include_pad=True)
    _, dx, _ = run(layer, np.ones((1, 2, 1)), np.array([[[2.0], [6.0]]]))
    assert dx.ravel().tolist() == [1, 3]


@pytest.mark.parametrize("layer_type", [MaxPool3D, AvgPool3D])
def test_output_sizes_of_volumes(layer_type):
    assert build(layer_type, (5, 6, 7, 2)).out_shape == (2, 3, 3, 2)
    assert build(layer_type, (5, 6, 7, 2), ceil_mode=True).out_shape == (3, 3, 4, 2)
    assert build(layer_type, (5, 6, 7, 2), padding="same").out_shape == (3, 3, 4, 2)
    options = {"pool_size": [1, 2, 3], "strides": [2, 1, 1], "padding": [[0, 0], [1, 0], [2, 2]]}
    assert build(layer_type, (5, 6, 7, 2), **options).out_shape == (3, 6, 9, 2)


def test_of_equal_maxima_of_a_volume_the_first_gets_the_gradient():
    x = np.zeros((1, 2, 2, 2, 1))
    x[0, 0, 1, 1] = x[0, 1, 0, 0] = 7
    _, dx, _ = run(build(MaxPool3D, (2, 2, 2, 1)), x, np.full((1, 1, 1, 1, 1), 3.0))
    expected = np.zeros((1, 2, 2, 2, 1))
    expected[0, 0, 1, 1] = 3
    np.testing.assert_array_equal(dx, expected)


@pytest.mark.parametrize("layer_type", [MaxPool1D, MaxPool2D, MaxPool3D])
def test_a_dilated_window_of_nothing_but_padding_is_refused(layer_type):
    in_shape = (2,) * {MaxPool1D: 1, MaxPool2D: 2, MaxPool3D: 3}[layer_type]
    with pytest.raises(ShapeError, match=r"whose cells are 5 apart would hold nothing but padding"):
        build(layer_type, (*in_shape, 1), padding="same", strides=1, dilation_rate=5)
    with pytest.raises(ValidationError, match=r"must be smaller than pool_size \(dilated,"):
        build(layer_type, (*in_shape, 1), padding=6, dilation_rate=5)
    build(layer_type, (*in_shape, 1), padding=5, strides=5, dilation_rate=5)


def test_an_input_that_is_no_volume_is_refused():
    with pytest.raises(ShapeError, match=r"^max_pool3d needs volumes of shape \(depth, height, w"):
        build(MaxPool3D, (5, 5, 1))
    with pytest.raises(ShapeError, match=r"span.* 2x2x2 does not fit a volume of 4x1x4; .* height"):
        build(AvgPool3D, (4, 1, 4, 1))


def test_a_window_too_large_is_explained_as_it_is_rounded():
    with pytest.raises(
        ShapeError, match=r"length would be ceil\(\(1 - 5 \+ 2\*0\) / 2\) \+ 1 = -1"
    ):
        build(MaxPool1D, (1, 1), pool_size=5, strides=2, ceil_mode=True)


def test_the_cost_counts_both_passes_over_a_volume():
    planes, depth = 4 * (4 * 2 * 3 * 3), 2 * (2 * 2 * 3 * 3)
    layer = build(MaxPool3D, (4, 4, 6, 3))
    assert layer.cost() == (planes + depth, (4 * 2 * 3 * 3 + 2 * 2 * 3 * 3) * 8)
    assert build(AvgPool2D, (4, 4, 3), count_include_pad=True).cost() == (4 * 12, 12 * 8)
    assert build(MaxPool2D, (4, 4, 3)).cost() == (4 * 12, 12 * 8)
