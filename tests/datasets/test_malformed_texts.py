"""Malformed texts: each is one clear `DataError`, whatever the bytes."""

import gzip
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tinynet.builtin.datasets.text_folder import TextFolder
from tinynet.builtin.datasets.text_lines import TextLines
from tinynet.errors import DataError
from tinynet.files import text_files

UTF16 = "Some words\nand more\n".encode("utf-16")
LABELS = {"labels": "labels"}

LINES = {
    "nothing": (b"", {}, "has no text"),
    "a byte order mark alone": (b"\xef\xbb\xbf", {}, "has no text"),
    "white space alone": (b" \n\t\n", {}, "line 1 is empty, or white space"),
    "only skipped lines": (b" \n\n", {"empty": "skip"}, "has no text that is not empty"),
    "an empty line": (b"a\n\nb\n", {}, "line 2 is empty, or white space; remove such lines"),
    "many empty lines": (b"a\n" + b"\n" * 9, {}, "and 4 more; remove such lines"),
    "Latin-1": (b"caf\xe9\n", {}, 'line 1: the byte 0xe9 is not UTF-8.*such as "cp1252"'),
    "a later line in Latin-1": (b"a\nb\nn\xe9e\n", {}, "line 3: the byte 0xe9"),
    "a byte of no code page": (b"a \x81\n", {}, 'such as "latin-1"'),
    "a character cut off": ("a\nü".encode()[:-1], {}, "line 2: the byte 0xc3 is not UTF-8"),
    "an overlong encoding": (b"\xc0\xaf\n", {}, "the byte 0xc0 is not UTF-8"),
    "a surrogate": (b"\xed\xa0\x80\n", {}, "the byte 0xed is not UTF-8"),
    "UTF-16": (UTF16, {}, 'UTF-16, by its first bytes; set "encoding": "utf-16"'),
    "UTF-16 without a mark": (UTF16[2:], {}, 'set "encoding": "utf-16-le"'),
    "UTF-16 of big end": ("words\n".encode("utf-16-be"), {}, 'set "encoding": "utf-16-be"'),
    "UTF-8 as UTF-16": (b"words", {"encoding": "utf-16"}, "is not utf-16"),
    "not ASCII": ("a\nü".encode(), {"encoding": "ascii"}, "line 2: the byte 0xc3 is not ascii"),
    "half a character": (b"+2AA-\n", {"encoding": "utf-7"}, "is not utf-7"),
    "NUL": (b"a\nb\0c\n", {}, "line 2 holds a NUL character, so the file is not text"),
    "bytes of a program": (bytes(range(128)), {}, "holds a NUL character"),
    "gzip cut off": (gzip.compress(b"words\n" * 99)[:-9], {}, "truncated or damaged"),
    "gzip of nothing": (gzip.compress(b""), {}, "has no text"),
    "gzip of Latin-1": (gzip.compress(b"caf\xe9"), {}, "the byte 0xe9 is not UTF-8"),
    "zip": (b"PK\x03\x04xyz", {}, "is a zip archive; unpack it"),
    "a huge line": (b"a\n" + b"word " * 300, {}, "line 2 has more than 1,000 characters"),
    "no tab": (b"L\ta\nb\n", {"layout": "label_text"}, "line 2 has no tab between label and text"),
    "no tab anywhere": (b"a\nb\nc\n", {"layout": "text_label"}, "line 3 has no tab"),
    "no label": (b"\ta\nL\tb\n", {"layout": "label_text"}, "line 1 has no label; give each text"),
    "no text beside a label": (b"L\t\nM\tb\n", {"layout": "label_text"}, "line 1 is empty"),
    "one class": (b"L\ta\nL\tb\n", {"layout": "label_text"}, "every label is 'L'"),
    "another class": (
        b"ham\ta\nspan\tb\n",
        {"layout": "label_text", "classes": ("ham", "spam")},
        "line 2: 'span' is not one of the classes; did you mean 'spam'",
    ),
    "no number": (
        b"1\ta\nx\tb\nnan\tc",
        {"layout": "label_text", "target": "number"},
        "line 2: 'x' is not a finite number",
    ),
    "fewer labels": (b"a\nb\n", {**LABELS, "of_labels": b"L\n"}, "has 2 lines and .* has 1"),
    "more labels": (b"a\n", {**LABELS, "of_labels": b"L\nM\n"}, "has 1 lines and .* has 2"),
    "an empty label": (b"a\nb\n", {**LABELS, "of_labels": b"L\n\n"}, "labels, line 2 has no label"),
    "labels in Latin-1": (
        b"a\n",
        {**LABELS, "of_labels": b"\xe9"},
        "labels, line 1: the byte 0xe9",
    ),
    "fewer tags": (
        b"a b\nc\n",
        {**LABELS, "of_labels": b"X\nY\n", "target": "tags"},
        "line 1 has 2 words, but .*labels, line 1 has 1 tags; give each word one tag",
    ),
    "no tags": (
        b"a b\n",
        {**LABELS, "of_labels": b"\n", "target": "tags"},
        "has 2 words, but .* has 0 tags",
    ),
}


