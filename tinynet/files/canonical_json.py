r"""Canonical JSON: equal values are equal bytes.

Keys ascend by code point and there is no white space. The text is ASCII: other characters are
escaped as ``\uxxxx``, in lower case, and as pairs of surrogates beyond U+FFFF. Numbers are written
as by ``repr``. Duplicate keys, NaN, infinities and lone surrogates are refused. Writing and reading
have the same limits, so every written text can be read, in little time and memory.
"""

import json
import re
from collections.abc import Mapping
from functools import cache

from pydantic import JsonValue

from tinynet.errors import CheckpointFormatError, CheckpointLimitError

MAX_BYTES = 4 * 2**20
"""Bytes of a text."""

MAX_DEPTH = 128
"""Levels of nested arrays and objects."""

MAX_MARKS = 2**18
"""Commas, colons and opening brackets outside of strings; this limits the number of values."""

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
"""A string; one without an end reaches to the end of the text, so the search is linear."""

_ESCAPE = re.compile(rb"\\ud[89ab]..\\ud[c-f]..|(?P<lone>\\ud[89a-f])|\\.", re.DOTALL)
_OTHERS = bytes({*range(256)} - {*b"[]{},:"})


def encode(value: JsonValue) -> bytes:
    """Return the canonical text of a value.

    Raises:
        CheckpointFormatError: for NaN, infinities, keys that are not strings, and other types.
        CheckpointLimitError: for a value beyond the limits.
    """
    try:
        text = _dump(value)
    except RecursionError as error:
        raise CheckpointLimitError(f"nested more than {MAX_DEPTH} deep") from error
    except (TypeError, ValueError) as error:
        raise CheckpointFormatError(str(error)) from error
    if decode(text) != value:
        raise CheckpointFormatError("it holds tuples, or keys that are not strings")
    return text


class Encoded(bytes):
    """The canonical text of a value, as `encode` returns it."""


def encode_members(members: Mapping[str, JsonValue | Encoded]) -> bytes:
    """Return the canonical text of an object, some of whose values may be encoded.

    Raises:
        CheckpointFormatError: as `encode`.
        CheckpointLimitError: likewise.
    """
    texts = {
        name: value if isinstance(value, Encoded) else encode(value)
        for name, value in members.items()
    }
    text = b",".join(_encode_key(name) + b":" + texts[name] for name in sorted(texts))
    text = b"{" + text + b"}"
    _check_limits(text)
    return text


@cache
def _encode_key(name: str) -> bytes:
    """Return the text of the name of a member; there are few, and each save has the same."""
    return encode(name)


def decode(text: bytes | bytearray) -> JsonValue:
    """Return the value of a canonical text.

    Raises:
        CheckpointFormatError: if it is not JSON, or not canonical.
        CheckpointLimitError: for a text beyond the limits.
    """
    _check_limits(text)
    try:
        value: JsonValue = json.loads(text.decode("ascii"))
        canonical = _dump(value) == text
    except ValueError as error:
        raise CheckpointFormatError(str(error)) from error
    if not canonical:
        raise CheckpointFormatError("it is not the canonical spelling of its value")
    return value


def _dump(value: JsonValue) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _check_limits(text: bytes | bytearray) -> None:
    if len(text) > MAX_BYTES:
        raise CheckpointLimitError(f"{len(text):,} bytes; at most {MAX_BYTES:,} are allowed")
    if rb"\ud" in text:
        for match in _ESCAPE.finditer(text):
            if match["lone"]:
                raise CheckpointFormatError(f"half a surrogate pair at byte {match.start():,}")
    if len(text) <= MAX_MARKS and text.count(b"[") + text.count(b"{") <= MAX_DEPTH:
        return
    marks = _STRING.sub(b"", text).translate(None, _OTHERS)
    closing = depth = 0
    for mark in marks.translate(None, b",:"):
        if mark in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise CheckpointLimitError(f"nested more than {MAX_DEPTH} deep")
        else:
            depth -= 1
            closing += 1
    if len(marks) - closing > MAX_MARKS:
        raise CheckpointLimitError(f"more than {MAX_MARKS:,} commas, colons and brackets")
