"""Variables: the string ``"$width"`` is replaced by a value that is declared elsewhere.

From ``"vars": {"width": 64}``, `read_variables` makes a `Scope`, the variables with their values.
`substitute` then replaces every ``"$width"`` in the spec by 64. In a block, ``$name`` is a variable
or a parameter: `blocks.block_scope` makes a scope for each instance of the block, after
`substitute_with_source` has replaced the variables in the instance's arguments; `flattening`
substitutes the values of that scope in each node. Before that, `lookup`, `resolve_if_variable` and
`declared_nodes.node_or_list` read the variables that determine which nodes there are, as in
``{"repeat": "$depth"}``. `is_variable` only recognizes a variable, and `escape_dollars` marks text
that begins with ``$`` but is none.

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
from tinynet.text.document import map_leaves, parts_of
from tinynet.text.places import MAX_DEPTH, join_pointer
from tinynet.text.wording import format_value, quote

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
"""The pattern of names of variables and of block parameters."""

NAME_RULE = "up to 100 ASCII letters, digits or '_'; the first is not a digit"

CHARACTERS_PER_VALUE = 50
"""Length of text that counts as one more value towards the largest size of a spec."""


@dataclass(frozen=True)
class Value:
    """The value of a variable or parameter, free of variables, and its place."""

    value: JsonValue
    source: Source


Scope = Mapping[str, Value]
"""The variables and parameters that a part of the spec can use: their values by name."""


def read_variables(raw: JsonValue, state: Expansion) -> dict[str, Value]:
    """Return the variables of a spec from its ``vars``; SpecError if that is not an object."""
    source = Source("/vars")
    if not isinstance(raw, dict):
        message = f"an object of values by name is expected, not {format_value(raw)}"
        raise SpecError([source.problem(message)])
    return {
        name: _read_variable(name, value, source.part(name), state) for name, value in raw.items()
    }


def _read_variable(name: str, value: JsonValue, source: Source, state: Expansion) -> Value:
    others = [(other, path) for other, path in strings_in(value) if is_variable(other)]
    if not NAME.fullmatch(name):
        message = f"a variable cannot be called {quote(name)}; a name is {NAME_RULE}"
        state.refuse(message, source, key=True)
    elif others:
        for other, path in others:
            message = f"a variable cannot refer to another variable ({quote(other)})"
            state.refuse(f"{message}; write its value here", source.part(*path))
    elif f"${name}" not in state.strings:
        state.refuse(f"nothing in the spec uses {quote('$' + name)}", source, key=True)
    # The variables in it, reported above, are unknown in an empty scope. The new `Expansion` drops
    # these second reports.
    return Value(substitute(value, {}, Expansion(), source, None), source)


def is_variable(value: object) -> bool:
    """Return True if a value is the name of a variable."""
    return isinstance(value, str) and value.startswith("$") and not value.startswith("$$")


def lookup(value: object, scope: Scope) -> Value | None:
    """Return the value that ``"$name"`` has in a scope; None if it is unknown or not a variable."""
    return scope.get(value[1:]) if isinstance(value, str) and value.startswith("$") else None


def resolve_if_variable(value: JsonValue, scope: Scope) -> JsonValue:
    """Return the value of a variable; return other values and unknown variables unchanged."""
    variable = lookup(value, scope)
    return value if variable is None else variable.value


def escape_dollars(value: JsonValue) -> JsonValue:
    """Return a copy that `substitute` turns back into `value`: ``$x`` is written as ``$$x``."""
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
        target: JSON pointer to the copy in the expanded spec; None if it is not a part of that.

    Raises:
        SpecError: if the expanded spec is too large.
    """

    def copy(value: JsonValue, path: tuple[int | str, ...]) -> JsonValue:
        state.count(_scalar_size(value), source)
        if isinstance(value, list):
            return [copy(item, (*path, index)) for index, item in enumerate(value)]
        if isinstance(value, dict):
            return {key: copy(item, (*path, key)) for key, item in value.items()}
        if not isinstance(value, str) or not value.startswith("$"):
            return value
        return value[1:] if value.startswith("$$") else replaced(value, path)

    def replaced(name: str, path: tuple[int | str, ...]) -> JsonValue:
        name_source = source.part(*path)
        variable = lookup(name, scope)
        if variable is None:
            _refuse_unknown(name, scope, state, name_source)
            return name
        size, depth = size_and_depth(variable.value)
        state.count(size, name_source)
        pointer = (target or "") + join_pointer(path)
        if pointer.count("/") + depth > MAX_DEPTH:
            state.refuse(f"the value of {name} makes this nested too deeply", name_source)
            return name
        if target is not None:
            state.sources[pointer] = variable.source.through(f"used as {name}", name_source)
        return variable.value

    return copy(value, ())


def substitute_with_source(
    value: JsonValue, scope: Scope, state: Expansion, source: Source
) -> Value:
    """Return the value of a parameter of a block, or of a key of a node, and its source.

    The value is not a part of the expanded spec, so its source is not recorded in `state`.
    """
    if (variable := lookup(value, scope)) is not None:
        state.count(1, source)
        return Value(variable.value, variable.source.through(f"used as {value}", source))
    return Value(substitute(value, scope, state, source, None), source)


def _refuse_unknown(name: str, scope: Scope, state: Expansion, source: Source) -> None:
    if NAME.fullmatch(name[1:]):
        names = (f"${other}" for other in scope)
        state.refuse_unknown(f"there is no {quote(name)} here", name, names, source)
    else:
        rule = "a text that begins with $ is written with $$"
        state.refuse(f"{quote(name)} is not the name of a variable; {rule}", source)


def size_and_depth(value: JsonValue) -> tuple[int, int]:
    """Return the number of values in a JSON value, itself included, and its depth."""
    if not isinstance(value, dict | list):
        return _scalar_size(value), 0
    inner = [size_and_depth(item) for _, item in parts_of(value)]
    return 1 + sum(size for size, _ in inner), 1 + max((depth for _, depth in inner), default=0)


def _scalar_size(value: JsonValue) -> int:
    """Return the number of values that a string or number counts as; a long string is several."""
    return 1 + len(value) // CHARACTERS_PER_VALUE if isinstance(value, str) else 1


def strings_in(value: JsonValue, *path: int | str) -> Iterator[tuple[str, tuple[int | str, ...]]]:
    """Yield every string within a value, and the path to it."""
    if isinstance(value, str):
        yield value, path
    for key, item in parts_of(value):
        yield from strings_in(item, *path, key)
