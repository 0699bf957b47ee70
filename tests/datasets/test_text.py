"""The text dataset: windows of a file, in characters or bytes, and what is wrong with a file."""

import gzip

import numpy as np
import pytest

from tinynet.builtin.datasets.text import Text
from tinynet.errors import DataError
from tinynet.files import utf8

PANGRAM = "The quick brown fox\njumps over the lazy dog.\n"
LANGUAGES = "Grüße, Jürgen.\nЖивёт на свете\n日本語 and 🙂 at the end\n"


@pytest.fixture
def open_text(tmp_path):
    """Open some text, or bytes, as a dataset with options."""

    def opened(content, **options):
        path = tmp_path / "a.txt"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return Text(Text.Config(path=str(path), **options))

    return opened


def everything(dataset):
    batch = dataset.gather(np.arange(len(dataset)))
    return batch.inputs["input"], batch.targets["target"]


def text(values):
    return "".join(map(chr, np.ravel(values).tolist()))


@pytest.mark.parametrize("content", [PANGRAM, LANGUAGES, "x" * 9])
@pytest.mark.parametrize(("length", "stride"), [(4, None), (4, 4), (4, 1), (3, 5), (1, 2), (8, 3)])
def test_windows_are_the_text_and_targets_are_one_later(open_text, content, length, stride):
    inputs, targets = everything(open_text(content, length=length, stride=stride))
    starts = range(0, len(content) - length, stride or length)
    assert len(inputs) == len(starts)
    for start, x, y in zip(starts, inputs, targets, strict=True):
        assert text(x) == content[start : start + length]
        assert text(y) == content[start + 1 : start + length + 1]


@pytest.mark.parametrize("content", [PANGRAM, LANGUAGES])
def test_bytes_are_those_of_utf8_and_are_classes(open_text, content):
    dataset = open_text(content, length=5, stride=2, unit="byte")
    inputs, targets = everything(dataset)
    raw = np.frombuffer(content.encode(), np.uint8)
    for index, (x, y) in enumerate(zip(inputs, targets, strict=True)):
        start = 2 * index
        np.testing.assert_array_equal(x, raw[start : start + 5])
        np.testing.assert_array_equal(y, raw[start + 1 : start + 6])
    field = dataset.targets["target"]
    assert (field.shape, field.dtype, field.text_unit) == ((5,), "uint8", "byte")
    assert [field.classes[b] for b in b"a ~\n\xff"] == ["a", " ", "~", "\\x0a", "\\xff"]


def test_characters_are_code_points_without_classes(open_text):
    field = open_text(LANGUAGES, length=5).inputs["input"]
    assert (field.shape, field.dtype) == ((5,), "int32")
    assert (field.classes, field.text_unit) == (None, "character")


def test_the_shortest_text_is_one_window_and_its_target(open_text):
    inputs, targets = everything(open_text("abcde", length=4))
    assert (text(inputs[0]), text(targets[0]), len(inputs)) == ("abcd", "bcde", 1)
    with pytest.raises(DataError, match=r"has 4 characters, but a window needs 4 and one more"):
        open_text("abcd", length=4)
    with pytest.raises(DataError, match=r"has 0 bytes"):
        open_text("", length=4, unit="byte")


@pytest.mark.parametrize("unit", ["character", "byte"])
@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"plain\nGr\xfc\xdfe", "line 2, column 3: the byte 0xfc"),
        ("日本語\n".encode() * 3 + "日本".encode() + b"\xff", "line 4, column 3: the byte 0xff"),
        ("日".encode()[:2] + b" is cut", "line 1, column 1: the byte 0xe6"),
        (b"a surrogate: \xed\xa0\x80", "line 1, column 14: the byte 0xed"),
        (b"cut at the end: \xc3", "line 1, column 17: the byte 0xc3"),
    ],
)
@pytest.mark.parametrize("block", [3, 7, 1 << 22])
def test_a_byte_that_is_not_utf8_has_a_place(open_text, monkeypatch, unit, content, place, block):
    monkeypatch.setattr(utf8, "BLOCK", block)
    with pytest.raises(DataError, match=rf"a\.txt, {place} is not UTF-8; save the file as UTF-8"):
        open_text(content, length=2, unit=unit)


@pytest.mark.parametrize("block", range(1, 12))
def test_blocks_never_cut_a_character(open_text, monkeypatch, block):
    """Files are decoded in blocks; a character may have four bytes."""
    monkeypatch.setattr(utf8, "BLOCK", block)
    inputs, _ = everything(open_text(LANGUAGES * 2, length=1))
    assert text(inputs) == (LANGUAGES * 2)[:-1]


def test_a_gzipped_text_and_a_byte_order_mark(open_text):
    plain = open_text(LANGUAGES, length=4)
    packed = open_text(gzip.compress(LANGUAGES.encode()), length=4)
    marked = open_text(b"\xef\xbb\xbf" + LANGUAGES.encode(), length=4)
    assert plain.fingerprint == packed.fingerprint == marked.fingerprint
    np.testing.assert_array_equal(everything(packed)[0], everything(plain)[0])


def test_the_fingerprint_changes_with_the_samples(open_text):
    options = [{}, {"length": 5}, {"stride": 2}, {"unit": "byte"}]
    prints = [open_text(PANGRAM, **{"length": 4, **option}).fingerprint for option in options]
    prints.append(open_text(PANGRAM + "x", length=4).fingerprint)
    assert len(set(prints)) == len(prints)
    assert open_text(PANGRAM, length=4, stride=4).fingerprint == prints[0]


def test_a_window_knows_its_line_and_column(open_text, tmp_path):
    dataset = open_text("ab\ncdé\n\nfgh", length=1, unit="character")
    places = [dataset.where(i).removeprefix(f"{tmp_path / 'a.txt'}, ") for i in range(len(dataset))]
    assert places[:4] == [f"line 1, column {c}" for c in (1, 2, 3)] + ["line 2, column 1"]
    assert places[7:9] == ["line 3, column 1", "line 4, column 1"]


def test_a_file_for_prediction_is_cut_as_in_training(open_text, tmp_path):
    dataset = open_text(PANGRAM, length=4, stride=3)
    config = Text.Config(path="never opened", length=4, stride=3)
    path = tmp_path / "new.txt"
    path.write_text("0123456789")
    windows = Text.read_inputs(config, str(path), dataset.inputs)["input"]
    assert [text(row) for row in windows] == ["0123", "3456", "6789"]
    assert windows.dtype == np.int32
    path.write_text("012")
    with pytest.raises(DataError, match=r"has 3 characters, but a window needs 4; give a longer"):
        Text.read_inputs(config, str(path), dataset.inputs)
