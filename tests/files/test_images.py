"""Decoding of image files where prediction does not use it, and class maps."""

import numpy as np
import pytest

from tinynet.errors import DataError
from tinynet.files.class_maps import class_palette, write_class_map
from tinynet.files.images import (
    decode,
    decode_colors,
    decode_object,
    decode_values,
    displayed_size,
    open_image,
)

Image = pytest.importorskip("PIL.Image", reason="images need Pillow")

LEVELS = np.arange(0, 60000, 5000, dtype=np.uint16).reshape(3, 4)


def save(path, image, **options):
    image.save(path, **options)
    return str(path)


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_16_bits_are_kept_on_request(tmp_path, ending):
    path = save(tmp_path / f"a.{ending}", Image.fromarray(LEVELS))
    np.testing.assert_array_equal(decode(path, "I"), LEVELS)
    np.testing.assert_array_equal(decode(path, "L"), LEVELS >> 8)


def test_8_bits_fill_the_range_of_16_bits(tmp_path):
    """White stays white, whatever the depth of the file."""
    path = save(tmp_path / "a.png", Image.fromarray(np.uint8([[0, 1, 255]])))
    assert np.asarray(decode(path, "I")).tolist() == [[0, 257, 65535]]


@pytest.mark.parametrize("ending", ["png", "jpg", "tif"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_displayed_size_is_that_of_the_decoded_image(tmp_path, ending, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path / f"a.{ending}", Image.new("RGB", (8, 5)), exif=exif)
    with open_image(path) as opened:
        size = displayed_size(opened)
    assert size == decode(path, "RGB").size == ((8, 5) if orientation < 5 else (5, 8))


def test_values_are_palette_indices_gray_values_or_colors(tmp_path):
    indices = np.uint8([[0, 1], [2, 1]])
    palette = Image.frombytes("P", (2, 2), indices.tobytes())
    palette.putpalette([9, 9, 9, 1, 2, 3, 200, 100, 50])
    colors = [[0x090909, 0x010203], [0xC86432, 0x010203]]
    path = save(tmp_path / "palette.png", palette)
    values, are_colors = decode_values(path)
    assert (values.tolist(), are_colors) == (indices.tolist(), False)
    assert decode_colors(path).tolist() == colors
    values, are_colors = decode_values(save(tmp_path / "rgb.png", palette.convert("RGB")))
    assert (values.tolist(), are_colors) == (colors, True)
    values, are_colors = decode_values(save(tmp_path / "gray.png", Image.fromarray(indices)))
    assert (values.tolist(), are_colors) == (indices.tolist(), False)
    values, _ = decode_values(save(tmp_path / "16.png", Image.fromarray(LEVELS)))
    assert values.tolist() == LEVELS.tolist()
    values, _ = decode_values(save(tmp_path / "1.png", Image.fromarray(indices > 0)))
    assert values.tolist() == [[0, 1], [1, 1]]


def test_images_in_memory_are_converted_as_files_are(tmp_path):
    image = Image.new("RGBA", (2, 2), (10, 20, 30, 0))
    path = save(tmp_path / "a.png", image)
    expected = np.asarray(decode(path, "RGB"))
    np.testing.assert_array_equal(decode_object("the image", image, "RGB"), expected)
    with pytest.raises(DataError, match=r"^the image holds floats, which"):
        decode_object("the image", Image.new("F", (2, 2)), "L")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (
            b"name,kind\n",
            r"it is not a PNG, JPEG, BMP, GIF, TIFF or WebP file \(it starts with b'na",
        ),
        (b"\x89PNG\r\n\x1a\n", "its header is damaged, or of a kind that Pillow does not read"),
    ],
)
def test_what_is_not_an_image_is_named(tmp_path, content, reason):
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"a\.png cannot be read as an image: {reason}"):
        decode(str(path), "L")


@pytest.mark.parametrize("classes", [3, 256, 300])
def test_class_maps_hold_the_indices(tmp_path, classes):
    indices = np.arange(400).reshape(20, 20) % classes
    path = tmp_path / "map.png"
    write_class_map(path, indices)
    values, _ = decode_values(str(path))
    np.testing.assert_array_equal(values, indices)
    assert [file.name for file in tmp_path.iterdir()] == ["map.png"]


def test_class_maps_have_the_colors_of_the_palette(tmp_path):
    path = tmp_path / "map.png"
    palette = np.uint8([[0, 0, 0], [1, 2, 3]])
    write_class_map(path, np.array([[0, 1]]), palette)
    assert decode_colors(str(path)).tolist() == [[0, 0x010203]]
    write_class_map(path, np.array([[0, 1]]))
    assert decode_colors(str(path)).tolist() == [[0, 0x800000]]


def test_palette_is_that_of_pascal_voc():
    first = [[0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0], [0, 0, 128]]
    assert class_palette(256)[:5].tolist() == first
    assert class_palette(256)[255].tolist() == [224, 224, 192]
    assert len(np.unique(class_palette(256), axis=0)) == 256
