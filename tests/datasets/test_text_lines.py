"""Files with a text on each line."""

import gzip

import numpy as np
import pytest

from tinynet.builtin.datasets.text_lines import TextLines
from tinynet.dataset import TEXT, Field
from tinynet.errors import DataError

FIELDS = {"input": Field((), TEXT)}


@pytest.fixture
def write(tmp_path):
    def write(content, name="lines.txt"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


def opened(path, **options):
    return TextLines(TextLines.Config(path=path, **options))


def texts(dataset):
    return dataset.gather(np.arange(len(dataset))).inputs["input"].tolist()


def targets(dataset):
    return dataset.gather(np.arange(len(dataset))).targets["target"].tolist()


def test_lines_without_labels(write):
    dataset = opened(write("\ufeffone\r\ntwo\rthree \x85\u2028 4\nlast"))
    assert texts(dataset) == ["one", "two", "three \x85\u2028 4", "last"]
    assert dataset.inputs == {"input": Field((), TEXT)}
    assert dataset.targets == {}
    assert dataset.where(2).endswith("lines.txt, line 3")
    assert dataset.description() == ["4 texts of 3 to 10 characters, 5 on average"]


def test_labels_in_a_file_of_their_own(write):
    dataset = opened(write("a\nb\nc\n"), labels=write("10\n 9 \n10", "labels.txt"))
    assert dataset.targets["target"] == Field((), "int64", classes=("9", "10"))
    assert targets(dataset) == [1, 0, 1]
    assert dataset.where_in("target", 1).endswith("labels.txt, line 2")
    assert dataset.where_in("input", 1).endswith("lines.txt, line 2")


@pytest.mark.parametrize(
    ("layout", "lines"),
    [("label_text", "spam\tbuy\tnow\nham\thello\n"), ("text_label", "buy\tnow\tspam\nhello\tham")],
)
def test_labels_in_the_line(write, layout, lines):
    dataset = opened(write(lines), layout=layout)
    assert texts(dataset) == ["buy\tnow", "hello"]
    assert [dataset.targets["target"].classes[i] for i in targets(dataset)] == ["spam", "ham"]


def test_named_classes_and_numbers(write):
    path = write("b\tx\na\ty\n")
    dataset = opened(path, layout="label_text", classes=("b", "a", "c"))
    assert targets(dataset) == [0, 1]
    dataset = opened(write("1.5\tx\n-2\ty\n"), layout="label_text", target="number")
    assert dataset.targets["target"] == Field((), "float64")
    assert targets(dataset) == [1.5, -2.0]


def test_a_tag_for_each_word(write):
    tagged = Field((), TEXT, text_unit="whitespace")
    dataset = opened(write("the  cat\nit"), labels=write("D N\nP", "tags.txt"), target="tags")
    assert dataset.inputs["input"] == dataset.targets["target"] == tagged
    assert targets(dataset) == ["D N", "P"]


def test_every_line_with_another_number_of_tags_is_named(write):
    with pytest.raises(DataError) as caught:
        opened(write("a b\nc\nd e f"), labels=write("X\nY\nZ Z Z Z", "tags.txt"), target="tags")
    message = str(caught.value)
    assert "lines.txt, line 1 has 2 words, but" in message
    assert "tags.txt, line 3 has 4 tags" in message
    assert "line 2" not in message


def test_empty_lines(write):
    path = write("L\ta\n\n \nM\tb\n")
    with pytest.raises(DataError) as caught:
        opened(path, layout="label_text")
    assert "line 2 is empty" in str(caught.value)
    assert "line 3 is empty" in str(caught.value)
    assert texts(opened(path, layout="label_text", empty="skip")) == ["a", "b"]
    dataset = opened(path, labels=write("1\n2\n3\n4", "l.txt"), empty="skip")
    assert [dataset.targets["target"].classes[i] for i in targets(dataset)] == ["1", "4"]
    assert dataset.where(1).endswith("line 4")
    assert len(opened(path, empty="keep")) == 4


def test_gzip_and_other_encodings(write):
    assert texts(opened(write(gzip.compress("é\nü".encode())))) == ["é", "ü"]
    assert texts(opened(write("é\nü".encode("utf-16")), encoding="utf-16")) == ["é", "ü"]
    assert texts(opened(write("é\nü".encode("latin-1")), encoding="latin1")) == ["é", "ü"]


def test_the_fingerprint_is_that_of_the_content(write):
    labels = write("X\nY", "labels.txt")
    first = opened(write("a\nb"), labels=labels)
    same = opened(write("Xn\ta\nY\tb".replace("Xn", "X"), "other.txt"), layout="label_text")
    assert first.fingerprint == same.fingerprint
    prints = {
        first.fingerprint,
        opened(write("a\nb")).fingerprint,
        opened(write("a\nb."), labels=labels).fingerprint,
        opened(write("ab\n."), labels=labels).fingerprint,
        opened(write("a\nb"), labels=labels, classes=("Y", "X")).fingerprint,
        opened(write("a\nb"), labels=labels, target="tags").fingerprint,
    }
    assert len(prints) == 6


def read(source, keep=(), **options):
    config = TextLines.Config(path="elsewhere", **options)
    return list(TextLines.read_rows(config, source, FIELDS, {}, keep))


def test_a_file_for_prediction_may_have_labels_or_not(write):
    for lines in ("X\ta\nY\tb", "a\nb"):
        (rows,) = read(write(lines), layout="label_text")
        assert rows.inputs["input"].tolist() == ["a", "b"]
        assert rows.places[1].endswith("lines.txt, line 2")
    with pytest.raises(DataError, match="line 2 has no tab, unlike the lines before it"):
        read(write("X\ta\nb"), layout="label_text")


def test_empty_lines_of_a_file_for_prediction(write):
    path = write("a\n\nb")
    (rows,) = read(path, ["text"], empty="skip")
    assert rows.rows.tolist() == [0, 2]
    assert rows.kept == {"text": ["a", "b"]}
    (rows,) = read(path, empty="keep")
    assert rows.inputs["input"].tolist() == ["a", "", "b"]
    with pytest.raises(DataError, match="line 2 is empty"):
        read(path)


def test_a_long_file_is_read_in_parts(write):
    parts = read(write("x\n" * 2500))
    assert [len(part.rows) for part in parts] == [1024, 1024, 452]
    assert parts[2].rows[0] == 2048


def test_objects_for_prediction():
    pandas = pytest.importorskip("pandas", reason="needs pandas")
    frame = pandas.DataFrame({"id": [7, 8], "text": ["a", "b"]})
    for source in (["a", "b"], ("a", "b"), np.array(["a", "b"]), {"input": ["a", "b"]}, frame):
        (rows,) = read(source)
        assert rows.inputs["input"].tolist() == ["a", "b"]
        assert {type(text) for text in rows.inputs["input"]} == {str}
    (rows,) = read(frame, ["id"])
    assert rows.kept == {"id": [7, 8]}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ([], "there is no text to predict"),
        (["a", 3, None], "text 1 .counted from 0. is int, not str"),
        (["a", " "], "text 1 .counted from 0. is empty"),
        (["\ud800"], "half of a Unicode character"),
        (3, "a list of texts is expected, not int"),
        ({"a": ["x"], "b": ["y"]}, "must be in a column 'input' or 'text'; there are 'a', 'b'"),
        ({"text": ["x"], "b": ["y", "z"]}, "the columns differ in length"),
        ({}, "there are no columns"),
    ],
)
def test_objects_that_are_no_texts_are_refused(source, message):
    with pytest.raises(DataError, match=message):
        read(source)
