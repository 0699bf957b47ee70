"""JSON in arguments of a command."""

import json
from typing import Any

import click


def parse_value(text: str) -> Any:
    """Return the value of ``PATH=JSON``; a bare word stands for a string.

    Raises:
        click.BadParameter: for JSON that is malformed, too large, or holds NaN or infinity.
    """
    from tinynet.errors import SpecError
    from tinynet.text.document import Document

    try:
        return Document(text).value
    except SpecError as error:
        if _is_bare_word(text):
            return text
        raise click.BadParameter("; ".join(p.message for p in error.problems)) from error


def parse_object(text: str) -> dict[str, Any]:
    """Return a JSON object.

    Raises:
        click.BadParameter: for anything else.
    """
    value = parse_value(text)
    if not isinstance(value, dict):
        raise click.BadParameter(f'{_cut(text)!r} is not a JSON object, such as {{"units": 3}}')
    return value


def require_unicode(text: str) -> None:
    """Refuse text that came as bytes of another encoding than UTF-8.

    Raises:
        click.BadParameter: naming it.
    """
    if any("\ud800" <= c <= "\udfff" for c in text):
        raise click.BadParameter(f"{_cut(text)!a} is not UTF-8")


def _is_bare_word(text: str) -> bool:
    if text.lstrip().startswith(("[", "{", '"')):
        return False
    try:
        json.loads(text)
    except json.JSONDecodeError:
        return True
    except ValueError:  # an integer of thousands of digits
        pass
    return False


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
