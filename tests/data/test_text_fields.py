"""Text between a dataset and the transform that turns it into numbers."""

import numpy as np
import pytest

from tinynet.data.preprocessing import Preprocessing
from tinynet.data.splits import gather
from tinynet.dataset import TEXT, Batch, Field
from tinynet.errors import PluginError, TransformError
from tinynet.files.text_arrays import pack_texts, unpack_texts
from tinynet.spec.data_spec import TransformReference
from tinynet.transform import TransformConfig

WORDS = np.array(["a b", "", "ü"], object)


class Upper:
    """Text in capitals."""

    takes_text = True

    class Config(TransformConfig):
        pass

    def __init__(self, config):
        pass

    def describe(self, field):
        return field

    def fit(self, field, batches):
        return {}

    def apply(self, state, batch, rng, training):
        return np.array([text.upper() for text in batch], object)


class Lengths(Upper):
    """The counts of the characters of the training data, in each text."""

    def describe(self, field):
        return Field((1,), "int64")

    def fitted_field(self, field, state):
        return Field((len(state["characters"]),), "int64")

    def fit(self, field, batches):
        text = "".join(text for batch in batches for text in batch)
        return {"characters": np.array(sorted(map(ord, set(text))))}

    def apply(self, state, batch, rng, training):
        rows = [[text.count(chr(c)) for c in state["characters"]] for text in batch]
        return np.array(rows, np.int64).reshape(len(batch), -1)


@pytest.fixture(autouse=True)
def transforms(register):
    register("transforms", "upper", Upper)
    register("transforms", "lengths", Lengths)


def fitted(*names):
    references = [TransformReference.model_validate({"type": name}) for name in names]
    work = Preprocessing(references, {"input": Field((), TEXT)})
    work.fit(lambda: iter([{"input": WORDS}]))
    return work


def test_text_passes_through_transforms_to_numbers():
    work = fitted("upper", "lengths")
    assert work.state()["1/input/characters"].tolist() == [ord(c) for c in " ABÜ"]
    assert work.fields["input"] == Field((4,), "int64")
    counts = work.apply({"input": WORDS})["input"]
    assert counts.tolist() == [[1, 1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 1]]


def test_a_fitted_transform_may_have_another_shape():
    work = fitted("lengths")
    assert work.fields["input"].shape == (4,)


def test_a_transform_of_numbers_is_not_given_text():
    with pytest.raises(TransformError, match=r"'input' is text.*numbers; put .*vocabulary"):
        fitted("standardize")


def test_text_that_would_reach_the_network_is_refused():
    with pytest.raises(TransformError, match=r"'input' is text.*network.*\"on\": \"input\""):
        fitted("upper")
    with pytest.raises(TransformError, match="a network cannot take"):
        fitted()


class Texts:
    """A dataset of text that returns ``values``."""

    inputs = {"input": Field((), TEXT)}  # noqa: RUF012
    targets = {}  # noqa: RUF012

    def __init__(self, values):
        self.values = values

    def gather(self, indices):
        return Batch({"input": self.values[indices]}, {})


def test_arrays_of_text_hold_str_objects():
    rows = np.arange(3)
    assert gather(Texts(WORDS), rows).inputs["input"].tolist() == WORDS.tolist()
    for wrong in (WORDS.astype(str), np.arange(3.0), np.array(["a", None, "b"], object)):
        with pytest.raises(PluginError, match="'input' as text, not"):
            gather(Texts(wrong), rows)


def test_texts_are_packed_into_arrays():
    for texts in ([], [""], ["a", "", "ü", "\N{SNOWMAN}x"]):
        arrays = pack_texts(texts, "word_")
        assert arrays.keys() == {"word_bytes", "word_offsets"}
        assert unpack_texts(arrays, "word_") == texts
