"""The natural order of names: numbers in them count as numbers, so that 2 comes before 10."""

import re

_DIGITS = re.compile("([0-9]+)")


def natural_key(name: str) -> tuple[list[str | int], str]:
    """Return the key to sort names by; names that differ in zeros before a number go by text."""
    parts = _DIGITS.split(name)  # text and digits in turn
    return [int(part) if i % 2 else part for i, part in enumerate(parts)], name
