"""Parts of messages: quoted names, values, lists, and suggestions for misspelt names."""

import json
import os
from bisect import bisect
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from tinynet.text.synonyms import synonym

MAX_LISTED = 20
"""Most words that a message lists."""

MAX_COMPARED = 200
"""Most words that a misspelt one is compared with."""

MAX_SHOWN = 60
"""Most characters of a value in a message."""


def closest(word: str, words: Iterable[str]) -> str | None:
    """Return the word that is probably meant: a synonym or a similar word; None without one."""
    return _closest(word, sorted(set(words)))


def _closest(word: str, words: list[str]) -> str | None:
    if (meant := synonym(word, words)) is not None:
        return meant
    # Only the alphabetical neighbors are compared, so that a hundred wrong names among ten thousand
    # right ones are reported at once.
    place = bisect(words, word)
    first = max(0, min(place - MAX_COMPARED // 2, len(words) - MAX_COMPARED))
    near = {other.lower(): other for other in words[first : first + MAX_COMPARED]}
    matches = get_close_matches(word[:MAX_SHOWN].lower(), near, n=1, cutoff=0.6)
    return near[matches[0]] if matches else None


def suggest(word: str, words: Iterable[str]) -> str:
    """Return the hint for an unknown word: the one that is probably meant, or all that exist."""
    available = sorted(set(words))
    if meant := _closest(word, available):
        return f"did you mean {quote(meant)}?"
    return f"available: {format_list(available)}" if available else "none is available"


def format_list(words: Sequence[str]) -> str:
    """Return the first words, separated by commas, and the number of the others."""
    shown, rest = ", ".join(map(_cut, words[:MAX_LISTED])), len(words) - MAX_LISTED
    return shown + (f" and {rest:,} more" if rest > 0 else "")


def cause(error: BaseException) -> str:
    """Return type and message of an exception."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def quote(word: str) -> str:
    """Return a name in quotes, shortened if it is long."""
    return repr(_cut(word))


def path_text(path: Path) -> str:
    r"""Return an absolute path as text that any file can hold; other bytes become ``\xff``."""
    return os.fsencode(path.resolve()).decode(errors="backslashreplace")


def format_value(value: Any) -> str:
    """Return a JSON value as JSON, or a description of a long one."""
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
