"""Categories: one-hot or an index, learned, frequent enough, and several in a cell."""

import numpy as np
import pytest

from tinynet.errors import DataError
from tinynet.files.text_arrays import unpack_texts

TEXT = "a,b,y\n" + "".join(f"{cell},1,0\n" for cell in "xxxyyzw")


def test_min_count_and_max_categories(open_csv):
    def names(**options):
        return open_csv(TEXT, columns={"a": options}).inputs["input"].names[:-1]

    assert names(kind="category") == ("a=w", "a=x", "a=y", "a=z")
    assert names(min_count=2) == ("a=x", "a=y")
    assert names(max_categories=1) == ("a=x",)
    assert names(max_categories=3) == ("a=w", "a=x", "a=y")
    assert names(categories=["z", "x"]) == ("a=z", "a=x")


def test_rare_and_new_categories_are_unknown(open_csv):
    data = open_csv(TEXT, columns={"a": {"min_count": 2}})
    assert data.gather(np.array([0, 4, 5])).inputs["input"].tolist() == [
        [1, 0, 1],
        [0, 1, 1],
        [0, 0, 1],
    ]
    with pytest.raises(DataError, match="no category of the input 'input' is frequent"):
        open_csv(TEXT, columns={"a": {"min_count": 99}}, features=["a"])


def test_integers_as_categories_are_in_order_of_value(open_csv):
    text = "a,b,y\n10,1,0\n9,1,0\n-1,1,0\n"
    data = open_csv(text, columns={"a": "category"})
    assert data.inputs["input"].names == ("a=-1", "a=9", "a=10", "b")


def test_an_index_has_0_for_unknown_and_missing(open_csv):
    text = "a,b,y\nx,1,0\n?,2,0\nz,3,0\n"
    data = open_csv(text, features={"numbers": ["b"], "kind": "a"})
    assert data.inputs["kind"].classes == ("[UNK]", "x", "z")
    assert data.inputs["kind"].shape == ()
    batch = data.gather(np.arange(3))
    assert batch.inputs["kind"].tolist() == [1, 0, 2]
    assert batch.inputs["kind"].dtype == np.int64
    assert batch.inputs["numbers"].tolist() == [[1], [2], [3]]
    learned = data.with_state(data.learn(np.array([2])))
    assert learned.gather(np.arange(3)).inputs["kind"].tolist() == [0, 0, 1]


def test_several_labels_of_a_cell(open_csv):
    text = "a,b,y\nx|z,1,0\n,2,0\nz | w|z,3,0\n"
    data = open_csv(text, columns={"a": {"separator": "|", "indicator": True}})
    assert data.inputs["input"].names == ("a=w", "a=x", "a=z", "a.missing", "b")
    assert data.inputs["input"].indicators == (True, True, True, True, False)
    assert data.gather(np.arange(3)).inputs["input"].tolist() == [
        [0, 1, 1, 0, 1],
        [0, 0, 0, 1, 2],
        [1, 0, 1, 0, 3],
    ]
    alone = open_csv(text, columns={"a": {"separator": "|"}}, features={"labels": "a"})
    assert alone.inputs["labels"].names == ("a=w", "a=x", "a=z")


def test_features_keep_their_order_among_encoded_ones(open_csv):
    text = "a,d,b,c,y\nx,2012-03-05,1,u,0\nz,2012-03-06,,v,0\n"
    data = open_csv(text, columns={"b": {"missing": "mean"}}, features=["b", "a", "d", "c"])
    names = data.inputs["input"].names
    row = dict(zip(names, data.gather(np.array([1])).inputs["input"][0].tolist(), strict=True))
    assert names[0] == "b"
    assert row == {
        "b": 1,
        "a=x": 0,
        "a=z": 1,
        "d.year": 2012,
        "d.month": 3,
        "d.day": 6,
        "d.weekday": 1,
        "d.day_of_year": 66,
        "c=u": 0,
        "c=v": 1,
    }


def test_names_of_any_text_are_learned(open_csv):
    """A checkpoint holds arrays by plain names."""
    text = "größe / €,b,y\nß x,1,0\nü,2,0\n"
    data = open_csv(text)
    state = data.learn(np.arange(2))
    assert all(name.replace(".", "").isalnum() for name in state)
    assert unpack_texts(state, "columns.") == ["größe / €"]
    assert data.with_state(state).inputs["input"].names == ("größe / €=ß x", "größe / €=ü", "b")


def test_text_is_an_input_of_its_own(open_csv):
    text = "a,b,y\nsome words,1,0\nother words,2,1\n"
    data = open_csv(text, columns={"a": "text"}, features=["a", "b"])
    assert (data.inputs["a"].dtype, data.inputs["a"].shape) == ("text", ())
    assert data.inputs["input"].names == ("b",)
    batch = data.gather(np.array([1, 0])).inputs
    assert batch["a"].tolist() == ["other words", "some words"]
    assert batch["a"].dtype == object
    assert list(open_csv(text, columns={"a": "text"}).inputs) == ["input"]
    assert list(open_csv(text, columns={"a": "text", "b": "ignore"}).inputs) == ["input"]
    both = open_csv(text, columns={"a": "text", "b": "text"})
    assert (list(both.inputs), both.inferred["features"]) == (["a", "b"], {"a": "a", "b": "b"})
