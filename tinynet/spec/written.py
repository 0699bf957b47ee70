"""Nodes as they are written: what they say of themselves before it is known what they stand for."""

from collections.abc import Iterable, Mapping

from pydantic import JsonValue

from tinynet.spec.naming import Unnamed
from tinynet.spec.trace import Source
from tinynet.spec.variables import Findings, Scope, literals, measure, stands_for


def written(
    value: JsonValue, scope: Scope, found: Findings, at: Source
) -> tuple[JsonValue, Source]:
    """A node, or a list of nodes, and where it is written; a variable may stand for it.

    Args:
        value: What is written.
        scope: What variables stand for.
        found: Where the size of what is copied is noted.
        at: Where it is written.

    Raises:
        SpecError: if too much is copied.
    """
    known = stands_for(value, scope)
    if known is None or not isinstance(known.value, dict | list):
        return value, at
    found.count(measure(known.value)[0], at)
    return literals(known.value), known.source.through(f"used as {value}", at)


def unnamed(node: JsonValue, scope: Scope) -> Unnamed:
    """What a node's names follow from.

    Args:
        node: A node as it is written.
        scope: What variables stand for; those that are not known are of no account.
    """
    said, scope = _said(node, scope)
    keys = ("block", "type", "name", "repeat")
    block, kind, name, repeat = (_value(said, key, scope) for key in keys)
    kind = kind if block is None else block
    if not isinstance(repeat, int) or isinstance(repeat, bool) or repeat < 1:
        repeat = None
    return Unnamed(
        kind if isinstance(kind, str) else "", name if isinstance(name, str) else None, repeat
    )


def needs_unrolling(nodes: Iterable[JsonValue], scope: Scope) -> bool:
    """Whether some of the nodes use blocks, or are repeated."""
    fields = (_said(node, scope)[0] for node in nodes)
    return any("block" in said or "repeat" in said for said in fields)


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
            said, within = _said(nodes[places[name]], scope)
            if "block" in said:
                found[name] = name
            shared = _value(said, "shares", within)
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


def _said(node: JsonValue, scope: Scope) -> tuple[Mapping[str, JsonValue], Scope]:
    """What a node says, and what the names in that stand for."""
    if (known := stands_for(node, scope)) is not None:
        node, scope = known.value, {}
    if isinstance(node, str):
        return {"type": node}, scope
    return (node if isinstance(node, dict) else {}), scope


def _value(said: Mapping[str, JsonValue], key: str, scope: Scope) -> JsonValue:
    """What a node says of itself, as far as that is known before its place is."""
    value = said.get(key)
    known = stands_for(value, scope)
    return value if known is None else known.value
