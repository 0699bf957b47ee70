"""Image files: decoded as a viewer shows them, or rejected."""

import os

import numpy as np
import pytest

from tinynet.dataset import Field
from tinynet.errors import DataError
from tinynet.prediction.images import read_image

Image = pytest.importorskip("PIL.Image")
from PIL import TiffImagePlugin  # noqa: E402

SIZE = 6
GRAY = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE), np.uint8)
COLOR = np.random.default_rng(1).integers(0, 256, (SIZE, SIZE, 3), np.uint8)


@pytest.fixture
def read(tmp_path):
    """Return a function that saves and reads an image; its `warned` collects the warnings."""

    def read(image, ending="png", channels=1, resize=False, **options):
        path = tmp_path / f"image.{ending}"
        image.save(path, **options)
        return read_path(path, channels, resize)

    def read_path(path, channels=1, resize=False):
        field = Field((SIZE, SIZE, channels), "uint8")
        return read_image(str(path), field, resize=resize, warn=read.warned.append)[0]

    read.warned = []
    read.path = read_path
    return read


def gray(pixels):
    return pixels[..., 0] if pixels.ndim == 3 else pixels


def test_gray_and_color_are_unchanged(read):
    np.testing.assert_array_equal(gray(read(Image.fromarray(GRAY))), GRAY)
    np.testing.assert_array_equal(read(Image.fromarray(COLOR), channels=3), COLOR)


def test_color_and_gray_are_converted(read):
    luma = np.asarray(Image.fromarray(COLOR).convert("L"))
    np.testing.assert_array_equal(gray(read(Image.fromarray(COLOR))), luma)
    np.testing.assert_array_equal(
        read(Image.fromarray(GRAY), channels=3), np.repeat(GRAY[..., None], 3, axis=2)
    )


@pytest.mark.parametrize("ending", ["png", "tif"])
@pytest.mark.parametrize("factor", [257, 256])
def test_16_bits_are_scaled_to_8(read, ending, factor):
    """Clipping would turn all but the darkest 256 of 65,536 levels white."""
    image = Image.fromarray((GRAY.astype(np.uint32) * factor).astype(np.uint16))
    assert image.mode == "I;16"
    np.testing.assert_array_equal(gray(read(image, ending)), GRAY)


def test_16_bits_of_a_big_endian_tiff(read):
    image = Image.frombytes(
        "I;16B", (SIZE, SIZE), (GRAY.astype(">u2") * 256).astype(">u2").tobytes()
    )
    np.testing.assert_array_equal(gray(read(image, "tif")), GRAY)


def test_16_bits_of_an_inverted_tiff(read):
    image = Image.fromarray((255 - GRAY).astype(np.uint16) * 257)
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[262] = 0
    np.testing.assert_array_equal(gray(read(image, "tif", tiffinfo=tags)), GRAY)


@pytest.mark.parametrize(
    ("orientation", "turned"),
    [
        (2, np.fliplr), (3, lambda p: np.rot90(p, 2)), (4, np.flipud), (5, np.transpose),
        (6, lambda p: np.rot90(p, -1)), (8, np.rot90),
    ],
)  # fmt: skip
@pytest.mark.parametrize("ending", ["png", "tif"])
def test_exif_orientation_is_applied(read, orientation, turned, ending):
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = read(Image.fromarray(GRAY), ending, exif=exif)
    np.testing.assert_array_equal(gray(pixels), turned(GRAY))


def with_alpha():
    alpha = np.full((SIZE, SIZE, 1), 255, np.uint8)
    alpha[:2] = 0
    return np.concatenate([COLOR, alpha], axis=2)


def test_transparent_parts_are_white_with_a_warning(read):
    pixels = read(Image.fromarray(with_alpha()), channels=3)
    assert (pixels[:2] == 255).all()
    np.testing.assert_array_equal(pixels[2:], COLOR[2:])
    (warning,) = read.warned
    assert warning.endswith("image.png has transparent parts; they are drawn on white")


def test_opaque_alpha_channel_gives_no_warning(read):
    opaque = with_alpha()
    opaque[..., 3] = 255
    np.testing.assert_array_equal(read(Image.fromarray(opaque), channels=3), COLOR)
    assert not read.warned


def test_network_with_four_channels_gets_the_alpha_channel(read):
    np.testing.assert_array_equal(read(Image.fromarray(with_alpha()), channels=4), with_alpha())
    assert (read(Image.fromarray(COLOR), channels=4)[..., 3] == 255).all()
    assert not read.warned


def palette(**options):
    image = Image.new("P", (SIZE, SIZE), 1)
    image.putpalette([0, 0, 0, 200, 100, 50])
    image.putpixel((0, 0), 0)
    return image


