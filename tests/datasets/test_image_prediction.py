"""Images without targets, as prediction reads them: files, folders, and objects in memory."""

import numpy as np
import pytest

from tinynet.builtin.datasets.image_folder import ImageFolder
from tinynet.builtin.images import unlabeled
from tinynet.dataset import Field
from tinynet.errors import DataError

Image = pytest.importorskip("PIL.Image", reason="images need Pillow")


@pytest.fixture
def photos(tmp_path):
    """A folder with folders."""
    folder = tmp_path / "photos"
    for name, level in (("dog/b.png", 30), ("cat/2.png", 20), ("cat/inner/1.bmp", 40)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 3), level).save(folder / name)
    return folder


def rows(source, fields=None, keep=(), **options):
    config = ImageFolder.Config(path="not read", **{"color": "gray", **options})
    fields = fields or {"input": Field((3, 4, 1), "uint8")}
    return list(ImageFolder.read_rows(config, source, fields, {}, keep))


def test_a_folder_is_read_with_its_subfolders(photos):
    (part,) = rows(str(photos), keep=("file",))
    files = [str(photos / n) for n in ("cat/2.png", "cat/inner/1.bmp", "dog/b.png")]
    assert list(part.places) == part.kept["file"] == files
    assert part.inputs["input"][:, 0, 0, 0].tolist() == [20, 40, 30]
    assert part.rows.tolist() == [0, 1, 2]


def test_large_folders_are_read_in_parts(photos, monkeypatch):
    monkeypatch.setattr(unlabeled, "CHUNK", 2)
    assert [part.rows.tolist() for part in rows(photos)] == [[0, 1], [2]]


def test_images_for_prediction_are_resized_as_in_training(photos, tmp_path):
    values = np.random.default_rng(0).integers(0, 256, (9, 17), np.uint8)
    (tmp_path / "one/a").mkdir(parents=True)
    Image.fromarray(values).save(tmp_path / "one/a/1.png")
    options = {"size": [3, 4], "resize": "crop", "interpolation": "lanczos"}
    config = ImageFolder.Config(path=str(tmp_path / "one"), color="gray", **options)
    expected = ImageFolder(config).gather(np.array([0]))
    (part,) = rows(tmp_path / "one/a/1.png", **options)
    np.testing.assert_array_equal(part.inputs["input"], expected.inputs["input"])
    (part,) = rows([values, Image.fromarray(values)], **options)
    np.testing.assert_array_equal(part.inputs["input"][:1], expected.inputs["input"])
    np.testing.assert_array_equal(part.inputs["input"][1:], expected.inputs["input"])
    assert list(part.places) == ["image 0 (counted from 0)", "image 1 (counted from 0)"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (7, "images are expected, not int"),
        ([], "images are expected, not list"),
        ([7], r"image 0 \(counted from 0\) is an object of type int"),
        ([np.zeros((3, 4))], "has the dtype float64; pixels are expected as uint8"),
        ([np.zeros((3, 4, 2), np.uint8)], r"has the shape \(3, 4, 2\); "),
        ([np.zeros((5, 4), np.uint8)] * 2, r"(?s)image 0 .* is 4 x 5 pixels; .*image 1 "),
        ("none.png", "no such file: none.png"),
    ],
)
def test_other_sources_for_prediction_are_an_error(source, message):
    with pytest.raises(DataError, match=message):
        rows(source)


def test_broken_images_are_left_out_as_in_training(photos):
    (photos / "cat/3.png").write_bytes(b"no image")
    with pytest.warns(UserWarning, match=r"left out 1 images.*\n.*cat/3\.png cannot be read"):
        (part,) = rows(str(photos), keep=("file",), skip_broken=True)
    assert part.rows.tolist() == [0, 2, 3]
    assert part.kept["file"] == list(part.places)
    assert part.inputs["input"][:, 0, 0, 0].tolist() == [20, 40, 30]
    with pytest.raises(DataError, match=r"cat/3\.png cannot be read"):
        rows(str(photos / "cat/3.png"), skip_broken=True)


def test_images_have_no_columns_to_keep(photos):
    with pytest.raises(DataError, match="images have no column 'id'; available: file"):
        rows(photos, keep=("id",))
