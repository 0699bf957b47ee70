"""The vocabulary: indices of values, learned from the training data."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinynet.builtin.transforms.vocabulary import UNKNOWN, Vocabulary
from tinynet.dataset import Field
from tinynet.errors import DataError

TEXT = Field((4,), "int32", text_unit="character")


def no_rng(index):
    raise AssertionError("nothing may be drawn")


def fitted(batches, field=TEXT, **options):
    transform = Vocabulary(Vocabulary.Config(**options))
    return transform, transform.fit(field, iter(batches))


def apply(transform, state, batch):
    return transform.apply(state, batch, no_rng, True)


def codes(*rows):
    return np.array([[ord(c) for c in row] for row in rows], np.int32)


def test_characters_become_indices_in_their_order():
    transform, state = fitted([codes("beta"), codes("cab!")])
    assert "".join(map(chr, state["values"])) == "!abcet"
    batch = codes("abc!", "zé🙂t")
    np.testing.assert_array_equal(apply(transform, state, batch), [[2, 3, 4, 1], [0, 0, 0, 6]])
    field = transform.fitted_field(TEXT, state)
    assert field == Field((4,), "int64", classes=(UNKNOWN, *"!abcet"))
    np.testing.assert_array_equal(transform.invert(state, np.array([[6, 0]])), [[ord("t"), -1]])


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int64", "bool"])
def test_any_whole_numbers_have_a_vocabulary(dtype):
    field = Field((), dtype)
    batch = np.array([1, 0, 1, 1]).astype(dtype)
    transform, state = fitted([batch], field)
    assert transform.fitted_field(field, state).classes == (UNKNOWN, "0", "1")
    assert apply(transform, state, batch).tolist() == [2, 1, 2, 2]
    assert apply(transform, state, batch).dtype == np.int64


def test_classes_keep_their_names():
    field = Field((2,), "int64", classes=("red", "green", "blue"))
    transform, state = fitted([np.array([[2, 0]])], field)
    assert transform.fitted_field(field, state).classes == (UNKNOWN, "red", "blue")
    assert apply(transform, state, np.array([[0, 1], [2, 2]])).tolist() == [[1, 0], [2, 2]]


NUMBERS = st.one_of(st.integers(-5, 40), st.sampled_from([-(2**62), 10**12, 2**62]))


@given(
    st.lists(st.lists(NUMBERS, min_size=1, max_size=30), min_size=1, max_size=4),
    st.lists(NUMBERS, min_size=1, max_size=40),
    st.integers(2, 12) | st.none(),
    st.integers(1, 4),
)
def test_any_values_are_mapped_as_by_a_dictionary(parts, batch, max_size, min_count):
    """Narrow ranges use a table, wide ones a search."""
    counts = Counter(value for part in parts for value in part)
    kept = [value for value, count in counts.items() if count >= min_count]
    kept = sorted(kept, key=lambda value: (-counts[value], value))
    kept = sorted(kept if max_size is None else kept[: max_size - 1])
    field, arrays = Field((), "int64"), [np.array(part) for part in parts]
    if not kept:
        with pytest.raises(DataError, match=f'set "min_count" to {max(counts.values())} or less'):
            fitted(arrays, field, max_size=max_size, min_count=min_count)
        return
    transform, state = fitted(arrays, field, max_size=max_size, min_count=min_count)
    assert state["values"].tolist() == kept
    index = {value: i for i, value in enumerate(kept, 1)}
    result = apply(transform, state, np.array(batch))
    assert result.tolist() == [index.get(value, 0) for value in batch]
    assert transform.fitted_field(field, state).classes == (UNKNOWN, *map(str, kept))


def test_fractions_and_empty_data_are_refused():
    transform = Vocabulary(Vocabulary.Config())
    with pytest.raises(DataError, match="needs whole numbers, but this array holds float32"):
        transform.describe(Field((), "float32"))
    with pytest.raises(DataError, match="the training split is empty"):
        fitted([])
