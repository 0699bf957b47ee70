"""Images of Pillow in memory, compared with their files."""

from io import BytesIO

import numpy as np
import pytest

from tinynet.builtin.datasets.memory import Memory, MemoryArrays
from tinynet.dataset import Field
from tinynet.errors import DataError
from tinynet.prediction.memory_inputs import sources_of

Image = pytest.importorskip("PIL.Image", reason="images need Pillow")

from tinynet.files.image_objects import stack_images  # noqa: E402
from tinynet.files.images import decode, decode_object  # noqa: E402

PIXELS = np.random.default_rng(0).integers(0, 256, (30, 40, 3)).astype(np.uint8)


def _turned(path, image):
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(path, exif=exif)


def _palette(path, image):
    image.quantize(16).save(path, transparency=3)


def _large(path, image):
    _turned(path, image.resize((1600, 1200)))


CASES = {
    "turned.jpg": _turned,
    "turned.png": _turned,
    "large.jpg": _large,
    "palette.png": _palette,
    "alpha.png": lambda path, image: image.convert("RGBA").rotate(30).save(path),
    "deep.png": lambda path, image: Image.fromarray(PIXELS[..., 0].astype(np.uint16) << 8).save(
        path
    ),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("mode", ["RGB", "L", "I"])
def test_the_same_pixels_as_from_the_file(tmp_path, name, mode):
    path = tmp_path / name
    CASES[name](path, Image.fromarray(PIXELS))
    expected = np.asarray(decode(str(path), mode, enough=64))
    for source in (path, BytesIO(path.read_bytes())):
        with Image.open(source) as image:
            size = image.size
            for _ in range(2):
                np.testing.assert_array_equal(decode_object("x", image, mode, enough=64), expected)
            assert image.size == size  # the object of the caller is as before
            image.load()
            if name != "large.jpg":  # of which a loaded image has more pixels than needed
                np.testing.assert_array_equal(decode_object("x", image, mode), expected)


def test_a_list_for_training_is_decoded_as_files(tmp_path):
    path = tmp_path / "turned.jpg"
    _turned(path, Image.fromarray(PIXELS))
    with Image.open(path) as image:
        arrays = MemoryArrays({"input": [image] * 2}, {"target": [0, 1]})
        data = Memory(Memory.Config(), arrays)
    assert data.inputs["input"] == Field((40, 30, 3), "uint8")
    read = data.gather(np.array([1])).inputs["input"][0]
    np.testing.assert_array_equal(read, decode(str(path), "RGB"))


@pytest.mark.parametrize(
    ("modes", "shape", "dtype"),
    [
        (["L", "1"], (2, 3, 4), "uint8"),
        (["L", "P"], (2, 3, 4, 3), "uint8"),
        (["I;16", "I;16"], (2, 3, 4), "uint16"),
        (["I;16", "L"], (2, 3, 4), "uint8"),
    ],
)
def test_channels_follow_from_all_images(modes, shape, dtype):
    array = stack_images("the input", [Image.new(mode, (4, 3)) for mode in modes])
    assert (array.shape, array.dtype) == (shape, dtype)


@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 1), (3, 4, 3)])
def test_images_for_prediction_have_the_channels_of_training(shape):
    palette = Image.new("P", (4, 3), 1)
    palette.putpalette([0, 0, 0, 90, 90, 90])
    fields = {"input": Field(shape, "uint8")}
    assert (sources_of([palette], fields)["input"].values == np.full((1, *shape), 90)).all()
    assert sources_of(palette, fields)["input"].values.shape == (1, *shape)


def test_images_of_different_sizes_are_an_error_with_a_remedy():
    images = [Image.new("L", size) for size in ((4, 3), (3, 4))]
    with pytest.raises(DataError, match=r"2 sizes .* 3 x 4 \(image 1\), 4 x 3 .*\"size\""):
        stack_images("the input", images)
    with pytest.raises(DataError, match=r"row 1 .* is str, not an image"):
        stack_images("the input", [images[0], "a.png"])
