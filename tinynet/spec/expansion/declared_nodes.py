"""Nodes as they are written: what they say of themselves before it is known what they stand for."""

from collections.abc import Iterable, Mapping

from pydantic import JsonValue

from tinynet.spec.expansion.node_names import DeclaredName
from tinynet.spec.expansion.sources import Source
from tinynet.spec.expansion.state import ExpansionState
from tinynet.spec.expansion.variables import Scope, literals, lookup, measure


def declared(
    value: JsonValue, scope: Scope, state: ExpansionState, at: Source
) -> tuple[JsonValue, Source]:
    """A node, or a list of nodes, and where it is written; a variable may stand for it.

    Args:
        value: What is written.
        scope: What variables stand for.
        state: Where the size of what is copied is noted.
        at: Where it is written.

    Raises:
        SpecError: if too much is copied.
    """
    known = lookup(value, scope)
    if known is None or not isinstance(known.value, dict | list):
        return value, at
    state.count(measure(known.value)[0], at)
    return literals(known.value), known.source.through(f"used as {value}", at)


def declared_name(node: JsonValue, scope: Scope) -> DeclaredName:
    """What a node's names follow from.

    Args:
        node: A node as it is written.
        scope: What variables stand for; those that are not known are of no account.
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
    """Whether some of the nodes use blocks, or are repeated."""
    fields = (_fields(node, scope)[0] for node in nodes)
    return any("block" in fields or "repeat" in fields for fields in fields)


def owners(
    nodes: list[JsonValue], places: Mapping[str, int], scope: Scope
) -> dict[str, str | None]:
    """For each name the use of a block whose layers stand there, its own or another's; or None.

    Args:
        nodes: A list of nodes as they are written.
        places: Which of them each name is.
        scope: What variables stand for.
    """
    found: dict[str, str | None] = {}
    for start in places:
        name, way = start, dict[str, None]()
        while name not in found and name not in way:
            way[name] = None
            fields, within = _fields(nodes[places[name]], scope)
            if "block" in fields:
                found[name] = name
            shared = _value(fields, "shares", within)
            if not isinstance(shared, str) or shared not in places:
                break
            name = shared
        owner = found.get(name)
        found |= {passed: owner for passed in way if passed not in found}
    return found


def references(raw: JsonValue) -> tuple[str, ...] | None:
    """The names in an ``inputs``; None where there is none, or it is for the models to refuse."""
    listed = [raw] if isinstance(raw, str) else raw
    if isinstance(listed, list) and all(isinstance(name, str) for name in listed):
        return tuple(map(str, listed)) or None
    return None


def _fields(node: JsonValue, scope: Scope) -> tuple[Mapping[str, JsonValue], Scope]:
    """What a node says, and what the names in that stand for."""
    if (known := lookup(node, scope)) is not None:
        node, scope = known.value, {}
    if isinstance(node, str):
        return {"type": node}, scope
    return (node if isinstance(node, dict) else {}), scope


def _value(fields: Mapping[str, JsonValue], key: str, scope: Scope) -> JsonValue:
    """What a node says of itself, as far as that is known before its place is."""
    value = fields.get(key)
    known = lookup(value, scope)
    return value if known is None else known.value
