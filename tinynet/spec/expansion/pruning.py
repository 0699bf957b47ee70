"""Removal of unneeded nodes: those behind an output of a block that a use does not use.

A use of a block may leave some of the block's outputs unused if another use of the block uses them.
A node that is never used is a mistake, which `tinynet.spec.graph` reports.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from pydantic import JsonValue

from tinynet.spec.expansion.node_lists import NodeList
from tinynet.spec.expansion.sources import Source, Trace


@dataclass(frozen=True)
class _Place:
    """A node of the flat list."""

    node: dict[str, JsonValue]
    index: int  # in the flat list
    text: int  # index of the node that declares its layer
    # For each use of a block around it, innermost first: the prefix of names in the use, and the
    # block with the name of the node in it.
    uses: tuple[tuple[str, tuple[str, str]], ...]

    @property
    def inputs(self) -> list[str]:
        """Names of its inputs."""
        inputs = self.node.get("inputs")
        return [str(name) for name in inputs] if isinstance(inputs, list) else []


def prune(
    nodes: list[JsonValue],
    lists: Iterable[NodeList],
    outputs: Collection[str] | None,
    moved: Trace,
    pointer: str,
) -> list[JsonValue]:
    """Return the flat list at `pointer` without unneeded nodes, and update `moved`.

    If others share the layer of a removed node, the first of these declares it instead.

    Args:
        nodes: The flat list; every node has its name and its inputs.
        lists: The lists of nodes that it was made from.
        outputs: Nodes that are outputs of the network; None for the last one.
        moved: The places of the nodes by JSON pointer.
        pointer: JSON pointer to the flat list.
    """
    places = _places(nodes, lists)
    if len(places) < len(nodes):
        return nodes  # invalid nodes and duplicate names are reported elsewhere
    read = {name for place in places.values() for name in place.inputs}
    ends = [name for name in places if name not in read]
    needed = _needed(ends[-1:] if outputs is None else outputs, places)
    unused = _unused_outputs(ends, needed, places)
    needed |= _needed(set(ends) - set(unused), places)
    idle = _needed(unused, places) - needed
    if not idle:
        return nodes
    kept = _with_layers({n: p for n, p in places.items() if n not in idle}, places)
    _renumber(moved, pointer, kept)
    return [place.node for place in kept]


def _places(nodes: list[JsonValue], lists: Iterable[NodeList]) -> dict[str, _Place]:
    """Return the nodes by name, in the order of the flat list."""
    result: dict[int, _Place] = {}
    for node_list in lists:
        around = list(_around(node_list))
        for item in node_list.items:
            node = None if item.index is None else nodes[item.index]
            if item.index is None or not isinstance(node, dict):
                continue
            uses = tuple(
                (use.prefix, (use.blocks[-1], item.name.removeprefix(use.prefix))) for use in around
            )
            result[item.index] = _Place(node, item.index, item.index, uses)
    return {str(result[index].node.get("name")): result[index] for index in sorted(result)}


def _around(node_list: NodeList) -> Iterator[NodeList]:
    """Yield a list and the lists around it, the innermost first, without the network's own."""
    while node_list.outer is not None:
        yield node_list
        node_list, _ = node_list.outer


def _needed(names: Iterable[str], places: Mapping[str, _Place]) -> set[str]:
    """Return the nodes and all that they depend on."""
    needed: set[str] = set()
    waiting = [name for name in names if name in places]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += (source for source in places[name].inputs if source in places)
    return needed


def _unused_outputs(
    ends: Iterable[str], needed: Collection[str], places: Mapping[str, _Place]
) -> list[str]:
    """Return outputs that one use of a block leaves unused, but another use does not."""
    uses = [use for name in needed for use in places[name].uses]
    live, used = {prefix for prefix, _ in uses}, {node for _, node in uses}
    return [
        name
        for name in ends
        if name not in needed
        and any(prefix in live and node in used for prefix, node in places[name].uses)
    ]


def _with_layers(kept: dict[str, _Place], places: Mapping[str, _Place]) -> list[_Place]:
    """Return the kept nodes; the first that shares the layer of a removed one declares it."""
    heirs: dict[str, str] = {}
    result = []
    for name, place in kept.items():
        owner = place.node.get("shares")
        if isinstance(owner, str) and owner in places and owner not in kept:
            heir = heirs.setdefault(owner, name)
            node = {**place.node, "shares": heir}
            if heir == name:
                old = places[owner]
                node = {**old.node, "name": name, "inputs": place.node["inputs"]}
                place = replace(place, text=old.index)
            place = replace(place, node=node)
        result.append(place)
    return result


def _renumber(moved: Trace, pointer: str, kept: Iterable[_Place]) -> None:
    """Update the pointers to nodes of the flat list."""
    parts: dict[str, dict[str, Source]] = {}
    for key in [key for key in moved if key.startswith(f"{pointer}/")]:
        index, slash, rest = key.removeprefix(f"{pointer}/").partition("/")
        parts.setdefault(index, {})[slash + rest] = moved.pop(key)
    for new, place in enumerate(kept):
        own, text = parts[str(place.index)], parts[str(place.text)]
        sources = dict(text)
        if place.text != place.index:
            of_use = (key for key in own if key.startswith("/inputs"))
            sources |= {key: own[""].part(key.removeprefix("/")) for key in ("/name", "/inputs")}
            sources |= {key: own[key] for key in of_use}
        moved |= {f"{pointer}/{new}{rest}": source for rest, source in sources.items()}
