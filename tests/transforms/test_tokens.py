"""Texts cut into tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinynet.builtin.transforms._tokens import Tokenizer

WORDS = {
    "Don't panic - it's 1,000.50 kg!": "Don't|panic|-|it's|1,000.50|kg|!",
    "isn\u2019t": "isn't",
    "'quoted' dogs'": "'|quoted|'|dogs|'",
    "state-of-the-art": "state|-|of|-|the|-|art",
    "wait... (no)": "wait|.|.|.|(|no|)",
    "3. 3.x .5": "3|.|3|.|x|.|5",
    "snake_case v1.2": "snake_case|v1.2",
    "cafe\u0301 na\u00efve": "caf\u00e9|na\u00efve",
    "\u0939\u093f\u0928\u094d\u0926\u0940 \u092d\u093e\u0937\u093e": (
        "\u0939\u093f\u0928\u094d\u0926\u0940|\u092d\u093e\u0937\u093e"
    ),
    "\u6211\u7231\u5317\u4eac ok": "\u6211|\u7231|\u5317|\u4eac|ok",
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645": (
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
    ),
    "love \u2764\ufe0f": "love|\u2764\ufe0f",
    " \t\r\n\u00a0\u3000": "",
    "": "",
}


@pytest.mark.parametrize("text", WORDS)
def test_words_and_punctuation(text):
    expected = WORDS[text]
    assert Tokenizer("word")(text) == (expected.split("|") if expected else [])


def test_other_units():
    assert Tokenizer("whitespace")(" U.S. \n don't ") == ["U.S.", "don't"]
    assert Tokenizer("character")("a \u00fc") == ["a", " ", "\u00fc"]
    assert Tokenizer("byte")("a\u00fc") == ["a", "\xc3", "\xbc"]
    assert Tokenizer("byte").name("\xc3") == "\\xc3"
    assert Tokenizer("word").name("\xc3") == "\xc3"


def test_lower_case():
    assert Tokenizer("word", lower=True)("The \u00dcBER") == ["the", "\u00fcber"]
    assert Tokenizer("character", lower=True)("Ab") == ["a", "b"]


def test_sequences_of_units():
    words = Tokenizer("word", ngrams=(1, 2))
    assert words("a b, c") == ["a", "b", ",", "c", "a b", "b ,", ", c"]
    assert words("a") == ["a"]
    assert Tokenizer("character", ngrams=(3, 3))("abcd") == ["abc", "bcd"]
    assert Tokenizer("character", ngrams=(3, 3))("ab") == []


@given(st.text())
def test_words_lose_nothing_but_white_space(text):
    """And they are found again, however often the text is cut."""
    split = Tokenizer("word")
    words = split(text)
    assert all(words)
    assert not any(character.isspace() for word in words for character in word)
    assert split(" ".join(words)) == words
    if text.isascii():
        assert "".join(words) == "".join(text.split())


@given(st.text(), st.sampled_from(["word", "whitespace", "character", "byte"]), st.booleans())
def test_any_text_has_tokens(text, unit, lower):
    tokens = Tokenizer(unit, lower, (1, 2))(text)
    assert len(tokens) <= 2 * len(text.lower().encode("utf-8", "surrogatepass"))