def test_palette_becomes_its_colors(read):
    pixels = read(palette(), channels=3)
    assert pixels[1, 1].tolist() == [200, 100, 50]
    assert pixels[0, 0].tolist() == [0, 0, 0]


def test_transparent_color_of_a_palette_is_white(read):
    pixels = read(palette(), channels=3, transparency=0)
    assert pixels[0, 0].tolist() == [255, 255, 255]
    assert pixels[1, 1].tolist() == [200, 100, 50]
    assert read.warned


def test_transparent_gray_level_is_white(read):
    image = Image.new("L", (SIZE, SIZE), 9)
    image.putpixel((0, 0), 0)
    assert gray(read(image, transparency=0)).tolist()[0] == [255, 9, 9, 9, 9, 9]
    assert read.warned


@pytest.mark.parametrize(
    ("mode", "ending"),
    [
        ("1", "png"), ("1", "tif"), ("L", "bmp"), ("L", "gif"), ("LA", "png"), ("P", "gif"),
        ("P", "bmp"), ("PA", "tif"), ("RGB", "webp"), ("RGBA", "tif"), ("RGBX", "tif"),
        ("CMYK", "tif"), ("CMYK", "jpg"), ("YCbCr", "tif"), ("YCbCr", "jpg"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_white_is_white_in_every_mode(read, mode, ending, channels):
    white = Image.new("RGB", (SIZE, SIZE), "white")
    image = white.convert("P").convert("PA") if mode == "PA" else None
    if image is None:
        image = white.convert("L").convert("LA") if mode == "LA" else white.convert(mode)
    options = {"lossless": True} if ending == "webp" else {}
    assert (read(image, ending, channels, **options) >= 254).all()
    assert not read.warned


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (Image.new("F", (SIZE, SIZE)), "holds floats"),
        (Image.new("I", (SIZE, SIZE)), "holds 32-bit integers"),
        (Image.new("LAB", (SIZE, SIZE)), "holds CIELAB colors"),
    ],
)
def test_values_of_unknown_range_are_an_error(read, image, words):
    """Floats from 0 to 1 would otherwise become black."""
    with pytest.raises(DataError, match=f"{words}, which .*; save it with 8 bits for each channel"):
        read(image, "tif")


@pytest.mark.parametrize("ending", ["gif", "tif", "png", "webp"])
def test_several_frames_are_an_error(read, ending):
    frames = [Image.new("L", (SIZE, SIZE), level) for level in (0, 100, 200)]
    with pytest.raises(DataError, match="holds 3 frames; save the one to use as a file of its own"):
        read(frames[0], ending, save_all=True, append_images=frames[1:])


def test_preview_of_a_photo_is_ignored(read):
    """Phones save a second, smaller frame."""
    frames = [Image.new("L", (SIZE, SIZE), level) for level in (200, 0)]
    pixels = read(frames[0], "mpo", save_all=True, append_images=frames[1:])
    assert (pixels >= 198).all()


def test_another_size_is_an_error_without_resize(read):
    image = Image.new("L", (12, 9), 7)
    with pytest.raises(DataError, match=r"is 12 x 9 pixels; the model was trained on 6 x 6 \(add"):
        read(image)
    assert (read(image, resize=True) == 7).all()


def test_pipe_is_an_error(read, tmp_path):
    path = tmp_path / "image.png"
    os.mkfifo(path)
    with pytest.raises(DataError, match="is a pipe or a device"):
        read.path(path)


@pytest.mark.parametrize("content", [b"", b"no image", b"%!PS-Adobe-3.0 EPSF-3.0\n"])
def test_file_that_is_not_an_image_is_an_error(read, tmp_path, content):
    path = tmp_path / "image.png"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"image\.png cannot be read as an image"):
        read.path(path)


def test_damaged_image_is_an_error(read, tmp_path):
    path = tmp_path / "image.png"
    Image.fromarray(COLOR).save(path)
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(DataError, match=r"image\.png cannot be read as an image"):
        read.path(path)


def test_decompression_bomb_is_an_error(read, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 30)
    with pytest.raises(
        DataError, match="cannot be read as an image: it declares more than 30 pixels"
    ):
        read(Image.fromarray(GRAY))


def test_image_for_a_network_without_images_is_an_error(tmp_path):
    path = tmp_path / "image.png"
    Image.fromarray(GRAY).save(path)
    with pytest.raises(DataError, match=r"is an image, but the model's input has the shape \(4,\)"):
        read_image(str(path), Field((4,), "float64"), resize=False, warn=print)


def test_images_without_a_channel_axis(tmp_path):
    path = tmp_path / "image.png"
    Image.fromarray(GRAY).save(path)
    image = read_image(str(path), Field((SIZE, SIZE), "uint8"), resize=False, warn=print)
    np.testing.assert_array_equal(image[0], GRAY)
