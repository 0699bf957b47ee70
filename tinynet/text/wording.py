"""Words that messages have in common: what was meant, and what was said instead."""

import json
import os
from bisect import bisect
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from tinynet.text.synonyms import synonym

MAX_KNOWN = 20
"""How many known words a message lists."""

MAX_COMPARED = 200
"""How many known words a misspelt one is compared with."""

MAX_SHOWN = 60
"""Characters of a value that a message shows."""


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that may have been meant: a synonym, or one that looks like it."""
    return _closest(word, sorted(set(known)))


def _closest(word: str, words: list[str]) -> str | None:
    if (meant := synonym(word, words)) is not None:
        return meant
    # Of many words only the alphabetical neighbours are compared: a hundred wrong names among ten
    # thousand right ones are to be told in no time.
    place = bisect(words, word)
    first = max(0, min(place - MAX_COMPARED // 2, len(words) - MAX_COMPARED))
    near = {known.lower(): known for known in words[first : first + MAX_COMPARED]}
    found = get_close_matches(word[:MAX_SHOWN].lower(), near, n=1, cutoff=0.6)
    return near[found[0]] if found else None


def suggest(word: str, known: Iterable[str]) -> str:
    """Return the hint for an unknown word: the one that may be meant, or those that exist."""
    words = sorted(set(known))
    if meant := _closest(word, words):
        return f"did you mean {quoted(meant)}?"
    if not words:
        return "none is available"
    return f"available: {listed(words)}"


def listed(words: Sequence[str]) -> str:
    """The first of many words, and how many more there are."""
    shown, rest = ", ".join(map(_cut, words[:MAX_KNOWN])), len(words) - MAX_KNOWN
    return shown + (f" and {rest:,} more" if rest > 0 else "")


def cause(error: BaseException) -> str:
    """What an exception of somebody else's code says."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def quoted(word: str) -> str:
    """A name in quotes, cut where it is too long to read."""
    return repr(_cut(word))


def path_text(path: Path) -> str:
    r"""Return an absolute path as text that any file can hold; other bytes become ``\xff``."""
    return os.fsencode(path.resolve()).decode(errors="backslashreplace")


def show(value: Any) -> str:
    """A JSON value as its author wrote it, or what it is where that is long."""
    if isinstance(value, dict):
        return "an object" if value else "{}"
    if isinstance(value, list | tuple):
        plain = len(value) <= 6 and not any(isinstance(part, dict | list | tuple) for part in value)
        text = json.dumps(value, ensure_ascii=False, default=str) if plain else ""
        return text if 0 < len(text) <= MAX_SHOWN else f"a list of {len(value):,}"
    if isinstance(value, str):
        return json.dumps(_cut(value), ensure_ascii=False)
    return _cut(json.dumps(value, ensure_ascii=False, default=str))


def _cut(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 3]}..."