@pytest.fixture(autouse=True)
def short_limit(monkeypatch):
    monkeypatch.setattr(text_files, "MAX_CHARACTERS", 1000)


@pytest.mark.parametrize("case", LINES)
def test_malformed_lines(case, tmp_path):
    content, options, message = LINES[case]
    options = dict(options)
    (tmp_path / "lines").write_bytes(content)
    (tmp_path / "labels").write_bytes(options.pop("of_labels", b""))
    if "labels" in options:
        options["labels"] = str(tmp_path / "labels")
    with pytest.raises(DataError, match=f"(?s){message}") as caught:
        TextLines(TextLines.Config(path=str(tmp_path / "lines"), **options))
    assert str(tmp_path) in str(caught.value)


FOLDERS = {
    "nothing": ({}, {}, "has no folders; put the files of each class into a folder"),
    "files alone": ({"a.txt": b"x"}, {}, "has no folders"),
    "one class": ({"pos/a": b"x"}, {}, "has one folder, 'pos', and each folder is a class"),
    "classes one level down": ({"train/pos/a": b"x"}, {}, 'set "path": ".*train"'),
    "an empty class": ({"a/1": b"x", "b/.keep": b""}, {}, "b has no files; remove the folder"),
    "no file of the ending": (
        {"a/1.md": b"x", "b/2.md": b"y"},
        {"endings": (".txt",)},
        "has no files that end in .txt",
    ),
    "an unknown class": (
        {"pos/1": b"x", "neg/2": b"y"},
        {"classes": ("pos", "negs")},
        "no folder 'negs'; did you mean 'neg'",
    ),
    "only skipped files": ({"a/1": b"", "b/2": b""}, {"empty": "skip"}, "no text that is not"),
    "empty files": ({"a/1": b"", "b/2": b"y"}, {}, "1 is empty, or white space; remove such files"),
    "images": ({"a/1.png": b"\x89PNG\r\n\x1a\n\0", "b/2": b"y"}, {}, "1.png, line 1, column 1"),
    "UTF-16": ({"a/1": UTF16, "b/2": b"y"}, {}, 'set "encoding": "utf-16"'),
    "UTF-16 without a mark": ({"a/1": UTF16[2:], "b/2": b"y"}, {}, 'set "encoding": "utf-16-le"'),
    "NUL": ({"a/1": b"x\n\0", "b/2": b"y"}, {}, "line 2 holds a NUL character"),
    "a huge file": ({"a/1": b"word " * 300, "b/2": b"y"}, {}, "has 1,500 characters; a text has"),
    "gzip cut off": ({"a/1": gzip.compress(b"x" * 99)[:-4], "b/2": b"y"}, {}, "truncated"),
    "the end cut off": (
        {"a/1": "ab".encode("utf-16")[:-1], "b/2": "y".encode("utf-16")},
        {"encoding": "utf-16"},
        "is not utf-16",
    ),
}


