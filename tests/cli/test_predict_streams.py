"""`tinynet predict`: standard input, kept columns, class maps, and files larger than a part."""

import csv
import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest

import tinynet as library
from tinynet.builtin.datasets.digits import Digits

IMAGES = Digits(Digits.Config()).gather(np.arange(700)).inputs["input"]


@pytest.fixture
def standard_input(monkeypatch):
    """Set the bytes of standard input."""

    def give(content):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    return give


def test_rows_of_standard_input(tinynet, table_run, standard_input):
    standard_input(b"width,height\n0.1,0.9\n0.9,0.1\n")
    assert tinynet("predict", table_run, "-", "--json").json["labels"] == ["lily", "rose"]


def test_array_of_standard_input(tinynet, run, standard_input):
    content = io.BytesIO()
    np.save(content, IMAGES[:4])
    standard_input(content.getvalue())
    expected = library.load_model(run).predict(IMAGES[:4]).probabilities.tolist()
    assert tinynet("predict", run, "-", "--json").json["probabilities"] == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "standard input is empty"),
        (b"width,height\n1,tall\n", "standard input"),
        (b"width\n1\n", "standard input"),
    ],
)
def test_errors_name_standard_input(tinynet, table_run, standard_input, content, message):
    standard_input(content)
    result = tinynet("predict", table_run, "-")
    assert result.code == 3
    assert message in result.err
    assert "/tmp" not in result.err


def test_standard_input_is_the_only_input(tinynet, table_run):
    result = tinynet("predict", table_run, "-", "a.csv")
    assert result.code == 2
    assert "is the only input" in result.err


def test_columns_to_keep_need_a_table(tinynet, run):
    np.save("x.npy", IMAGES)
    result = tinynet("predict", run, "x.npy", "--keep", "id,name")
    assert result.code == 3
    assert "x.npy has no columns to keep ('id', 'name')" in result.err


@pytest.mark.parametrize("ending", ["csv", "jsonl", "npz"])
def test_file_of_several_parts_has_the_bits_of_python(tinynet, run, ending):
    np.save("x.npy", IMAGES)
    out = Path(f"out.{ending}")
    assert tinynet("predict", run, "x.npy", "-o", out).out == f"{out}: 700 predictions\n"
    expected = library.load_model(run).predict(IMAGES).probabilities
    if ending == "npz":
        with np.load(out) as saved:
            found = saved["probabilities"]
    elif ending == "csv":
        with out.open(newline="") as file:
            rows = [[*row.values()][2:] for row in csv.DictReader(file)]
        found = np.array(rows, np.float64)
    else:
        lines = map(json.loads, out.read_text().splitlines())
        found = np.array([[line[f"p({name})"] for name in "0123456789"] for line in lines])
    np.testing.assert_array_equal(found.astype(np.float32), expected)


@pytest.fixture
def pixels_run(tinynet):
    """Return a run that finds bright pixels of images of 4 x 6 pixels."""
    draw = np.random.default_rng(0)
    x = draw.integers(0, 256, (40, 4, 6, 1)).astype(np.uint8)
    np.savez("pixels.npz", x=x, y=(x[..., 0] > 127).astype(np.int64))
    spec = {
        "tinynet": 1,
        "name": "pixels",
        "data": {
            "type": "npz",
            "path": "pixels.npz",
            "classes": ["dark", "bright"],
            "transforms": [{"type": "scale", "factor": 1 / 255}],
        },
        "network": {"layers": [{"type": "dense", "units": 2}]},
        "training": {
            "epochs": 60,
            "loss": "softmax_cross_entropy",
            "optimizer": {"type": "adam", "learning_rate": 0.1},
        },
    }
    return library.train(spec, "pixels").path


def test_class_maps_are_written_as_images(tinynet, pixels_run):
    image_module = pytest.importorskip("PIL.Image", reason="images need Pillow")
    draw = np.random.default_rng(1)
    Path("photos").mkdir()
    for name in ("a", "b"):
        pixels = draw.integers(0, 256, (4, 6)).astype(np.uint8)
        image_module.fromarray(pixels).save(f"photos/{name}.png")
    result = tinynet("predict", pixels_run, "photos", "-o", "out/masks/")
    assert (result.code, result.out) == (0, "out/masks/: 2 predictions\n")
    assert sorted(path.name for path in Path("out/masks").iterdir()) == ["a.png", "b.png"]
    assert sorted(path.name for path in Path("out").iterdir()) == ["masks"]
    labels = library.load_model(pixels_run).predict(Path("photos")).labels
    for name, expected in zip("ab", labels, strict=True):
        with image_module.open(f"out/masks/{name}.png") as image:
            assert np.array_equal(np.asarray(image), expected == "bright")


def test_class_maps_of_arrays_are_numbered(tinynet, pixels_run):
    pytest.importorskip("PIL.Image", reason="images need Pillow")
    np.save("x.npy", np.zeros((3, 4, 6, 1), np.uint8))
    assert tinynet("predict", pixels_run, "x.npy", "-o", "masks/").code == 0
    assert sorted(path.name for path in Path("masks").iterdir()) == ["0.png", "1.png", "2.png"]


def test_class_map_never_replaces_its_image(tinynet, pixels_run):
    image_module = pytest.importorskip("PIL.Image", reason="images need Pillow")
    Path("photos").mkdir()
    image_module.new("L", (6, 4)).save("photos/a.png")
    before = Path("photos/a.png").read_bytes()
    result = tinynet("predict", pixels_run, "photos", "-o", "photos/")
    assert result.code == 3
    assert "would replace it; name another folder" in result.err
    assert Path("photos/a.png").read_bytes() == before


def test_two_images_with_one_name_write_nothing(tinynet, pixels_run):
    image_module = pytest.importorskip("PIL.Image", reason="images need Pillow")
    for folder in ("one", "two"):
        Path(folder).mkdir()
        image_module.new("L", (6, 4)).save(f"{folder}/a.png")
    result = tinynet("predict", pixels_run, "one", "two", "-o", "masks/")
    assert result.code == 3
    assert "two images would be written as masks/a.png" in result.err
    assert not Path("masks").exists()


def test_class_maps_need_a_class_for_each_pixel(tinynet, run):
    pytest.importorskip("PIL.Image", reason="images need Pillow")
    np.save("x.npy", IMAGES)
    result = tinynet("predict", run, "x.npy", "-o", "masks/")
    assert result.code == 3
    assert "the predictions have no class maps" in result.err
    assert [path.name for path in Path().iterdir() if path.name.startswith(".")] == []
