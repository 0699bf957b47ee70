"""Variables: the string ``"$width"`` is replaced by a value that is declared elsewhere.

Only a whole string can be a variable, so there is no expression language. ``"$$x"`` is the text
``$x``.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from tinynet.spec.expansion.sources import Source
from tinynet.spec.expansion.state import ExpansionState
from tinynet.text.document import MAX_DEPTH, join_pointer
from tinynet.text.wording import quote

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
"""The pattern of names of variables and of block parameters."""

NAME_RULE = "up to 100 ASCII letters, digits or '_'; the first is not a digit"

LINE = 50
"""Number of characters that count as one value."""


@dataclass(frozen=True)
class Value:
    """The value of a name.

    Attributes:
        value: The value, without variables.
        source: Its place.
    """

    value: JsonValue
    source: Source


Scope = Mapping[str, Value]
"""The names that can be used at a place, with their values."""


def is_variable(value: object) -> bool:
    """Return True if a value is the name of a variable."""
    return isinstance(value, str) and value.startswith("$") and not value.startswith("$$")


def lookup(value: object, scope: Scope) -> Value | None:
    """Return the value of a variable; None for an unknown one, or another value."""
    return scope.get(value[1:]) if isinstance(value, str) and value.startswith("$") else None


def literal(text: str) -> str:
    """Return a text, escaped so that it is not a variable."""
    return f"${text}" if text.startswith("$") else text


def literals(value: JsonValue) -> JsonValue:
    """Return JSON in which every text is escaped so that it is not a variable."""
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
    """Return a copy in which every variable is replaced by its value.

    Args:
        value: The declared value.
        scope: The variables.
        state: The state of the expansion.
        source: The place of ``value``.
        target: JSON pointer to the copy; None if it is not a part of the spec.

    Raises:
        SpecError: if the expanded spec is too large.
    """
    return _Copier(scope, state, source, target).copy(value)


@dataclass
class _Copier:
    """A copy in progress: the arguments of `substitute`, and the path of the current part."""

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
            return value[1:] if value.startswith("$$") else self._replace(value)
        return value

    def _within(self, key: int | str, item: JsonValue) -> JsonValue:
        self.path.append(key)
        copied = self.copy(item)
        self.path.pop()
        return copied

    def _replace(self, name: str) -> JsonValue:
        state, here = self.state, self.source.part(*self.path)
        variable = self.scope.get(name[1:])
        if variable is None:
            _refuse_unknown(name, self.scope, state, here)
            return name
        size, height = measure(variable.value)
        state.count(size, here)
        pointer = (self.target or "") + join_pointer(self.path)
        if pointer.count("/") + height > MAX_DEPTH:
            state.refuse(f"with what {name} stands for it is nested too deep", here)
            return name
        if self.target is not None:
            state.moved[pointer] = variable.source.through(f"used as {name}", here)
        return variable.value


def evaluate(value: JsonValue, scope: Scope, state: ExpansionState, source: Source) -> Value:
    """Return the value of a parameter and its place; it may be a variable."""
    if (variable := lookup(value, scope)) is not None:
        state.count(1, source)
        return Value(variable.value, variable.source.through(f"used as {value}", source))
    return Value(substitute(value, scope, state, source, None), source)


def _refuse_unknown(name: str, scope: Scope, state: ExpansionState, at: Source) -> None:
    if NAME.fullmatch(name[1:]):
        names = (f"${other}" for other in scope)
        state.refuse_unknown(f"there is no {quote(name)} here", name, names, at)
    else:
        rule = "a text that begins with $ is written with $$"
        state.refuse(f"{quote(name)} is not the name of a variable; {rule}", at)


def measure(value: JsonValue) -> tuple[int, int]:
    """Return the number of values in a value, and its depth."""
    if not isinstance(value, dict | list):
        return _weight(value), 0
    inner = [measure(item) for item in (value.values() if isinstance(value, dict) else value)]
    return 1 + sum(size for size, _ in inner), 1 + max((height for _, height in inner), default=0)


def _weight(value: JsonValue) -> int:
    """Return the count of a plain value; a long text counts as several."""
    return 1 + len(value) // LINE if isinstance(value, str) else 1


def texts(value: JsonValue, *path: int | str) -> Iterator[tuple[str, tuple[int | str, ...]]]:
    """Yield every text within a value, and the path to it."""
    if isinstance(value, str):
        yield value, path
    elif isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from texts(item, *path, key)