@pytest.mark.parametrize("case", FOLDERS)
def test_malformed_folders(case, tmp_path):
    files, options, message = FOLDERS[case]
    folder = tmp_path / "data"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    with pytest.raises(DataError, match=f"(?s){message}") as caught:
        TextFolder(TextFolder.Config(path=str(folder), **options))
    assert str(folder) in str(caught.value)


def test_paths_of_another_kind(tmp_path):
    file = tmp_path / "file"
    file.write_text("a\nb\n")
    (tmp_path / "reviews").mkdir()
    with pytest.raises(DataError, match=r'is a file; .* set "type": "text_lines"'):
        TextFolder(TextFolder.Config(path=str(file)))
    with pytest.raises(DataError, match=r"no such folder.*did you mean .*reviews"):
        TextFolder(TextFolder.Config(path=str(tmp_path / "review")))
    with pytest.raises(DataError, match="cannot be read"):
        TextFolder(TextFolder.Config(path="a\0b"))
    with pytest.raises(DataError, match="is a folder; a regular file is expected"):
        TextLines(TextLines.Config(path=str(tmp_path)))
    with pytest.raises(DataError, match=r"no such file.*did you mean 'file'"):
        TextLines(TextLines.Config(path=str(tmp_path / "fil")))


def test_broken_links_and_names(tmp_path):
    for name in (b"a", b"b\xff"):
        os.mkdir(os.path.join(os.fsencode(tmp_path), name))
    with pytest.raises(DataError, match="is not UTF-8; classes are named after folders"):
        TextFolder(TextFolder.Config(path=str(tmp_path)))
    os.rename(os.path.join(os.fsencode(tmp_path), b"b\xff"), tmp_path / "b")
    for name in "ab":
        (tmp_path / name / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(DataError) as caught:
        TextFolder(TextFolder.Config(path=str(tmp_path)))
    assert str(caught.value).count("no such file") == 2


@pytest.mark.parametrize(
    "encoding", ["utf-9", "base64", "", "a\0b", "undefined", "unicode_escape", "idna"]
)
def test_unknown_encodings(encoding):
    with pytest.raises(ValidationError, match="is not an encoding of text; set one such as"):
        TextLines.Config(path="x", encoding=encoding)


def test_labels_in_two_places():
    with pytest.raises(ValidationError, match='leave out "labels" or "layout"'):
        TextLines.Config(path="x", labels="y", layout="label_text")
    with pytest.raises(ValidationError, match='leave out "classes" or "target"'):
        TextLines.Config(path="x", labels="y", target="tags", classes=("a", "b"))


ENCODINGS = ["utf-8", "utf-16", "utf-7", "cp1252", "shift_jis", "gb18030", "ascii"]


@given(
    st.binary(max_size=60),
    st.sampled_from(ENCODINGS),
    st.sampled_from(["text", "label_text"]),
    st.sampled_from(["class", "number", "tags"]),
    st.sampled_from(["error", "skip", "keep"]),
)
def test_any_bytes_are_texts_or_a_data_error(
    tmp_path_factory, content, encoding, layout, target, empty
):
    folder = tmp_path_factory.getbasetemp() / "any_texts"
    (folder / "b").mkdir(parents=True, exist_ok=True)
    (folder / "a").mkdir(exist_ok=True)
    for name in "ab":
        (folder / name / "file").write_bytes(content)
    options = {"encoding": encoding, "empty": empty}
    lines = {"path": str(folder / "a" / "file"), "layout": layout, "target": target}
    for cls, config in ((TextLines, lines), (TextFolder, {"path": str(folder)})):
        try:
            dataset = cls(cls.Config(**config, **options))
        except DataError:
            continue
        batch = dataset.gather(np.arange(len(dataset)))
        assert all(type(text) is str for text in batch.inputs["input"])
        for text in batch.inputs["input"]:
            text.encode()
