"""Texts as tokens: words, characters or bytes, and sequences of them."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from tinynet.builtin.datasets.text import BYTE_NAMES

Unit: TypeAlias = Literal["word", "whitespace", "character", "byte"]

_IDEOGRAPHS = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Characters that are words: the unified and the compatible ideographs of Chinese."""

_JOINERS = "\u200c\u200d"
_PLANES = (range(0x300, 0x20000), range(0xE0100, 0xE01F0))
"""The code points among which all combining marks are."""


def _in_order(sizes: tuple[int, int]) -> tuple[int, int]:
    low, high = sizes
    if not 1 <= low <= high:
        raise PydanticCustomError(
            "ngrams",
            "{sizes} are no numbers of tokens; set the least and the most, such as [1, 2]",
            {"sizes": str(list(sizes))},
        )
    return sizes


Sizes: TypeAlias = Annotated[tuple[int, int], AfterValidator(_in_order)]
"""The least and the most tokens of an n-gram."""


@dataclass(frozen=True)
class Tokenizer:
    """A function from a text to its tokens.

    - ``word``: a run of letters, digits and underscores with their combining marks, also across an
      apostrophe (``don't``) or a decimal separator (``1,000.5``); each ideograph of Chinese; and
      each other character that is not white space. The text is normalized to NFC before, and
      typographic apostrophes become plain ones.
    - ``whitespace``: what white space separates.
    - ``character``: each Unicode code point.
    - ``byte``: each byte of UTF-8, as the character of that number.

    Letters, marks and white space are those of the Unicode version of Python.

    Attributes:
        unit: The unit of a token.
        lower: Turn the text into lower case before.
        ngrams: The least and the most units in a token. Tokens of one size come one after the
            other; units of words are joined by a space.
    """

    unit: Unit = "word"
    lower: bool = False
    ngrams: tuple[int, int] = (1, 1)

    def __call__(self, text: str) -> list[str]:
        """Return the tokens of a text, in its order."""
        if self.lower:
            text = text.lower()
        units = _SPLITTERS[self.unit](text)
        if self.ngrams == (1, 1):
            return units
        low, high = self.ngrams
        joint = " " if self.unit in ("word", "whitespace") else ""
        return [
            joint.join(units[start : start + size])
            for size in range(low, high + 1)
            for start in range(len(units) - size + 1)
        ]

    def name(self, token: str) -> str:
        """Return a token for reading."""
        return "".join(BYTE_NAMES[ord(b)] for b in token) if self.unit == "byte" else token


def _words(text: str) -> list[str]:
    if not text.isascii():
        text = unicodedata.normalize("NFC", text).replace("\u2019", "'")
    return _word_pattern().findall(text)


def _bytes(text: str) -> list[str]:
    return list(text.encode("utf-8", "replace").decode("latin-1"))


_SPLITTERS: dict[Unit, Callable[[str], list[str]]] = {
    "word": _words,
    "whitespace": str.split,
    "character": list,
    "byte": _bytes,
}


@cache
def _word_pattern() -> re.Pattern[str]:
    marks = _JOINERS + "".join(_ranges([c for plane in _PLANES for c in plane if _is_mark(c)]))
    letters = rf"[^\W{_IDEOGRAPHS}]"
    run = rf"{letters}+(?:[{marks}]+{letters}*)*"
    word = rf"{run}(?:'{run}|(?<=\d)[.,](?=\d){run})*"
    return re.compile(rf"{word}|[{_IDEOGRAPHS}][{marks}]*|[^\w\s][{marks}]*")


def _is_mark(code: int) -> bool:
    return unicodedata.category(chr(code)).startswith("M")


def _ranges(codes: Sequence[int]) -> list[str]:
    """Return ascending code points as ranges of a character class."""
    starts = [code for code, before in zip(codes, (-1, *codes), strict=False) if code != before + 1]
    stops = [code for code, after in zip(codes, (*codes[1:], -1), strict=True) if after != code + 1]
    return [f"{chr(start)}-{chr(stop)}" for start, stop in zip(starts, stops, strict=True)]
