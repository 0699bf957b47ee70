"""The check of arguments that are lists of strings.

A string is iterable too: taken for a list, each of its characters would count as an element.
"""

from collections.abc import Collection


def string_list_fault(value: object, example: str) -> str | None:
    """Return the reason why a value is not a list of strings, or None."""
    if isinstance(value, str):
        return f"must be a list of strings, such as {[value]!r}"
    if isinstance(value, Collection) and all(isinstance(part, str) for part in value):
        return None
    return f"must be a list of strings, such as {[example]!r}"
