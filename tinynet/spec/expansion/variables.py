"""``"$width"``: a string that stands for a value which is written elsewhere.

A whole string only, so there is no expression to learn or to attack; ``"$$x"`` is the text ``$x``.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from tinynet.spec.expansion.sources import Source
from tinynet.spec.expansion.state import ExpansionState
from tinynet.text.document import (
    MAX_DEPTH,
    join_pointer,
)
from tinynet.text.wording import quote

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
"""What variables and parameters of blocks are called."""

NAME_RULE = "up to 100 ASCII letters, digits or '_'; the first is not a digit"

LINE = 50
"""Characters of a text that count as one value where values are counted."""


@dataclass(frozen=True)
class Value:
    """What a name stands for.

    Attributes:
        value: The value, in which nothing stands for anything else.
        source: Where it is written.
    """

    value: JsonValue
    source: Source


Scope = Mapping[str, Value]
"""The names that can be used at a place."""


def is_variable(value: object) -> bool:
    """Whether a value stands for another."""
    return isinstance(value, str) and value.startswith("$") and not value.startswith("$$")


def lookup(value: object, scope: Scope) -> Value | None:
    """What a value stands for; None if that is nothing but itself, or not known."""
    return scope.get(value[1:]) if isinstance(value, str) and value.startswith("$") else None


def literal(text: str) -> str:
    """A text, written so that it stands for nothing but itself."""
    return f"${text}" if text.startswith("$") else text


def literals(value: JsonValue) -> JsonValue:
    """JSON in which every text is written so that it stands for nothing but itself."""
    if isinstance(value, str):
        return literal(value)
    if isinstance(value, list):
        return [literals(item) for item in value]
    if isinstance(value, dict):
        return {key: literals(item) for key, item in value.items()}
    return value


def substitute(
    value: JsonValue, scope: Scope, state: ExpansionState, source: Source, target: str | None
) -> JsonValue:
    """A copy in which every name is replaced by what it stands for.

    Args:
        value: As it is written.
        scope: What the names stand for.
        state: Where moves and problems are noted.
        source: Where ``value`` is written.
        target: JSON pointer to where the copy will be; None if that is no part of the spec.

    Raises:
        SpecError: if the copy grows too large.
    """
    return _Copier(scope, state, source, target).copy(value)


@dataclass
class _Copier:
    """Copies a value; attributes are the arguments of `substitute`, and the way to where it is."""

    scope: Scope
    state: ExpansionState
    source: Source
    target: str | None
    path: list[int | str] = field(default_factory=list)

    def copy(self, value: JsonValue) -> JsonValue:
        self.state.count(_weight(value), self.source)
        if isinstance(value, list):
            return [self._within(i, item) for i, item in enumerate(value)]
        if isinstance(value, dict):
            return {key: self._within(key, item) for key, item in value.items()}
        if isinstance(value, str) and value.startswith("$"):
            return value[1:] if value.startswith("$$") else self._stand_in(value)
        return value

    def _within(self, key: int | str, item: JsonValue) -> JsonValue:
        self.path.append(key)
        copied = self.copy(item)
        self.path.pop()
        return copied

    def _stand_in(self, name: str) -> JsonValue:
        state, here = self.state, self.source.part(*self.path)
        known = self.scope.get(name[1:])
        if known is None:
            _refuse_unknown(name, self.scope, state, here)
            return name
        size, height = measure(known.value)
        state.count(size, here)
        pointer = (self.target or "") + join_pointer(self.path)
        if pointer.count("/") + height > MAX_DEPTH:
            state.refuse(f"with what {name} stands for it is nested too deep", here)
            return name
        if self.target is not None:
            state.moved[pointer] = known.source.through(f"used as {name}", here)
        return known.value


def evaluate(value: JsonValue, scope: Scope, state: ExpansionState, source: Source) -> Value:
    """What a value that is handed on as a parameter comes to, and where that is written."""
    if (known := lookup(value, scope)) is not None:
        state.count(1, source)
        return Value(known.value, known.source.through(f"used as {value}", source))
    return Value(substitute(value, scope, state, source, None), source)


def _refuse_unknown(name: str, scope: Scope, state: ExpansionState, at: Source) -> None:
    if NAME.fullmatch(name[1:]):
        known = (f"${known}" for known in scope)
        state.refuse_unknown(f"there is no {quote(name)} here", name, known, at)
    else:
        rule = "a text that begins with $ is written with $$"
        state.refuse(f"{quote(name)} is not the name of a variable; {rule}", at)


def measure(value: JsonValue) -> tuple[int, int]:
    """How much a value counts, all that is within included, and how deep it is nested."""
    if not isinstance(value, dict | list):
        return _weight(value), 0
    inner = [measure(item) for item in (value.values() if isinstance(value, dict) else value)]
    return 1 + sum(size for size, _ in inner), 1 + max((height for _, height in inner), default=0)


def _weight(value: JsonValue) -> int:
    """How much a value counts: a long text takes as much room as many numbers."""
    return 1 + len(value) // LINE if isinstance(value, str) else 1


def texts(value: JsonValue, *path: int | str) -> Iterator[tuple[str, tuple[int | str, ...]]]:
    """Every text within a value, and the path to it."""
    if isinstance(value, str):
        yield value, path
    elif isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from texts(item, *path, key)
