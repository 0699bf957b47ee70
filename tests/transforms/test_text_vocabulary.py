"""The vocabulary of texts: indices of tokens, padded to one length."""

import numpy as np
import pytest

from tinynet.builtin.transforms.vocabulary import Vocabulary
from tinynet.dataset import TEXT, Field
from tinynet.errors import DataError

FIELD = Field((), TEXT)


def no_rng(index):
    raise AssertionError("nothing may be drawn")


def texts(*items):
    array = np.empty(len(items), object)
    array[:] = items
    return array


def fitted(*items, field=FIELD, **options):
    transform = Vocabulary(Vocabulary.Config(**options))
    return transform, transform.fit(field, iter([texts(*items)]))


def apply(transform, state, *items):
    return transform.apply(state, texts(*items), no_rng, False).tolist()


def classes(transform, state, field=FIELD):
    return transform.fitted_field(field, state).classes


def test_words_become_indices_in_the_order_of_their_code_points():
    transform, state = fitted("The cat sat.", "the Dog")
    field = transform.fitted_field(FIELD, state)
    names = ("[PAD]", "[UNK]", ".", "cat", "dog", "sat", "the")
    assert field == Field((4,), "int64", classes=names, padding=0)
    assert apply(transform, state, "The dog ran.", "") == [[6, 4, 1, 2], [0, 0, 0, 0]]
    assert transform.invert(state, np.array([[6, 1, 0]])).tolist() == [["the", "[UNK]", ""]]


def test_before_it_is_fitted_the_length_is_open():
    assert Vocabulary(Vocabulary.Config()).describe(FIELD).shape == (1,)
    assert Vocabulary(Vocabulary.Config(length=7)).describe(Field((2,), TEXT)).shape == (2, 7)


@pytest.mark.parametrize(
    ("padding", "truncation", "short", "long"),
    [
        ("post", "post", [2, 3, 0], [2, 3, 4]),
        ("pre", "post", [0, 2, 3], [2, 3, 4]),
        ("post", "pre", [2, 3, 0], [3, 4, 5]),
        ("pre", "pre", [0, 2, 3], [3, 4, 5]),
    ],
)
def test_sides_of_padding_and_truncation(padding, truncation, short, long):
    transform, state = fitted("a b c d", length=3, padding=padding, truncation=truncation)
    assert apply(transform, state, "a b", "a b c d") == [short, long]


@pytest.mark.parametrize(("percentile", "length"), [(100, 9), (90, 4), (50, 2), (40, 2), (1, 1)])
def test_the_length_is_a_percentile_of_the_training_samples(percentile, length):
    samples = [" ".join("x" * n) for n in (1, 1, 2, 2, 2, 3, 3, 4, 4, 9)]
    transform, state = fitted(*samples, percentile=percentile)
    assert transform.fitted_field(FIELD, state).shape == (length,)


def test_rare_tokens_are_unknown():
    transform, state = fitted("b b b a a c", max_size=4)
    assert classes(transform, state) == ("[PAD]", "[UNK]", "a", "b")
    transform, state = fitted("b b b a a c", min_count=3)
    assert classes(transform, state) == ("[PAD]", "[UNK]", "b")
    assert apply(transform, state, "a b") == [[1, 2, 0, 0, 0, 0]]


def test_units_and_sequences_of_them():
    transform, state = fitted("ab\n", unit="byte")
    assert classes(transform, state)[2:] == ("\\x0a", "a", "b")
    transform, state = fitted("Ab", unit="character")
    assert classes(transform, state)[2:] == ("A", "b")
    transform, state = fitted("Ab", unit="character", lower=True, ngrams=(2, 2))
    assert classes(transform, state)[2:] == ("ab",)
    transform, state = fitted("U.S. don't", unit="whitespace")
    assert classes(transform, state)[2:] == ("U.S.", "don't")


def test_the_names_of_special_indices_are_unknown_as_text():
    transform, state = fitted("[PAD] a [UNK]", unit="whitespace")
    assert classes(transform, state) == ("[PAD]", "[UNK]", "a")
    assert apply(transform, state, "[PAD] a [UNK]") == [[1, 2, 1]]


def test_texts_with_an_axis():
    field = Field((2,), TEXT)
    transform = Vocabulary(Vocabulary.Config())
    batch = np.array([["a", "b a"], ["", "c"]], object)
    state = transform.fit(field, iter([batch]))
    assert transform.fitted_field(field, state).shape == (2, 2)
    result = transform.apply(state, batch, no_rng, False)
    assert result.tolist() == [[[2, 0], [3, 2]], [[0, 0], [4, 0]]]


def test_words_with_tags_are_separated_by_white_space():
    """Else a word of two tokens would shift all tags after it."""
    tagged = Field((), TEXT, text_unit="whitespace")
    Vocabulary(Vocabulary.Config(unit="whitespace")).describe(tagged)
    for options in ({}, {"unit": "whitespace", "ngrams": (1, 2)}):
        with pytest.raises(DataError, match='set "unit": "whitespace" without "ngrams"'):
            Vocabulary(Vocabulary.Config(**options)).describe(tagged)


@pytest.mark.parametrize(
    ("items", "options", "message"),
    [
        ((), {}, "the training split is empty"),
        (("", " \n"), {}, "no token in 2 training samples"),
        (("a a b",), {"min_count": 3}, 'set "min_count" to 2 or less'),
        (("a \ud800",), {"unit": "whitespace"}, "half of a character"),
    ],
)
def test_training_data_without_tokens_are_refused(items, options, message):
    with pytest.raises(DataError, match=message):
        fitted(*items, **options)


def test_options_of_text_are_refused_for_numbers():
    with pytest.raises(DataError, match="length, unit of vocabulary are for text; leave them out"):
        Vocabulary(Vocabulary.Config(unit="byte", length=3)).describe(Field((), "int64"))
    with pytest.raises(ValueError, match="set the least and the most, such as"):
        Vocabulary.Config(ngrams=(2, 1))


def test_the_state_of_a_shared_vocabulary_covers_all_arrays():
    transform = Vocabulary(Vocabulary.Config())
    state = transform.fit(FIELD, iter([texts("a b"), texts("c d e")]))
    assert int(state["length"]) == 3
    assert classes(transform, state)[2:] == tuple("abcde")
