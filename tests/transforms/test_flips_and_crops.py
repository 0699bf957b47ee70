"""Flips, crops, padding and shifts, against loops over pixels."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tinynet.builtin.transforms.crops import CenterCrop, PadImage, RandomCrop, RandomShift
from tinynet.builtin.transforms.flips import RandomFlip
from tinynet.dataset import Field
from tinynet.errors import DataError

from .augmentations import MODES, augmented, draws, field_of, images, make, pixel


def window(image, top, left, height, width, mode="constant", fill=0):
    """Return a window of a continued image, pixel by pixel."""
    rows = [
        [pixel(image, top + r, left + c, mode, fill) for c in range(width)] for r in range(height)
    ]
    return np.array(rows).astype(image.dtype)


@pytest.mark.parametrize("channels", [0, 1, 3])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
@pytest.mark.parametrize("mode", ["horizontal", "vertical", "horizontal_and_vertical"])
def test_flips_mirror_whole_images(mode, dtype, channels):
    x = images(channels=channels, dtype=dtype)
    y = augmented(make(RandomFlip, mode=mode), x)
    flipped = 0
    for image, result, (first, second) in zip(x, y, draws(2, len(x)), strict=True):
        rows, columns = range(image.shape[0]), range(image.shape[1])
        if mode != "vertical" and first < 0.5:
            columns = columns[::-1]
        if mode != "horizontal" and second < 0.5:
            rows = rows[::-1]
        flipped += (rows[0], columns[0]) != (0, 0)
        assert np.array_equal(result, np.array([[image[r, c] for c in columns] for r in rows]))
    assert flipped


def test_the_rate_is_that_of_each_flip():
    x = np.tile(np.arange(4.0).reshape(2, 2), (4000, 1, 1))
    y = augmented(make(RandomFlip, mode="horizontal_and_vertical", rate=0.2), x)
    horizontal, vertical = y[:, 0, 0] % 2 == 1, y[:, 0, 0] >= 2
    for share in (horizontal.mean(), vertical.mean()):
        assert abs(share - 0.2) < 0.03
    assert abs((horizontal & vertical).mean() - 0.04) < 0.015, "the two are independent"


@settings(max_examples=60)
@given(st.data())
def test_random_crops_are_windows_of_padded_images(data):
    height, width = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 6))
    sides = [[data.draw(st.integers(0, 3)) for _ in range(2)] for _ in range(2)]
    space = height + sum(sides[0]), width + sum(sides[1])
    size = [data.draw(st.integers(1, n)) for n in space]
    mode, seed = data.draw(st.sampled_from(MODES)), data.draw(st.integers(0, 99))
    x = images(3, height, width, data.draw(st.sampled_from([0, 2])))
    crop = make(RandomCrop, size=size, padding=sides, fill_mode=mode, fill=7, fill_label=7)
    y = augmented(crop, x, seed=seed)
    for image, result, (down, right) in zip(x, y, draws(2, len(x), seed), strict=True):
        top = math.floor(down * (space[0] - size[0] + 1)) - sides[0][0]
        left = math.floor(right * (space[1] - size[1] + 1)) - sides[1][0]
        assert np.array_equal(result, window(image, top, left, *size, mode, 7))


def test_every_place_of_a_crop_is_equally_likely():
    x = np.arange(9.0).reshape(1, 3, 3).repeat(9000, axis=0)
    corners = augmented(make(RandomCrop, size=1), x).ravel().astype(int)
    assert np.all(np.abs(np.bincount(corners, minlength=9) / 1000 - 1) < 0.15)


@pytest.mark.parametrize("padding", [3, [[3, 0], [0, 1]]])
def test_outside_of_training_a_crop_with_padding_keeps_the_image(padding):
    x = images()
    assert augmented(make(RandomCrop, padding=padding), x, training=False) is x
    larger = augmented(make(RandomCrop, size=6, padding=1), x, training=False)
    assert all(np.array_equal(b, window(a, -1, -1, 6, 6)) for a, b in zip(x, larger, strict=True))


def test_outside_of_training_a_crop_is_the_center():
    x = images(2, 6, 5)
    center = augmented(make(CenterCrop, size=[2, 3]), x)
    assert np.array_equal(center, x[:, 2:4, 1:4])
    y = augmented(make(RandomCrop, size=[2, 3], padding=2), x, training=False)
    assert np.array_equal(y, center)


@pytest.mark.parametrize("mode", MODES)
def test_padding_continues_images(mode):
    x = images(2, 3, 2)
    y = augmented(make(PadImage, padding=[[1, 2], [3, 0]], fill_mode=mode, fill=9), x)
    for image, result in zip(x, y, strict=True):
        assert np.array_equal(result, window(image, -1, -3, 6, 5, mode, 9))


@pytest.mark.parametrize("mode", MODES)
def test_shifts_are_by_whole_pixels_up_to_the_factor(mode):
    x = images(40, 6, 4)
    factors = {"height_factor": 0.3, "width_factor": 0.5}
    y = augmented(make(RandomShift, fill_mode=mode, fill=3, **factors), x)
    seen = set()
    for image, result, (down, right) in zip(x, y, draws(2, len(x)), strict=True):
        top, left = math.floor(down * 5) - 2, math.floor(right * 5) - 2
        seen |= {top, left}
        assert np.array_equal(result, window(image, top, left, 6, 4, mode, 3))
    assert seen == {-2, -1, 0, 1, 2}


@pytest.mark.parametrize("transform", [make(RandomFlip), make(RandomShift, height_factor=0.5)])
def test_outside_of_training_images_stay(transform):
    x = images()
    assert augmented(transform, x, training=False) is x


def test_class_indices_are_filled_with_a_label():
    masks = np.ones((4, 2, 2), np.int64)
    field = field_of(masks, ("ground", "shape", "unknown"))
    for label, value in ((0, 0), ("unknown", 2), (-1, -1)):
        y = augmented(make(PadImage, padding=1, fill=0.5, fill_label=label), masks, field=field)
        assert y[0].tolist() == [[value] * 4, *[[value, 1, 1, value]] * 2, [value] * 4]


@pytest.mark.parametrize(
    ("options", "field", "message"),
    [
        ({"fill_label": "grund"}, Field((4, 4), "int64", ("ground",)), "did you mean 'ground'"),
        ({"fill_label": "ground"}, Field((4, 4), "int64"), "no named classes; use the index"),
        ({"fill_label": -1}, Field((4, 4), "uint8"), '"fill_label": -1, .* from 0 to 255'),
        ({"fill": 0.5}, Field((4, 4, 3), "uint8"), '"fill": 0.5, .* from 0 to 255'),
        ({}, Field((16,), "float32"), r"images of shape \(H, W\) .* have the shape \(16,\)"),
        ({}, Field((), "int64", ("a", "b")), r'the shape \(\); leave it out of "on"'),
    ],
)
def test_what_cannot_be_padded_is_refused_with_a_remedy(options, field, message):
    with pytest.raises(DataError, match=message):
        make(PadImage, padding=1, **options).describe(field)


def test_a_crop_that_does_not_fit_is_refused_with_the_size_that_does():
    with pytest.raises(DataError, match=r'6x9 .* into 8x8 pixels; set "size": \[6, 8\] or less'):
        make(RandomCrop, size=[6, 9]).describe(Field((8, 8, 3), "uint8"))
    with pytest.raises(DataError, match='"pad_image" before it'):
        make(CenterCrop, size=9).describe(Field((8, 8), "float32"))
    with pytest.raises(ValidationError, match='set "padding": 4'):
        make(RandomCrop)


def test_names_of_channels_stay():
    field = Field((4, 4, 2), "float32", names=("red", "near infrared"))
    assert make(CenterCrop, size=2).describe(field) == Field(
        (2, 2, 2), "float32", None, field.names
    )
