"""The fields of nodes as they are declared, before variables and blocks are resolved."""

from collections.abc import Iterable, Mapping

from pydantic import JsonValue

from tinynet.spec.expansion.node_names import DeclaredName
from tinynet.spec.expansion.sources import Source
from tinynet.spec.expansion.state import ExpansionState
from tinynet.spec.expansion.variables import Scope, literals, lookup, measure


def declared(
    value: JsonValue, scope: Scope, state: ExpansionState, at: Source
) -> tuple[JsonValue, Source]:
    """Return a node or a list of nodes, and its place; a variable may hold it.

    Args:
        value: The declared node or list, or a variable.
        scope: The variables.
        state: The state of the expansion.
        at: The place of the value.

    Raises:
        SpecError: if the expanded spec is too large.
    """
    variable = lookup(value, scope)
    if variable is None or not isinstance(variable.value, dict | list):
        return value, at
    state.count(measure(variable.value)[0], at)
    return literals(variable.value), variable.source.through(f"used as {value}", at)


def declared_name(node: JsonValue, scope: Scope) -> DeclaredName:
    """Return the fields of a node that determine its names.

    Args:
        node: A declared node.
        scope: The variables; unknown ones are ignored.
    """
    fields, scope = _fields(node, scope)
    keys = ("block", "type", "name", "repeat")
    block, kind, name, repeat = (_value(fields, key, scope) for key in keys)
    kind = kind if block is None else block
    if not isinstance(repeat, int) or isinstance(repeat, bool) or repeat < 1:
        repeat = None
    return DeclaredName(
        kind if isinstance(kind, str) else "", name if isinstance(name, str) else None, repeat
    )


def needs_flattening(nodes: Iterable[JsonValue], scope: Scope) -> bool:
    """Return True if a node uses a block or is repeated."""
    return any({"block", "repeat"} & _fields(node, scope)[0].keys() for node in nodes)


def owners(
    nodes: list[JsonValue], places: Mapping[str, int], scope: Scope
) -> dict[str, str | None]:
    """Return for each name the use of a block that owns its layers; None if it uses no block.

    Args:
        nodes: A list of declared nodes.
        places: The index of the node with each name.
        scope: The variables.
    """
    result: dict[str, str | None] = {}
    for start in places:
        name, way = start, dict[str, None]()
        while name not in result and name not in way:
            way[name] = None
            fields, within = _fields(nodes[places[name]], scope)
            if "block" in fields:
                result[name] = name
            shared = _value(fields, "shares", within)
            if not isinstance(shared, str) or shared not in places:
                break
            name = shared
        owner = result.get(name)
        result |= {passed: owner for passed in way if passed not in result}
    return result


def references(raw: JsonValue) -> tuple[str, ...] | None:
    """Return the names in ``inputs``; None if it is missing or invalid, which models report."""
    names = [raw] if isinstance(raw, str) else raw
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        return tuple(map(str, names)) or None
    return None


def _fields(node: JsonValue, scope: Scope) -> tuple[Mapping[str, JsonValue], Scope]:
    """Return the fields of a node, and the names that they can refer to."""
    if (variable := lookup(node, scope)) is not None:
        node, scope = variable.value, {}
    if isinstance(node, str):
        return {"type": node}, scope
    return (node if isinstance(node, dict) else {}), scope


def _value(fields: Mapping[str, JsonValue], key: str, scope: Scope) -> JsonValue:
    """Return the value of a key, with a variable replaced."""
    value = fields.get(key)
    variable = lookup(value, scope)
    return value if variable is None else variable.value
