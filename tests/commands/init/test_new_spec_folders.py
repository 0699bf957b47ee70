"""Folders as people have them: divided into parts, images with masks, several encodings."""

import json

import numpy as np
import pytest

from tinynet.commands.init.new_spec import new_spec
from tinynet.errors import UsageError


def init(folder):
    result = new_spec(folder, folder.parent / "s.json")
    return result, json.loads(result.text)["data"]


def write_texts(folder, labels=("ham", "spam"), count=12, encoding="utf-8"):
    for label in labels:
        (folder / label).mkdir(parents=True)
        for i in range(count):
            (folder / label / f"{i}.txt").write_text(f"{label} für {i}", encoding=encoding)


@pytest.fixture
def write_images():
    image = pytest.importorskip("PIL.Image", reason="images need Pillow")

    def write(folder, count=12, suffix="", color=True, side=16):
        folder.mkdir(parents=True)
        shape = (side, side, 3) if color else (side, side)
        for i in range(count):
            pixels = np.random.default_rng(i).integers(0, 2, shape, dtype=np.uint8) * 255
            image.fromarray(pixels).save(folder / f"{i}{suffix}.png")

    return write


@pytest.mark.parametrize(
    ("names", "split"),
    [
        (("train", "val", "test"), None),
        (("Training", "valid"), {"test": 0.15, "stratify": True}),
        (("train", "test"), {"validation": 0.15, "stratify": True}),
    ],
)
def test_texts_in_parts(tmp_path, names, split):
    for name in names:
        write_texts(tmp_path / "mail" / name)
    result, data = init(tmp_path / "mail")
    assert data["path"] == f"mail/{names[0]}"
    own = {data[part]["path"] for part in ("validation", "test") if part in data}
    assert own == {f"mail/{name}" for name in names[1:]}
    assert data.get("split") == split
    assert sum(result.samples) == 24 * len(names)
    assert "2 classes: ham, spam" in result.notes


def test_classes_of_training_alone_are_not_used(tmp_path):
    write_texts(tmp_path / "mail" / "train", ("ham", "spam", "unsup"))
    write_texts(tmp_path / "mail" / "test")
    result, data = init(tmp_path / "mail")
    assert data["classes"] == data["test"]["classes"] == ["ham", "spam"]
    assert any("unsup" in note for note in result.notes)


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16"])
def test_the_encoding_of_texts_is_set(tmp_path, encoding):
    write_texts(tmp_path / "mail", encoding=encoding)
    assert init(tmp_path / "mail")[1]["encoding"] == encoding


def test_empty_texts_are_left_out(tmp_path):
    write_texts(tmp_path / "mail")
    (tmp_path / "mail" / "ham" / "0.txt").write_text(" ")
    result, data = init(tmp_path / "mail")
    assert data["empty"] == "skip"
    assert sum(result.samples) == 23


def test_a_single_class_is_refused(tmp_path):
    write_texts(tmp_path / "mail", ("ham",))
    with pytest.raises(UsageError, match="has only one class folder, 'ham'"):
        init(tmp_path / "mail")


def test_images_in_parts(tmp_path, write_images):
    for part in ("train", "val", "test"):
        for label in ("dark", "light"):
            write_images(tmp_path / "photos" / part / label)
    result, data = init(tmp_path / "photos")
    assert data["test"] == {"type": "image_folder", "path": "photos/test"}
    assert result.samples == (24, 24, 24)


@pytest.mark.parametrize(
    ("images", "masks", "suffix"),
    [
        ("img", "gt", ""),
        ("JPEGImages", "SegmentationClass", ""),
        ("Image", "Mask", "_mask"),
        ("images", "labels", ""),
    ],
)
def test_images_with_masks(tmp_path, write_images, images, masks, suffix):
    write_images(tmp_path / "scenes" / images)
    write_images(tmp_path / "scenes" / masks, suffix=suffix, color=False)
    _, data = init(tmp_path / "scenes")
    assert (data["images"], data["masks"]) == (f"scenes/{images}", f"scenes/{masks}")
    assert data.get("mask_suffix", "") == suffix


@pytest.mark.parametrize("form", ["{part}/{kind}", "{kind}/{part}"])
def test_images_with_masks_in_parts(tmp_path, write_images, form):
    for part in ("train", "val"):
        write_images(tmp_path / "scenes" / form.format(part=part, kind="images"))
        write_images(tmp_path / "scenes" / form.format(part=part, kind="masks"), color=False)
    result, data = init(tmp_path / "scenes")
    assert data["validation"]["masks"] == "scenes/" + form.format(part="val", kind="masks")
    assert result.samples == (10, 12, 2)


def test_gray_images_have_one_channel(tmp_path, write_images):
    for label in ("a", "b"):
        write_images(tmp_path / "scans" / label, color=False, side=120)
    result, data = init(tmp_path / "scans")
    assert data["color"] == "gray"
    assert "96 x 96 pixels (height x width)" in result.notes[0]


def test_broken_images_are_left_out(tmp_path, write_images):
    for label in ("a", "b"):
        write_images(tmp_path / "photos" / label)
    (tmp_path / "photos" / "a" / "0.png").write_bytes(b"no image")
    result, data = init(tmp_path / "photos")
    assert data["skip_broken"] is True
    assert sum(result.samples) == 23
    assert any("left out 1 broken files" in line for line in result.description)


def test_stray_files_do_not_decide_the_kind(tmp_path, write_images):
    write_texts(tmp_path / "mail")
    write_images(tmp_path / "mail" / "ham" / "scans", count=2)
    result, data = init(tmp_path / "mail")
    assert (data["type"], data["endings"]) == ("text_folder", [".txt"])
    assert sum(result.samples) == 24
