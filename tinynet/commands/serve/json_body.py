"""JSON of requests: strict, since it comes from strangers."""

import json
import math
from typing import Any

from tinynet.commands.serve.limits import RequestError
from tinynet.text.wording import quote


def parse_json(content: bytes) -> Any:
    """Return the value of a JSON document.

    Raises:
        RequestError: for a document that is not JSON (RFC 8259), which includes NaN and infinity,
            that has a key twice, a number beyond the range of float64, or is nested too deeply.
    """
    if not content.strip():
        raise RequestError(400, "the body is empty; give JSON, such as a record or a list of them")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RequestError(400, f"the body is not UTF-8 (byte {error.start})") from error
    try:
        return json.loads(
            text,
            parse_constant=_refuse_constant,
            parse_float=_float,
            parse_int=_int,
            object_pairs_hook=_object,
        )
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise RequestError(400, f"the body is not JSON: {error.msg} ({place})") from error
    except RecursionError as error:
        raise RequestError(400, "the JSON is nested too deeply") from error


def _refuse_constant(name: str) -> Any:
    raise RequestError(400, f"{name} is not JSON; write a missing value as null")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise RequestError(400, f"the number {quote(text)} is too large")
    return value


def _int(text: str) -> int | float:
    """Return an integer; as a float, as in a table, if no integer of NumPy has its value."""
    return int(text) if len(text) < 19 else _large(text)


def _large(text: str) -> int | float:
    if len(text) <= 20 and -(2**63) <= (value := int(text)) < 2**64:
        return value
    return _float(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise RequestError(400, f"an object has the key {quote(twice)} twice")
    return result
