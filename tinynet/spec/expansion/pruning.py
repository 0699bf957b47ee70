"""Removal of unneeded nodes.

An instance of a block may leave the block's output unconnected, if other nodes read the outputs of
nodes within it; and the output of any node within it, if another instance connects that. The nodes
that feed only these outputs are removed. Any other unconnected output is a mistake, which
`tinynet.spec.graph` reports.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from pydantic import JsonValue

from tinynet.spec.expansion.node_lists import NodeList
from tinynet.spec.expansion.sources import Source, Trace
from tinynet.spec.graph import node_of
from tinynet.spec.network_spec import SharedParam


@dataclass(frozen=True)
class _FlatNode:
    """A node of the flat list."""

    node: dict[str, JsonValue]
    index: int  # in the flat list
    declaring_index: int  # index of the node that declares its layer
    # For each instance of a block around it, innermost first: the prefix of names in the instance,
    # and the block with the name of the node in it.
    instances: tuple[tuple[str, tuple[str, str]], ...]
    ends: frozenset[str]  # prefixes of the instances whose output it is

    @property
    def inputs(self) -> list[str]:
        """Names of the nodes that it reads, and of those whose parameters it shares."""
        inputs, shared = self.node.get("inputs"), self.node.get("shares")
        read = [node_of(str(value)) for value in inputs] if isinstance(inputs, list) else []
        addresses = shared.values() if isinstance(shared, dict) else ()
        return read + [SharedParam.parse(str(address)).node for address in addresses]


def prune(
    nodes: list[JsonValue],
    lists: Iterable[NodeList],
    outputs: Collection[str] | None,
    sources: Trace,
    pointer: str,
) -> list[JsonValue]:
    """Return the flat list at `pointer` without unneeded nodes, and update `sources`.

    If others share the layer of a removed node, the first of these declares it instead.

    Args:
        nodes: The flat list; every node has its name and its inputs.
        lists: The lists of nodes that it was made from.
        outputs: Values that are outputs of the network; None for the last one.
        sources: The sources of the nodes by JSON pointer.
        pointer: JSON pointer to the flat list.
    """
    flat = _flat_nodes(nodes, lists)
    if len(flat) < len(nodes):
        return nodes  # invalid nodes and duplicate names are reported elsewhere
    read = {name for node in flat.values() for name in node.inputs}
    ends = [name for name in flat if name not in read]
    needed = _needed(ends[-1:] if outputs is None else map(node_of, outputs), flat)
    unused = _unused_outputs(ends, needed, flat)
    needed |= _needed(set(ends) - set(unused), flat)
    idle = _needed(unused, flat) - needed
    if not idle:
        return nodes
    kept = _with_layers({name: node for name, node in flat.items() if name not in idle}, flat)
    _renumber(sources, pointer, kept)
    return [kept_node.node for kept_node in kept]


def _flat_nodes(nodes: list[JsonValue], lists: Iterable[NodeList]) -> dict[str, _FlatNode]:
    """Return the nodes by name, in the order of the flat list."""
    result: dict[int, _FlatNode] = {}
    for node_list in lists:
        around = list(node_list.outwards())[:-1]  # without the network's own
        for item in node_list.items:
            node = None if item.flat_index is None else nodes[item.flat_index]
            if item.flat_index is None or not isinstance(node, dict):
                continue
            instances = tuple(
                (outer.prefix, (outer.blocks[-1], item.name.removeprefix(outer.prefix)))
                for outer in around
            )
            outputs_of = {outer.prefix for outer in around if outer.items[-1].output == item.name}
            result[item.flat_index] = _FlatNode(
                node, item.flat_index, item.flat_index, instances, frozenset(outputs_of)
            )
    return {str(result[index].node.get("name")): result[index] for index in sorted(result)}


def _needed(names: Iterable[str], flat: Mapping[str, _FlatNode]) -> set[str]:
    """Return the nodes and all that they depend on."""
    needed: set[str] = set()
    waiting = [name for name in names if name in flat]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += (source for source in flat[name].inputs if source in flat)
    return needed


def _unused_outputs(
    ends: Iterable[str], needed: Collection[str], flat: Mapping[str, _FlatNode]
) -> list[str]:
    """Return outputs that an instance of a block may leave unconnected."""
    instances = [instance for name in needed for instance in flat[name].instances]
    needed_prefixes = {prefix for prefix, _ in instances}
    needed_block_nodes = {block_node for _, block_node in instances}
    return [
        name
        for name in ends
        if name not in needed
        and any(
            prefix in needed_prefixes
            and (prefix in flat[name].ends or block_node in needed_block_nodes)
            for prefix, block_node in flat[name].instances
        )
    ]


def _with_layers(kept: dict[str, _FlatNode], flat: Mapping[str, _FlatNode]) -> list[_FlatNode]:
    """Return the kept nodes; the first that shares the layer of a removed one declares it."""
    heirs: dict[str, str] = {}
    result = []
    for name, flat_node in kept.items():
        owner = flat_node.node.get("shares")
        if isinstance(owner, str) and owner in flat and owner not in kept:
            heir = heirs.setdefault(owner, name)
            node = {**flat_node.node, "shares": heir}
            if heir == name:
                removed = flat[owner]
                node = {**removed.node, "name": name, "inputs": flat_node.node["inputs"]}
                flat_node = replace(flat_node, declaring_index=removed.index)
            flat_node = replace(flat_node, node=node)
        result.append(flat_node)
    return result


def _renumber(sources: Trace, pointer: str, kept: Iterable[_FlatNode]) -> None:
    """Update the pointers to nodes of the flat list."""
    by_index: dict[str, dict[str, Source]] = {}
    for key in [key for key in sources if key.startswith(f"{pointer}/")]:
        index, slash, rest = key.removeprefix(f"{pointer}/").partition("/")
        by_index.setdefault(index, {})[slash + rest] = sources.pop(key)
    for new_index, flat_node in enumerate(kept):
        parts = dict(by_index[str(flat_node.declaring_index)])
        if flat_node.declaring_index != flat_node.index:
            own = by_index[str(flat_node.index)]
            parts |= {f"/{key}": own[""].part(key) for key in ("name", "inputs")}
            parts |= {key: source for key, source in own.items() if key.startswith("/inputs")}
        sources |= {f"{pointer}/{new_index}{rest}": source for rest, source in parts.items()}
