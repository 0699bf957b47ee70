"""Transforms with one state for several arrays, and with fields that depend on the state."""

import numpy as np
import pytest

from tinynet.data.preprocessing import Preprocessing
from tinynet.dataset import Field
from tinynet.errors import CheckpointMismatchError, PluginError, TransformError
from tinynet.spec.data_spec import TransformReference
from tinynet.transform import TransformConfig

FIELDS = {
    "input": Field((2,), "int32", text_unit="character"),
    "target": Field((2,), "int32", text_unit="character"),
    "other": Field((), "int64"),
}
ARRAYS = {
    "input": np.array([[97, 98], [98, 99]], np.int32),
    "target": np.array([[98, 99], [99, 100]], np.int32),
    "other": np.array([5, 7]),
}
BOTH = {"type": "vocabulary", "on": ["input", "target"]}


def preprocessing(*transforms):
    return Preprocessing([TransformReference.model_validate(t) for t in transforms], FIELDS)


def fitted(*transforms):
    work = preprocessing(*transforms)
    work.fit(lambda: iter([ARRAYS]))
    return work


def test_arrays_of_one_vocabulary_have_the_same_indices():
    """Otherwise a language model could not read what it writes."""
    work = fitted(BOTH)
    assert work.state().keys() == {"0/values"}
    assert "".join(map(chr, work.state()["0/values"])) == "abcd"
    result = work.apply(ARRAYS)
    assert result["input"].tolist() == [[1, 2], [2, 3]]
    assert result["target"].tolist() == [[2, 3], [3, 4]]
    assert work.fields["input"].classes == work.fields["target"].classes == ("[UNK]", *"abcd")
    assert work.fields["other"] == FIELDS["other"]


def test_separate_transforms_have_separate_vocabularies():
    work = fitted({"type": "vocabulary"}, {"type": "vocabulary", "on": "target"})
    assert work.state().keys() == {"0/values", "1/values"}
    assert work.fields["input"].classes == ("[UNK]", *"abc")
    assert work.fields["target"].classes == ("[UNK]", *"bcd")


def test_a_transform_after_a_vocabulary_gets_its_classes():
    """`one_hot` takes the number of classes from the field."""
    chain = (BOTH, {"type": "one_hot"}, {"type": "scale", "factor": 2.0, "on": "other"})
    work = fitted(*chain)
    assert work.fields["input"] == Field((2, 5), "float32", names=("[UNK]", *"abcd"))
    assert work.classes("input") == work.classes("target") == ("[UNK]", *"abcd")
    assert work.classes("other") is None
    result = work.apply(ARRAYS)
    assert result["input"].argmax(axis=-1).tolist() == [[1, 2], [2, 3]]
    assert result["other"].tolist() == [10.0, 14.0]


def test_a_loaded_state_describes_the_same_fields():
    chain = (BOTH, {"type": "one_hot"}, {"type": "scale", "on": "other"})
    work, fresh = fitted(*chain), preprocessing(*chain)
    assert fresh.fields["input"].classes is None
    fresh.load_state(work.state())
    assert fresh.fields == work.fields
    for name, array in fresh.apply(ARRAYS).items():
        np.testing.assert_array_equal(array, work.apply(ARRAYS)[name])
    np.testing.assert_array_equal(fresh.invert("target", np.array([[1, 2]])), [[97, 98]])


def test_a_checkpoint_without_the_vocabulary_does_not_fit():
    with pytest.raises(CheckpointMismatchError, match="lacks transforms/0/values"):
        preprocessing(BOTH).load_state({})
    with pytest.raises(CheckpointMismatchError, match="0/target/values belongs to no transform"):
        preprocessing(BOTH).load_state({"0/target/values": np.array([1])})


def test_a_refusal_after_a_vocabulary_is_located():
    with pytest.raises(TransformError, match="'input': scale needs quantities") as raised:
        fitted(BOTH, {"type": "scale"})
    assert raised.value.problems[0].pointer == "/data/transforms/1"
    with pytest.raises(TransformError, match=r"the arrays 'input', 'target': no value occurs 9"):
        fitted({**BOTH, "min_count": 9})


class Widening:
    """A transform whose fitted field has another shape than `describe` returned."""

    result = Field((3,), "int64")

    class Config(TransformConfig):
        pass

    def __init__(self, config):
        pass

    def describe(self, field):
        return Field((2,), "int64")

    def fitted_field(self, field, state):
        return self.result

    def fit(self, field, batches):
        return {}

    def apply(self, state, batch, rng, training):
        return batch


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (Field((2,), "int32"), "must return the dtype that describe returns"),
        ((2,), "fitted_field must return a Field; it returned a tuple of 1"),
        (Field((2,), "int64", text_unit="word"), "text_unit must be None, 'character' or 'byte'"),
    ],
)
def test_a_wrong_field_is_an_error_of_the_plugin(register, monkeypatch, result, message):
    register("transforms", "widening", Widening)
    monkeypatch.setattr(Widening, "result", result)
    with pytest.raises(PluginError, match=message):
        fitted({"type": "widening"})
