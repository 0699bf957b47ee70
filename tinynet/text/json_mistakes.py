"""Explanations of mistakes in hand-written JSON."""

import json
import re


def explain(text: str, error: json.JSONDecodeError) -> tuple[int, str]:
    """Return the offset of the mistake and its explanation."""
    offset = error.pos
    if not text.strip():
        return 0, "the text is empty"
    if error.msg.startswith("Extra data"):
        return offset, "something follows the end of the value"
    if error.msg.startswith("Unterminated string"):
        return offset, "the string that begins here is never closed"
    if error.msg.startswith("Invalid control character"):
        return offset, _explain_control_character(text[offset])
    if error.msg.startswith("Invalid \\u"):
        return offset, "after \\u four hexadecimal digits are expected"
    if error.msg.startswith("Invalid \\"):
        return offset, "a backslash in a string is written twice: \\\\"
    return _explain_unexpected(text, offset, error.msg)


_TRAILING_COMMA = re.compile(r",\s*(?=[\]}])")
_NUMBER = re.compile(r"[+-]?\.?\d|[.eExX_]")


def _explain_control_character(character: str) -> str:
    if character in "\r\n":
        return "a string is not closed before its line ends; a line break in it is written \\n"
    written = "\\t" if character == "\t" else f"\\u{ord(character):04x}"
    return f"a control character in a string is written {written}"


def _explain_unexpected(text: str, offset: int, message: str) -> tuple[int, str]:
    # Python versions point either at a comma or at the text after it.
    if comma := _TRAILING_COMMA.match(text, offset):
        offset = comma.end()
    rest = text[offset:].lstrip()
    offset = len(text) - len(rest)
    before = text[:offset].rstrip()
    if not rest:
        return len(before), "the text ends before everything that was opened is closed"
    if before.endswith(",") and rest[0] in "]}":
        return len(before) - 1, f"a comma before the closing {rest[0]} is not allowed"
    if rest.startswith(("//", "/*", "#")):
        return offset, 'JSON has no comments; write a "comment" key instead'
    if rest[0] == "'":
        return offset, "strings are written in double quotes"
    if python := re.match(r"(?:True|False|None)\b", rest):
        word = {"True": "true", "False": "false", "None": "null"}[python[0]]
        return offset, f"{python[0]} is written {word}"
    if _NUMBER.match(rest) and ("value" in message or text[:offset][-1:].isdigit()):
        return offset, "numbers are written like 3, -0.5 or 1e-3"
    if "':'" in message:
        return offset, "a colon is expected after a key"
    if "','" in message:
        return offset, "a comma or a closing bracket is expected before this"
    if "property name" in message:
        return offset, "a key in double quotes is expected"
    return offset, "a value is expected"
