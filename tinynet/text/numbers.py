"""Numbers of JSON: 3 and 3.0 are the same integer, as in JSON Schema."""

from pydantic import JsonValue

LARGEST = 2**53
"""Integers up to here are the same as floats."""


def with_integers(value: JsonValue) -> JsonValue:
    """Return a copy of JSON data in which numbers without a fraction are integers.

    Args:
        value: JSON data; an integral number stays a float if it is -0.0 or larger than `LARGEST`.
    """
    if isinstance(value, dict):
        return {key: with_integers(part) for key, part in value.items()}
    if isinstance(value, list):
        return [with_integers(part) for part in value]
    if isinstance(value, float) and value.is_integer() and abs(value) <= LARGEST:
        return int(value) if value or str(value) == "0.0" else value
    return value
