"""Variables: the string ``"$width"`` is replaced by a value that is declared elsewhere.

`read_variables` reads ``"vars": {"width": 64}`` of the spec, and `substitute` replaces every
``"$width"`` by 64. Parameters of blocks are variables, too; each use of a block has its own.

Only a whole string can be a variable, so there is no expression language. ``"$$x"`` is the text
``$x``.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from tinynet.errors import SpecError
from tinynet.spec.expansion.sources import Source
from tinynet.spec.expansion.state import Expansion
from tinynet.text.document import MAX_DEPTH, join_pointer, map_leaves, parts_of
from tinynet.text.wording import format_value, quote

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
"""The pattern of names of variables and of block parameters."""

NAME_RULE = "up to 100 ASCII letters, digits or '_'; the first is not a digit"

LINE = 50
"""Number of characters that count as one value."""


@dataclass(frozen=True)
class Value:
    """The value of a name, without variables, and its place."""

    value: JsonValue
    source: Source


Scope = Mapping[str, Value]
"""The names that can be used at a place, with their values."""


def read_variables(raw: JsonValue, state: Expansion) -> dict[str, Value]:
    """Return the variables of a spec from its ``vars``; SpecError if that is not an object."""
    at = Source("/vars")
    if not isinstance(raw, dict):
        message = f"an object of values by name is expected, not {format_value(raw)}"
        raise SpecError([at.problem(message)])
    return {name: _read_variable(name, value, at.part(name), state) for name, value in raw.items()}


def _read_variable(name: str, value: JsonValue, at: Source, state: Expansion) -> Value:
    others = [(text, path) for text, path in texts(value) if is_variable(text)]
    if not NAME.fullmatch(name):
        message = f"a variable cannot be called {quote(name)}; a name is {NAME_RULE}"
        state.refuse(message, at, key=True)
    elif others:
        for other, path in others:
            message = f"a variable stands for plain data, not for {quote(other)}"
            state.refuse(f"{message}; write the value itself here", at.part(*path))
    elif f"${name}" not in state.used:
        state.refuse(f"nothing in the spec uses {quote('$' + name)}", at, key=True)
    # Variables within are reported above, and not a second time.
    return Value(substitute(value, {}, Expansion(), at, None), at)


def is_variable(value: object) -> bool:
    """Return True if a value is the name of a variable."""
    return isinstance(value, str) and value.startswith("$") and not value.startswith("$$")


def lookup(value: object, scope: Scope) -> Value | None:
    """Return the value of a variable; None for an unknown one, or another value."""
    return scope.get(value[1:]) if isinstance(value, str) and value.startswith("$") else None


def plain_value(value: JsonValue, scope: Scope) -> JsonValue:
    """Return the value of a variable; other values, and unknown variables, are not changed."""
    variable = lookup(value, scope)
    return value if variable is None else variable.value


def literals(value: JsonValue) -> JsonValue:
    """Return JSON in which every text is escaped so that it is not a variable."""
    return map_leaves(
        lambda leaf: f"${leaf}" if isinstance(leaf, str) and leaf.startswith("$") else leaf, value
    )


def substitute(
    value: JsonValue, scope: Scope, state: Expansion, source: Source, target: str | None
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

    def copy(value: JsonValue, path: tuple[int | str, ...]) -> JsonValue:
        state.count(_weight(value), source)
        if isinstance(value, list):
            return [copy(item, (*path, index)) for index, item in enumerate(value)]
        if isinstance(value, dict):
            return {key: copy(item, (*path, key)) for key, item in value.items()}
        if not isinstance(value, str) or not value.startswith("$"):
            return value
        return value[1:] if value.startswith("$$") else replaced(value, path)

    def replaced(name: str, path: tuple[int | str, ...]) -> JsonValue:
        here = source.part(*path)
        variable = lookup(name, scope)
        if variable is None:
            _refuse_unknown(name, scope, state, here)
            return name
        size, depth = measure(variable.value)
        state.count(size, here)
        pointer = (target or "") + join_pointer(path)
        if pointer.count("/") + depth > MAX_DEPTH:
            state.refuse(f"with what {name} stands for it is nested too deep", here)
            return name
        if target is not None:
            state.moved[pointer] = variable.source.through(f"used as {name}", here)
        return variable.value

    return copy(value, ())


def evaluate(value: JsonValue, scope: Scope, state: Expansion, source: Source) -> Value:
    """Return the value of a parameter and its place; it may be a variable."""
    if (variable := lookup(value, scope)) is not None:
        state.count(1, source)
        return Value(variable.value, variable.source.through(f"used as {value}", source))
    return Value(substitute(value, scope, state, source, None), source)


def _refuse_unknown(name: str, scope: Scope, state: Expansion, at: Source) -> None:
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
    inner = [measure(item) for _, item in parts_of(value)]
    return 1 + sum(size for size, _ in inner), 1 + max((depth for _, depth in inner), default=0)


def _weight(value: JsonValue) -> int:
    """Return the count of a plain value; a long text counts as several."""
    return 1 + len(value) // LINE if isinstance(value, str) else 1


def texts(value: JsonValue, *path: int | str) -> Iterator[tuple[str, tuple[int | str, ...]]]:
    """Yield every text within a value, and the path to it."""
    if isinstance(value, str):
        yield value, path
    for key, item in parts_of(value):
        yield from texts(item, *path, key)
