"""Labels are found in any spelling of a number or boolean."""

import pytest

from tinynet.text.labels import LabelIndex, label_key, whole_numbers


@pytest.mark.parametrize(
    ("label", "key"),
    [
        ("1.0", "1"), ("1.", "1"), ("-3.00", "-3"), ("-0.0", "0"), ("1.50", "1.5"), ("a", "a"),
        ("007", "007"), ("01.0", "01.0"), ("9007199254740993", "9007199254740993"), ("", ""),
        ("1e3", "1000"), ("1e999", "1e999"), ("1_0", "1_0"), ("nan", "nan"), ("TRUE", "True"),
        ("false", "False"),
    ],
)  # fmt: skip
def test_usual_spelling(label, key):
    assert label_key(label) == key
    assert label_key(key) == key


@pytest.mark.parametrize(
    ("labels", "spelled"),
    [
        (["1.0", "2", "1.10"], ("1", "2", "1.10")),
        (["1.0", "a"], ("1.0", "a")),
        (["1.0", "007"], ("1.0", "007")),
    ],
)
def test_whole_numbers_among_numbers_alone(labels, spelled):
    assert whole_numbers(labels) == spelled


def test_look_up():
    index = LabelIndex(["1.0", "1.1", "1.10", "007"])
    found = [index.get(label, -1) for label in ("1", "1.10", "1.1", "1.100", "7", "007", "x")]
    assert found == [0, 2, 1, 1, -1, 3, -1]
    assert "1.00" in index
    assert "True" not in index


@pytest.mark.parametrize(
    "labels", [["0", "1"], ["False", "True"], ["false", "true"], ["0.0", "1.0"]]
)
def test_booleans_as_numbers(labels):
    index = LabelIndex(labels)
    for spelled in (("0", "1"), ("False", "True"), ("FALSE", "TRUE"), ("0.0", "1.0")):
        assert [index.get(label, -1) for label in spelled] == [0, 1]
    assert [LabelIndex(["0", "1", "2"]).get(label, -1) for label in ("True", "2")] == [-1, 2]
