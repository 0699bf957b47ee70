"""YAML as a person writes it: blocks, and on one line what fits there."""

import json
import re
from typing import Any

WIDTH = 88

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
"""Words that are put in quotes, since some readers of YAML take them for other than text."""


def format_yaml(value: Any, indent: int = 0) -> str:
    """Return a JSON value as lines of YAML, which end with a line feed."""
    margin = " " * indent
    if isinstance(value, dict) and value:
        return "".join(
            _entry(f"{margin}{_text(key)}:", part, indent) for key, part in value.items()
        )
    if isinstance(value, list) and value:
        return "".join(_entry(f"{margin}-", part, indent) for part in value)
    return f"{margin}{_flow(value)}\n"


def _entry(start: str, value: Any, indent: int) -> str:
    """Return a key or the dash of an element with its value."""
    line = f"{start} {_flow(value)}\n"
    top = isinstance(value, dict) and not indent
    if not isinstance(value, dict | list) or not value or (len(line) <= WIDTH and not top):
        return line
    return f"{start}\n{format_yaml(value, indent + 2)}"


def _flow(value: Any) -> str:
    """Return a value on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_text(key)}: {_flow(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return _text(value) if isinstance(value, str) else json.dumps(value)


def _text(text: str) -> str:
    """Return a text, in the quotes of JSON unless it is a plain word."""
    plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS
    return text if plain else json.dumps(text, ensure_ascii=False)
