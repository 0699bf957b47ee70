"""Rotation and zoom, against interpolation pixel by pixel."""

import math

import numpy as np
import pytest
from pydantic import ValidationError

from tinynet.builtin.transforms.rotations import RandomRotate, RandomZoom

from .augmentations import MODES, augmented, draws, field_of, images, make, pixel


def interpolated(image, row, column, mode, fill):
    top, left = math.floor(row), math.floor(column)
    down, right = row - top, column - left
    return sum(
        weight * pixel(image, top + r, left + c, mode, fill)
        for r, c, weight in (
            (0, 0, (1 - down) * (1 - right)),
            (0, 1, (1 - down) * right),
            (1, 0, down * (1 - right)),
            (1, 1, down * right),
        )
    )


def nearest(image, row, column, mode, fill):
    return pixel(image, math.floor(row + 0.5), math.floor(column + 0.5), mode, fill)


def moved(image, matrix, value, mode, fill):
    """Return an image whose pixels, relative to the center, come from ``matrix`` times there."""
    height, width = image.shape[:2]
    middle = np.array([(height - 1) / 2, (width - 1) / 2])
    places = [[matrix @ ([r, c] - middle) + middle for c in range(width)] for r in range(height)]
    return np.array([[value(image, *place, mode, fill) for place in row] for row in places])


def rotation(draw):
    angle = math.radians(40 * (2 * draw - 1))
    return np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])


def zoom(draw):
    return np.eye(2) / (0.5 + draw)


KINDS = [
    (RandomRotate, {"degrees": 40}, rotation),
    (RandomZoom, {"scale": [0.5, 1.5]}, zoom),
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("transform", "options", "matrix"), KINDS)
def test_pixels_are_interpolated(transform, options, matrix, mode):
    for channels, dtype, error in ((0, "float64", 1e-12), (2, "float32", 1e-5), (3, "uint8", 0.51)):
        x = images(4, 6, 5, channels, dtype)
        y = augmented(make(transform, fill_mode=mode, fill=5, **options), x)
        for image, result, (draw,) in zip(x, y, draws(1, len(x)), strict=True):
            right = moved(image, matrix(draw), interpolated, mode, 5)
            np.testing.assert_allclose(result, right, atol=error, rtol=0)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("transform", "options", "matrix"), KINDS)
def test_class_indices_are_those_of_the_nearest_pixel(transform, options, matrix, mode):
    x = np.random.default_rng(0).integers(3, size=(4, 7, 6))
    move = make(transform, fill_mode=mode, fill=0.5, fill_label="c", **options)
    y = augmented(move, x, field=field_of(x, ("a", "b", "c")))
    for mask, result, (draw,) in zip(x, y, draws(1, len(x)), strict=True):
        assert np.array_equal(result, moved(mask, matrix(draw), nearest, mode, 2))


@pytest.mark.parametrize("dtype", ["uint8", "int32", "bool"])
def test_integers_without_channels_are_labels(dtype):
    """Otherwise the border between classes 0 and 9 of a mask would become class 4."""
    x = (images(5, 8, 8, 0, "float64") * 10).astype(dtype)
    y = augmented(make(RandomRotate, degrees=90, fill_label=1), x)
    assert set(np.unique(y)) <= {*np.unique(x), 1}


def test_large_batches_are_computed_in_parts():
    x = images(3, 400, 500, 0, "float32")
    together = augmented(make(RandomRotate), x)
    alone = augmented(make(RandomRotate), x[:1])
    np.testing.assert_array_equal(together[:1], alone)


def test_nothing_moves_without_a_range():
    x = images(5, 5, 4, 3)
    for still in (make(RandomRotate, degrees=0), make(RandomZoom, scale=[1, 1])):
        assert np.array_equal(augmented(still, x), x)
        assert augmented(still, x, training=False) is x


def test_a_range_of_factors_is_in_order():
    with pytest.raises(ValidationError, match="smallest magnification comes first"):
        make(RandomZoom, scale=[1.2, 0.8])
