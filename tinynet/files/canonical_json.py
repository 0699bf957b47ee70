r"""JSON in one spelling: equal values are equal bytes, and what is read is what was written.

Keys ascend by code point and there is no white space. The text is ASCII: what is not is escaped as
``\uxxxx``, in lower case, and in pairs of surrogates beyond U+FFFF. Numbers are as ``repr`` writes
them. Duplicate keys, NaN, infinities and surrogates without their other half are refused. Writing
keeps to the bounds of reading, so whatever was written can be read; and no text makes its reader
take much time or memory.
"""

import json
import re

from pydantic import JsonValue

MAX_BYTES = 4 * 2**20
"""Size of a text."""

MAX_DEPTH = 128
"""Arrays and objects inside one another."""

MAX_MARKS = 2**18
"""Commas, colons and opening brackets outside of strings: what bounds the number of values."""

_PAIR = rb"\\ud[89ab]..\\ud[c-f].."
_LONE = rb"\\ud[89a-f]"
_MARK = re.compile(_PAIR + b"|" + _LONE + rb'|\\.|["\[\]{},:]', re.DOTALL)


class NotCanonicalError(ValueError):
    """A text that is not JSON in its canonical form, or a value that has none."""


class TooLargeError(ValueError):
    """A text or a value beyond the bounds."""


def encode(value: JsonValue) -> bytes:
    """The canonical text of a value.

    Raises:
        NotCanonicalError: for what JSON cannot hold unchanged: NaN, an infinity, keys that are not
            strings, tuples, any other type.
        TooLargeError: for a value beyond the bounds.
    """
    try:
        text = _dump(value)
    except RecursionError as error:
        raise TooLargeError(f"nested more than {MAX_DEPTH} deep") from error
    except (TypeError, ValueError) as error:
        raise NotCanonicalError(str(error)) from error
    if decode(text) != value:
        raise NotCanonicalError("it holds tuples, or keys that are not strings")
    return text


def decode(text: bytes | bytearray) -> JsonValue:
    """The value of a canonical text.

    Raises:
        NotCanonicalError: if it is no JSON, or not the canonical spelling of its value.
        TooLargeError: for a text beyond the bounds.
    """
    _check_bounds(text)
    try:
        value: JsonValue = json.loads(text.decode("ascii"))
        canonical = _dump(value) == text
    except ValueError as error:
        raise NotCanonicalError(str(error)) from error
    if not canonical:
        raise NotCanonicalError("it is not the canonical spelling of its value")
    return value


def _dump(value: JsonValue) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _check_bounds(text: bytes | bytearray) -> None:
    if len(text) > MAX_BYTES:
        raise TooLargeError(f"{len(text):,} bytes; at most {MAX_BYTES:,} are allowed")
    marks = depth = 0
    quoted = False
    for match in _MARK.finditer(text):
        mark = match[0]
        if mark == b'"':
            quoted = not quoted
        elif quoted:
            if re.fullmatch(_LONE, mark):
                raise NotCanonicalError(f"half a surrogate pair at byte {match.start():,}")
        elif mark in b"]}":
            depth -= 1
        else:
            marks += 1
            depth += mark in b"[{"
            if depth > MAX_DEPTH:
                raise TooLargeError(f"nested more than {MAX_DEPTH} deep")
            if marks > MAX_MARKS:
                raise TooLargeError(f"more than {MAX_MARKS:,} commas, colons and brackets")
