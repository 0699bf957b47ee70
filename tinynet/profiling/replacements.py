"""Attributes of objects that are replaced for a while."""

from collections.abc import Sequence
from typing import Any, TypeAlias

Item: TypeAlias = tuple[object, str, Any]
"""An object, the name of an attribute, and the value that replaces it."""

_MISSING = object()


class Replacements:
    """Attributes of objects that are replaced for a while.

    A method is replaced in one object, whose class is not changed, so all other objects, and this
    one before and after, run as if there were no replacement.
    """

    def __init__(self, items: Sequence[Item]) -> None:
        """Prepare; nothing is replaced yet.

        Args:
            items: The objects, the names of their attributes, and the values.
        """
        self._items = items
        self._before: list[tuple[dict[str, Any], str, Any]] = []

    def install(self) -> None:
        """Replace the attributes."""
        if self._before:
            return
        for owner, name, value in self._items:
            assert hasattr(owner, name), f"{type(owner).__name__} has no {name}"
            attributes = vars(owner)
            self._before.append((attributes, name, attributes.get(name, _MISSING)))
            attributes[name] = value

    def remove(self) -> None:
        """Restore what was replaced; it can be repeated."""
        while self._before:
            attributes, name, value = self._before[-1]
            if value is _MISSING:
                attributes.pop(name, None)
            else:
                attributes[name] = value
            self._before.pop()
