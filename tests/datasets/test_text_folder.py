"""Folders of text files: a folder for each class."""

import gzip
import os

import numpy as np
import pytest

from tinynet.builtin.datasets.text_folder import TextFolder
from tinynet.data.data import Data
from tinynet.dataset import TEXT, Field
from tinynet.errors import DataError
from tinynet.spec.data_spec import DataSpec

FILES = {
    "pos/b.txt": "Très bien.\n",
    "pos/a.txt": "good",
    "pos/more/c": "fine",
    "neg/z.txt": "bad",
    ".cache/x.txt": "hidden",
    "neg/.hidden": "hidden",
    "readme.md": "beside the folders",
}


@pytest.fixture
def write(tmp_path):
    def write(files, encoding="utf-8"):
        for name, text in files.items():
            path = tmp_path / "data" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return str(tmp_path / "data")

    return write


def opened(path, **options):
    return TextFolder(TextFolder.Config(path=path, **options))


def content(dataset):
    batch = dataset.gather(np.arange(len(dataset)))
    classes = dataset.targets["target"].classes
    return [
        (classes[label], text)
        for label, text in zip(batch.targets["target"], batch.inputs["input"], strict=True)
    ]


def test_each_folder_is_a_class_and_each_file_a_text(write):
    dataset = opened(write(FILES))
    assert dataset.inputs == {"input": Field((), TEXT)}
    assert dataset.targets == {"target": Field((), "int64", classes=("neg", "pos"))}
    assert content(dataset) == [
        ("neg", "bad"),
        ("pos", "good"),
        ("pos", "Très bien.\n"),
        ("pos", "fine"),
    ]
    assert dataset.where(3).endswith(os.path.join("pos", "more", "c"))
    assert dataset.gather(np.array([2, 0])).inputs["input"].tolist() == ["Très bien.\n", "bad"]


def test_chosen_classes_keep_their_order(write):
    path = write({**FILES, "unsup/a.txt": "?"})
    dataset = opened(path, classes=("pos", "neg"))
    assert dataset.targets["target"].classes == ("pos", "neg")
    assert len(dataset) == 4


def test_chosen_endings(write):
    path = write({**FILES, "pos/image.png": b"\x89PNG\0"})
    assert len(opened(path, endings=(".txt",))) == 3


def test_gzip_byte_order_mark_and_other_encodings(write):
    packed = gzip.compress("\ufeffÜber".encode())
    path = write({"a/x.gz": packed, "b/y": "\ufeffplain"})
    assert content(opened(path)) == [("a", "Über"), ("b", "plain")]
    path = write({"a/x.gz": gzip.compress("Über".encode("cp1252")), "b/y": b"\xe9"})
    assert content(opened(path, encoding="cp1252")) == [("a", "Über"), ("b", "é")]


def test_empty_files(write):
    path = write({"a/1": "", "a/2": "x", "b/3": " \n", "b/4": "y"})
    with pytest.raises(DataError) as caught:
        opened(path)
    message = str(caught.value)
    assert os.path.join("a", "1") in message
    assert os.path.join("b", "3") in message
    assert '"empty": "skip"' in message
    assert content(opened(path, empty="skip")) == [("a", "x"), ("b", "y")]
    assert len(opened(path, empty="keep")) == 4


def test_the_fingerprint_is_that_of_the_content(write, tmp_path):
    path = write(FILES)
    first = opened(path).fingerprint
    moved = tmp_path / "moved"
    os.rename(path, moved)
    assert opened(str(moved)).fingerprint == first
    (moved / "pos" / "a.txt").write_text("gooD")
    assert opened(str(moved)).fingerprint != first
    assert opened(str(moved), classes=("pos", "neg")).fingerprint != first


def test_all_broken_files_are_named_at_once(write):
    path = write({"a/1": b"\xff", "a/2": "fine", "b/3": b"x\0y", "b/4": b"ok \xe9"})
    with pytest.raises(DataError) as caught:
        opened(path)
    message = str(caught.value)
    for name, fault in (("1", "0xff"), ("3", "NUL"), ("4", "0xe9")):
        assert any(line.count(os.sep + name) and fault in line for line in message.splitlines())


def test_reading_for_prediction(write):
    path = write(FILES)
    config, fields = TextFolder.Config(path="elsewhere"), {"input": Field((), TEXT)}

    def read(source, keep=()):
        return list(TextFolder.read_rows(config, source, fields, {}, keep))

    (rows,) = read(path, ["file"])
    assert rows.inputs["input"].tolist() == [
        "beside the folders", "bad", "good", "Très bien.\n", "fine",
    ]  # fmt: skip
    assert rows.rows.tolist() == list(range(5))
    assert rows.kept["file"] == rows.places
    (rows,) = read(os.path.join(path, "pos", "a.txt"))
    assert rows.inputs["input"].tolist() == ["good"]
    (rows,) = read(["one", "two"], ["text"])
    assert rows.kept["text"] == ["one", "two"]
    with pytest.raises(DataError, match="no column 'id' to keep; available: file, text"):
        read(path, ["id"])


def test_folders_of_training_and_test(write, tmp_path):
    """As in many published datasets; a class that the test lacks keeps its index."""
    write({"train/neg/1": "bad", "train/pos/1": "good", "train/unsup/1": "?"})
    write({"test/pos/1": "good"})
    write({"test/unsup/1": "what"})
    spec = {
        "type": "text_folder",
        "path": "data/train",
        "split": {"validation": 0},
        "test": {"type": "text_folder", "path": "data/test"},
        "transforms": ["vocabulary"],
    }
    data = Data(DataSpec.model_validate(spec), tmp_path, seed=0)
    assert data.targets["target"].classes == ("neg", "pos", "unsup")
    assert data.inputs["input"].classes == ("[PAD]", "[UNK]", "?", "bad", "good")
    batch = data.batch("test", np.arange(2))
    assert batch.inputs["input"].tolist() == [[4], [1]]
    assert batch.targets["target"].tolist() == [1, 2]
