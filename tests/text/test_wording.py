"""Parts of messages: suggestions, quoted names and formatted values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinynet.text.wording import MAX_SHOWN, closest, format_value, quote, suggest


@pytest.mark.parametrize(
    ("word", "words", "expected"),
    [
        ("filtres", ["filters", "units"], "did you mean 'filters'?"),
        ("ReLU", ["elu", "relu", "Softmax"], "did you mean 'relu'?"),
        ("softmax", ["elu", "relu", "Softmax"], "did you mean 'Softmax'?"),
        ("colour", ["units", "filters"], "available: filters, units"),
        ("colour", [], "none is available"),
        ("", ["a"], "available: a"),
        ("x", [f"n{i:02}" for i in range(23)], "available: "
         + ", ".join(f"n{i:02}" for i in range(20)) + " and 3 more"),
    ],
)  # fmt: skip
def test_suggestions_for_an_unknown_word(word, words, expected):
    assert suggest(word, words) == expected


def test_a_similar_word_among_ten_thousand_is_suggested():
    assert closest("conv2d_71x2", [f"conv2d_{i}" for i in range(10_000)]).startswith("conv2d_71")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "null"),
        (True, "true"),
        (1.5, "1.5"),
        ("größe", '"größe"'),
        ("x" * 100, f'"{"x" * 57}..."'),
        ([], "[]"),
        ([1, "a"], '[1, "a"]'),
        ((1, 2), "[1, 2]"),
        ([[1]], "a list of 1"),
        (list(range(1000)), "a list of 1,000"),
        ({}, "{}"),
        ({"a": 1}, "an object"),
        (10**100, f"{10**100}"[:57] + "..."),
    ],
)
def test_values_are_formatted_as_json(value, expected):
    assert format_value(value) == expected


@given(st.text(), st.lists(st.text()))
def test_messages_stay_short_for_long_words(word, words):
    assert len(suggest(word, words)) <= 25 * (MAX_SHOWN + 2)
    assert len(format_value(word)) <= 6 * MAX_SHOWN + 2
    assert len(quote(word)) <= 10 * MAX_SHOWN + 2
