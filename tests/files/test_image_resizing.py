"""Resizing: image and mask cover the same part of a picture."""

import numpy as np
import pytest

from tinynet.files.image_resizing import Resizing

Image = pytest.importorskip("PIL.Image", reason="images need Pillow")

METHODS = ["stretch", "crop", "pad"]
SIZES = [(7, 12), (12, 7), (8, 8), (3, 40), (16, 24), (1, 1)]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", SIZES)
def test_masks_are_resized_as_images_are(method, size):
    """A mask that is one pixel off its image teaches the network a wrong outline."""
    values = np.random.default_rng(0).integers(1, 250, size, np.uint8)
    resizing = Resizing(8, 8, method, "nearest")
    image = np.asarray(resizing.apply(Image.fromarray(values)))
    np.testing.assert_array_equal(resizing.apply_nearest(values, 0), image)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "lanczos", "area"])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "I"])
def test_every_mode_is_resized(method, interpolation, mode):
    image = Image.new(mode, (9, 5), 200 if mode in "LI" else (200,) * len(mode))
    resized = Resizing(6, 4, method, interpolation).apply(image)
    assert (resized.size, resized.mode) == ((4, 6), mode)
    assert np.asarray(resized)[3, 2].max() == 200


def test_crop_takes_the_center():
    values = np.arange(12, dtype=np.uint8)[np.newaxis].repeat(4, axis=0)
    cropped = np.asarray(Resizing(4, 4, "crop", "nearest").apply(Image.fromarray(values)))
    assert cropped[0].tolist() == [4, 5, 6, 7]


def test_pad_adds_a_border_on_both_sides():
    values = np.full((4, 8), 9, np.uint8)
    padded = np.asarray(Resizing(8, 8, "pad").apply(Image.fromarray(values)))
    assert padded[:, 0].tolist() == [0, 0, 9, 9, 9, 9, 0, 0]
    border = Resizing(8, 8, "pad").apply_nearest(values, 5)
    assert border[:, 0].tolist() == [5, 5, 9, 9, 9, 9, 5, 5]


def test_image_of_the_size_is_not_changed():
    image = Image.new("L", (4, 6), 3)
    for method in METHODS:
        assert Resizing(6, 4, method).apply(image) is image


@pytest.mark.parametrize("method", ["stretch", "pad", "crop"])
@pytest.mark.parametrize("size", [(4, 3), (7, 5), (3, 9)])
def test_enlarged_values_are_restored(method, size):
    """Every pixel of the image has a copy in a larger size, except what was cut off."""
    values = np.arange(size[0] * size[1]).reshape(size[1], size[0])
    resizing = Resizing(60, 60, method)
    resized = resizing.apply_nearest(values, -1)
    restored = resizing.restore_nearest(resized, size, -2)
    assert restored.shape == values.shape
    kept = restored != -2
    assert (restored[kept] == values[kept]).all()
    assert kept.all() == (method != "crop")
    if method == "crop":
        assert kept.any(axis=0).sum() == kept.any(axis=1).sum() == min(size)


def test_reduced_values_cover_the_image():
    values = np.repeat(np.repeat([[1, 2], [3, 4]], 10, axis=0), 15, axis=1)
    for method in ("stretch", "pad"):
        resizing = Resizing(6, 6, method)
        resized = resizing.apply_nearest(values, 0)
        np.testing.assert_array_equal(resizing.restore_nearest(resized, (30, 20), 0), values)
