"""Brightness, contrast, noise, and erased rectangles."""

import math

import numpy as np
import pytest
from pydantic import ValidationError

from tinynet.builtin.transforms.erasing import Cutout, RandomErase
from tinynet.builtin.transforms.pixels import RandomBrightness, RandomContrast, RandomNoise
from tinynet.dataset import Field
from tinynet.errors import DataError

from .augmentations import augmented, draws, field_of, images, make, stream

PIXELS = (RandomBrightness, RandomContrast, RandomNoise)


def rounded(values, dtype):
    """Return numbers as values of a dtype."""
    if np.dtype(dtype).kind == "u":
        values = np.clip(np.rint(values), 0, np.iinfo(dtype).max)
    return values.astype(dtype)


@pytest.mark.parametrize(("dtype", "unit"), [("uint8", 255), ("uint16", 65535), ("float64", 1)])
def test_brightness_is_a_share_of_the_range(dtype, unit):
    x = images(dtype=dtype)
    y = augmented(make(RandomBrightness, factor=0.25), x)
    for image, result, (draw,) in zip(x, y, draws(1, len(x)), strict=True):
        right = rounded(image + np.float64(0.25 * unit * (2 * draw - 1)), dtype)
        np.testing.assert_allclose(result.astype(float), right, atol=1e-6 if unit == 1 else 1)


@pytest.mark.parametrize("channels", [0, 3])
@pytest.mark.parametrize("dtype", ["uint8", "float64"])
def test_contrast_is_about_the_mean_of_each_channel(dtype, channels):
    x = images(channels=channels, dtype=dtype)
    y = augmented(make(RandomContrast, factor=0.5), x)
    for image, result, (draw,) in zip(x, y, draws(1, len(x)), strict=True):
        mean = image.mean(axis=(0, 1))
        right = rounded(mean + (0.5 + draw) * (image - mean), dtype)
        np.testing.assert_allclose(result.astype(float), right, atol=1e-6 if dtype[0] == "f" else 1)


@pytest.mark.parametrize(("dtype", "unit"), [("float32", 1), ("float64", 1), ("uint8", 255)])
def test_noise_is_drawn_for_each_value(dtype, unit):
    x = images(dtype=dtype)
    y = augmented(make(RandomNoise, stddev=0.1), x)
    kind = np.float64 if dtype == "float64" else np.float32
    for i, (image, result) in enumerate(zip(x, y, strict=True)):
        noise = stream()(i).standard_normal(image.shape, kind)
        right = rounded(image + noise * np.float64(0.1 * unit), dtype)
        np.testing.assert_allclose(result.astype(float), right, atol=1e-6 if unit == 1 else 1)


def test_the_noise_has_its_deviation():
    noise = augmented(make(RandomNoise, stddev=0.1), np.zeros((50, 20, 20)))
    assert abs(noise.mean()) < 0.005
    assert abs(noise.std() - 0.1) < 0.005


def test_values_are_limited_to_their_range():
    x = images(40, dtype="float32")
    y = augmented(make(RandomBrightness, factor=0.9, value_range=[0.25, 0.75]), x)
    assert (y.min(), y.max()) == (0.25, 0.75)
    digits = (images(40) // 15).astype(np.uint8)
    assert augmented(make(RandomBrightness, factor=0.9, value_range=[0, 16]), digits).max() == 16
    with pytest.raises(ValidationError, match="lowest value comes first"):
        make(RandomBrightness, value_range=[1, 0])


@pytest.mark.parametrize("transform", PIXELS)
def test_outside_of_training_pixels_stay(transform):
    x = images()
    assert augmented(make(transform), x, training=False) is x


@pytest.mark.parametrize("transform", PIXELS)
@pytest.mark.parametrize(
    ("field", "message"),
    [
        (Field((4, 4), "int64", ("a", "b")), 'indices of 2 classes; leave it out of "on"'),
        (Field((4, 4), "int64"), 'holds int64; .* leave it out of "on", .* float32'),
        (Field((7,), "float32"), "needs images"),
    ],
)
def test_masks_are_refused_with_a_remedy(transform, field, message):
    with pytest.raises(DataError, match=message):
        make(transform).describe(field)


@pytest.mark.parametrize("size", [3, [2, 5]])
def test_cutout_erases_around_any_pixel(size):
    x = images(30, 6, 7) // 2 + 1
    y = augmented(make(Cutout, size=size, count=2, fill=200), x)
    high, wide = (size, size) if size == 3 else size
    for image, result, numbers in zip(x, y, draws(4, len(x)), strict=True):
        right = image.copy()
        for down, across in (numbers[:2], numbers[2:]):
            top, left = math.floor(down * 6) - high // 2, math.floor(across * 7) - wide // 2
            for row in range(max(top, 0), min(top + high, 6)):
                for column in range(max(left, 0), min(left + wide, 7)):
                    right[row, column] = 200
        assert np.array_equal(result, right)


def test_random_erase_erases_one_rectangle_of_its_area_and_ratio():
    x = np.ones((400, 30, 40))
    y = augmented(make(RandomErase, rate=0.3, scale=[0.1, 0.2], ratio=[0.5, 2]), x)
    erased = [np.argwhere(image == 0) for image in y if image.min() == 0]
    assert abs(len(erased) / 400 - 0.3) < 0.08
    for places in erased:
        height, width = np.ptp(places, axis=0) + 1
        assert height * width == len(places), "it is a full rectangle"
        assert 0.09 < len(places) / 1200 < 0.22
        assert 0.45 < height / width < 2.25
    centers = np.array([places.mean(axis=0) for places in erased])
    assert np.all(np.abs(centers.mean(axis=0) - (14.5, 19.5)) < 2.5)


def test_a_rectangle_is_cut_to_the_image():
    x = np.ones((20, 3, 50))
    y = augmented(make(RandomErase, rate=1, scale=[0.9, 1], ratio=[1, 1]), x)
    assert (y == 0).all(axis=1).any(axis=1).all()


def test_class_indices_are_erased_with_a_label():
    masks = np.ones((5, 6, 6), np.int64)
    erase = make(RandomErase, rate=1, fill=0.5, fill_label="none")
    y = augmented(erase, masks, field=field_of(masks, ("ground", "shape", "none")))
    assert set(np.unique(y)) == {1, 2}
    assert augmented(erase, masks, training=False, field=field_of(masks, ("a", "none"))) is masks
    with pytest.raises(ValidationError, match="smallest number comes first"):
        make(RandomErase, scale=[0.5, 0.1])
