"""Nodes as they are declared, before variables and blocks are resolved: fields and names."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from tinynet.spec.expansion.sources import Source
from tinynet.spec.expansion.state import Expansion
from tinynet.spec.expansion.variables import (
    Scope,
    escape_dollars,
    lookup,
    resolve_if_variable,
    size_and_depth,
)
from tinynet.text.places import MAX_KEY, MAX_LENGTH


@dataclass(frozen=True)
class DeclaredName:
    """The fields that determine a node's name."""

    kind: str  # the layer's type, or the block; empty where the node shares another's layer
    name: str | None = None
    repeat: int | None = None


_ORDINAL = re.compile(r".+_[0-9]+")


def is_positional(name: str, kind: str) -> bool:
    """Return True if a node's name depends on its position alone.

    Args:
        name: The name; for a node of a block with the names of the instances before it.
        kind: The layer's type; empty where it shares another's.
    """
    *instances, last = name.split(".")
    short = kind.rpartition(":")[2] or "shared"
    ordinal = last.removeprefix(f"{short}_")
    return (ordinal != last and ordinal.isdecimal()) or any(map(_ORDINAL.fullmatch, instances))


def names(nodes: Iterable[DeclaredName]) -> list[tuple[str, ...]]:
    """Return the names of each node: the declared one, or kind and ordinal: ``conv2d_1``.

    A repeated node has several names: ``stage_1``, ``stage_2`` where ``stage`` is declared. Named
    nodes count, so that naming a node does not rename the others.

    Stop after ``MAX_LENGTH + 1`` names (enough to detect an overflow) and truncate each to
    `MAX_KEY` characters.
    """
    count: Counter[str] = Counter()
    left = MAX_LENGTH + 1
    result = []
    for node in nodes:
        short = node.kind[-MAX_KEY:].rpartition(":")[2] or "shared"
        declared = None if node.name is None else node.name[:MAX_KEY]
        own_names = []
        for repeat_index in range(1, min(node.repeat or 1, left) + 1):
            count[short] += 1
            if declared is None:
                own_names.append(f"{short}_{count[short]}")
            else:
                own_names.append(declared if node.repeat is None else f"{declared}_{repeat_index}")
        left -= len(own_names)
        result.append(tuple(own_names))
    return result


def declared_name(node: JsonValue, scope: Scope) -> DeclaredName:
    """Return the fields of a node that determine its names; unknown variables are ignored."""
    fields, scope = _fields(node, scope)
    block, kind, name, repeat = (
        resolve_if_variable(fields.get(key), scope) for key in ("block", "type", "name", "repeat")
    )
    kind = kind if block is None else block
    if not isinstance(repeat, int) or isinstance(repeat, bool) or repeat < 1:
        repeat = None
    return DeclaredName(
        kind if isinstance(kind, str) else "", name if isinstance(name, str) else None, repeat
    )


def node_or_list(
    value: JsonValue, scope: Scope, state: Expansion, source: Source
) -> tuple[JsonValue, Source]:
    """Return a node or a list of nodes, and its source.

    If `value` is a variable that holds one, return that with its source; else `value` and `source`.
    """
    variable = lookup(value, scope)
    if variable is None or not isinstance(variable.value, dict | list):
        return value, source
    state.count(size_and_depth(variable.value)[0], source)
    return escape_dollars(variable.value), variable.source.through(f"used as {value}", source)


def needs_flattening(nodes: Iterable[JsonValue], scope: Scope) -> bool:
    """Return True if a node is an instance of a block or is repeated."""
    return any({"block", "repeat"} & _fields(node, scope)[0].keys() for node in nodes)


def owning_instances(
    nodes: list[JsonValue], indices: Mapping[str, int], scope: Scope
) -> dict[str, str | None]:
    """Map each name to the block instance that its `shares` chain leads to.

    The value is None if the chain leads to a plain node. `indices` has the index of the node with
    each name.
    """
    result: dict[str, str | None] = {}
    for start in indices:
        name, chain = start, dict[str, None]()
        while name not in result and name not in chain:
            chain[name] = None
            fields, within = _fields(nodes[indices[name]], scope)
            if "block" in fields:
                result[name] = name
            shared = resolve_if_variable(fields.get("shares"), within)
            if not isinstance(shared, str) or shared not in indices:
                break
            name = shared
        owner = result.get(name)
        result |= {member: owner for member in chain if member not in result}
    return result


def input_references(raw: JsonValue) -> tuple[str, ...] | None:
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
