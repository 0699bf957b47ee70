"""Nodes as they are declared, before variables and blocks are resolved: fields and names."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from tinynet.spec.expansion.sources import Source
from tinynet.spec.expansion.state import Expansion
from tinynet.spec.expansion.variables import Scope, literals, lookup, measure, plain_value
from tinynet.text.document import MAX_KEY, MAX_LENGTH


@dataclass(frozen=True)
class DeclaredName:
    """The fields that determine a node's name."""

    kind: str  # the layer's type, or the block; empty where the node shares another's layer
    name: str | None = None
    repeat: int | None = None


_ORDINAL = re.compile(r".+_[0-9]+")


def is_position(name: str, kind: str) -> bool:
    """Return True if a node's name depends on its position alone.

    Args:
        name: The name; for a node of a block with the uses before it.
        kind: The layer's type; empty where it shares another's.
    """
    *uses, last = name.split(".")
    short = kind.rpartition(":")[2] or "shared"
    own = last.removeprefix(f"{short}_")
    return (own != last and own.isdecimal()) or any(map(_ORDINAL.fullmatch, uses))


def names(nodes: Iterable[DeclaredName]) -> list[tuple[str, ...]]:
    """Return the names of each node: the declared one, or kind and ordinal: ``conv2d_1``.

    A repeated node has several names: ``stage_1``, ``stage_2`` where ``stage`` is declared. Named
    nodes count, so that naming a node does not rename the others.

    At most one name more than a network can have nodes is returned, and long names are cut.
    """
    count: Counter[str] = Counter()
    left = MAX_LENGTH + 1
    result = []
    for node in nodes:
        short = node.kind[-MAX_KEY:].rpartition(":")[2] or "shared"
        declared = None if node.name is None else node.name[:MAX_KEY]
        own = []
        for time in range(1, min(node.repeat or 1, left) + 1):
            count[short] += 1
            if declared is None:
                own.append(f"{short}_{count[short]}")
            else:
                own.append(declared if node.repeat is None else f"{declared}_{time}")
        left -= len(own)
        result.append(tuple(own))
    return result


def declared_name(node: JsonValue, scope: Scope) -> DeclaredName:
    """Return the fields of a node that determine its names; unknown variables are ignored."""
    fields, scope = _fields(node, scope)
    block, kind, name, repeat = (
        plain_value(fields.get(key), scope) for key in ("block", "type", "name", "repeat")
    )
    kind = kind if block is None else block
    if not isinstance(repeat, int) or isinstance(repeat, bool) or repeat < 1:
        repeat = None
    return DeclaredName(
        kind if isinstance(kind, str) else "", name if isinstance(name, str) else None, repeat
    )


def declared(
    value: JsonValue, scope: Scope, state: Expansion, at: Source
) -> tuple[JsonValue, Source]:
    """Return a node or a list of nodes, and its place; a variable may hold it."""
    variable = lookup(value, scope)
    if variable is None or not isinstance(variable.value, dict | list):
        return value, at
    state.count(measure(variable.value)[0], at)
    return literals(variable.value), variable.source.through(f"used as {value}", at)


def needs_flattening(nodes: Iterable[JsonValue], scope: Scope) -> bool:
    """Return True if a node uses a block or is repeated."""
    return any({"block", "repeat"} & _fields(node, scope)[0].keys() for node in nodes)


def owners(
    nodes: list[JsonValue], places: Mapping[str, int], scope: Scope
) -> dict[str, str | None]:
    """Return for each name the use of a block that owns its layers; None if it uses no block.

    `places` has the index of the node with each name.
    """
    result: dict[str, str | None] = {}
    for start in places:
        name, way = start, dict[str, None]()
        while name not in result and name not in way:
            way[name] = None
            fields, within = _fields(nodes[places[name]], scope)
            if "block" in fields:
                result[name] = name
            shared = plain_value(fields.get("shares"), within)
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
