"""The matching of a network's nodes with those of an earlier network, for fine-tuning.

A node with a name of its own matches the node of that name and type. A default name such as
``conv2d_2`` is a position: it matches only as far as both networks are equal from the first node.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pydantic import JsonValue

from tinynet.errors import CheckpointMismatchError
from tinynet.spec.expansion.declared_nodes import is_positional
from tinynet.spec.graph import build_graph
from tinynet.spec.network_spec import NetworkSpec
from tinynet.text.wording import format_list, format_value, suggest
from tinynet.types import Shape

_OWN = "(its own)"

Shapes: TypeAlias = Mapping[str, Shape]
"""Shapes of the tensors of a node, by their names without the node's."""


@dataclass(frozen=True)
class NodeRecord:
    """A node as text; its type need not be installed. Comparing two ignores their names.

    Attributes:
        has_own_name: False if the name is a default, and so only a position.
        type: The layer's type; empty if it shares another node's layer.
        sources: Its inputs, and the node whose layer it shares: indices of nodes, or names of the
            network's inputs.
        owner: The name of the node whose layer it uses: its own name, or that of another.
        shared: The addresses of parameters of other nodes that its own layer uses, by their names
            in this layer: ``{"weight": "embedding_1/weight.T"}``.
    """

    name: str = field(compare=False)
    has_own_name: bool = field(compare=False)
    type: str
    options: dict[str, JsonValue]
    sources: tuple[int | str, ...]
    owner: str = field(compare=False)
    shared: Mapping[str, str] = field(compare=False)


def node_records(network: NetworkSpec, qualified: Mapping[str, str]) -> list[NodeRecord]:
    """Return the nodes of a network in topological order; its types need not be installed.

    Raises:
        SpecError: if names and inputs do not make a graph.
    """
    # Expanding blocks gives every node a name, most of which are only positions.
    is_expanded = all(node.name for node in network.layers)
    order: dict[str, int] = {}
    owners: dict[str, str] = {}
    nodes = []
    for graph_node in build_graph(network):
        name, node = graph_node.name, graph_node.spec
        before = [*graph_node.inputs, *([node.shared_node] if node.shared_node else [])]
        owners[name] = node.shared_node or name
        shared = {
            param: str(address._replace(node=owners.get(address.node, address.node)))
            for param, address in node.shared_params.items()
        }
        sources = tuple(order.get(source, source) for source in before)
        type_name = qualified.get(f"layers:{node.type}", node.type)
        has_own_name = bool(node.name) and not (is_expanded and is_positional(name, node.type))
        options = {key: _unqualified(value) for key, value in node.options.items()}
        nodes.append(
            NodeRecord(name, has_own_name, type_name, options, sources, owners[name], shared)
        )
        order[name] = len(order)
    return nodes


def _unqualified(option: JsonValue) -> JsonValue:
    """Return an option of a layer; if it is an initializer, without its distribution."""
    # "zeros" and "tinynet-core:zeros" are equal here, as carried weights are not initialized.
    if isinstance(option, dict) and isinstance(option.get("type"), str):
        return {**option, "type": str(option["type"]).rpartition(":")[2]}
    return option


class Matching:
    """Pairs of nodes of two networks.

    Attributes:
        sources: The earlier node of each node that has one, by name.
        notes: The differences between matched nodes, a line each.
        clashes: Nodes of one name that do not match, a line each.
    """

    def __init__(
        self,
        old: Iterable[NodeRecord],
        new: Iterable[NodeRecord],
        renamed: Iterable[tuple[str, str]],
    ) -> None:
        """Match the nodes of an old and a new network.

        ``renamed`` has explicit pairs, old and new name, of nodes or blocks. A block pairs all
        nodes that both blocks contain; a repeated node or block, all of its repeats.

        Raises:
            CheckpointMismatchError: listing the mistakes in ``renamed``.
        """
        self._old_order, self._new_order = list(old), list(new)
        self._old = {record.name: record for record in self._old_order}
        self._new = {record.name: record for record in self._new_order}
        self._agreed = _common_start(self._old_order, self._new_order)
        pairs = self._expanded(renamed)
        self._check(pairs)
        self.sources = {after: before for before, after in pairs}
        moved = {before for before, _ in pairs}
        self.clashes: list[str] = []
        for index, record in enumerate(self._new_order):
            namesake = self._old.get(record.name)
            free = record.name not in self.sources and record.name not in moved
            if namesake is not None and free and self._is_same(index, record, namesake):
                self.sources[record.name] = record.name
        self.notes = [
            f"{after}: {changes}"
            for after, before in self.sources.items()
            if (changes := _changes(self._old[before], self._new[after]))
        ]

    def _is_same(self, index: int, record: NodeRecord, namesake: NodeRecord) -> bool:
        if not record.has_own_name:
            return index < self._agreed and self._old_order[index] is namesake
        if record.type != namesake.type:
            types = f"{_kind(namesake)} in the checkpoint and {_kind(record)} here"
            self.clashes.append(f"{record.name} is {types}")
            return False
        return True

    def _expanded(self, renamed: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return the pairs with each block, or all its repeats, replaced by its nodes."""
        given: dict[str, list[str]] = {}
        for before, after in renamed:
            given.setdefault(before, []).append(after)
        pairs: dict[str, list[str]] = {}
        owners = [name for name, record in self._old.items() if record.type]
        for before, targets in given.items():
            within = [name for name in owners if name.startswith(f"{before}.")]
            if not within and before not in self._old:
                within = [name for name in owners if _repeats(before, [name])]
            found: dict[str, list[str]] = {}
            for after in targets:
                twins = {name: after + name.removeprefix(before) for name in within}
                common = {name: twin for name, twin in twins.items() if twin in self._new}
                for name, twin in (common or {before: after}).items():
                    found.setdefault(name, []).append(twin)
            pairs |= found
        pairs |= {before: targets for before, targets in given.items() if before in self._old}
        return [(before, after) for before, targets in pairs.items() for after in targets]

    def _check(self, renamed: Sequence[tuple[str, str]]) -> None:
        problems = []
        targets = [after for _, after in renamed]
        for before, after in renamed:
            for name, nodes, where in (
                (before, self._old, "in the checkpoint"),
                (after, self._new, "in the network"),
            ):
                owners = [record.name for record in nodes.values() if record.type]
                blocks = _blocks(owners)
                if name in blocks and name not in owners:
                    reason = f"{name!r} is a block {where}, but the two have no node in common"
                    problems.append(f"--map {before}={after}: {reason}")
                elif name not in owners and (repeats := _repeats(name, owners)):
                    reason = f"{name!r} stands for {format_list(repeats)} {where}; map one of them"
                    problems.append(f"--map {before}={after}: {reason}")
                    break  # the other side has nothing to be compared with
                elif name not in owners:
                    reason = f"no node with a layer of its own is called {name!r} {where}"
                    hint = suggest(name, [*owners, *blocks])
                    problems.append(f"--map {before}={after}: {reason}; {hint}")
            if targets.count(after) > 1:
                problems.append(f"--map {before}={after}: {after!r} can take over one node only")
        if problems:
            raise CheckpointMismatchError("\n  ".join(problems))

    def shared_before(self, address: str) -> str | None:
        """Return the tensor of another node that a tensor of the network was in the checkpoint.

        Return None if the counterpart of its node had a tensor of its own, or if there is none.
        """
        node, _, param = address.partition("/")
        namesake = node if self._new[node].has_own_name else ""
        return _shared(self._old, self.sources.get(node, namesake), param)

    def shared_after(self, address: str) -> str | None:
        """Return the tensor of another node that a tensor of the checkpoint is in the network.

        Return None if the counterpart of its node has a tensor of its own, or if there is none.
        """
        node, _, param = address.partition("/")
        namesake = node if node in self._old and self._old[node].has_own_name else ""
        twins = {before: after for after, before in self.sources.items()}
        return _shared(self._new, twins.get(node, namesake), param)

    def advice(self, new: Mapping[str, Shapes], unused: Mapping[str, Shapes]) -> list[str]:
        """Return the advice to name unmatched nodes with default names; at most a line.

        Args:
            new: The shapes of the tensors of each node without a source.
            unused: The same of each node of the checkpoint that is not used.
        """
        matched = self.sources.values()
        types = {
            name: self._old[name].type
            for name in unused
            if name in self._old and name not in matched
        }
        unnamed = {
            name: self._new[name].type
            for name in new
            if name not in self.sources
            and not self._new[name].has_own_name
            and self._new[name].type in types.values()
        }
        # With the same names on both sides and no shapes in common, other names would not help.
        is_reshaped = unnamed.keys() == unused.keys() and not any(
            _have_equal_shapes(new[after], unused[before])
            for after, type_name in unnamed.items()
            for before, old_type in types.items()
            if type_name == old_type
        )
        if not unnamed or is_reshaped:
            return []
        return [
            f"{', '.join(unnamed)} cannot be matched with {', '.join(unused)} of the checkpoint,"
            f" because default names are only positions{self._difference()}; give the nodes the"
            " names that they have in the checkpoint, or add --map OLD=NEW"
        ]

    def _difference(self) -> str:
        """Describe the first node at which the networks differ."""
        at = self._agreed
        old, new = self._old_order[at : at + 1], self._new_order[at : at + 1]
        if not old and not new:
            return ""
        names = [part[0].name if part else "the end" for part in (old, new)]
        what = f"{names[0]} in the checkpoint, {names[1]} in the network"
        if old and new and old[0].type == new[0].type:
            what = f"{names[1]}: {_changes(old[0], new[0]) or 'it follows other nodes'}"
        return f", and the networks differ from node {at + 1} on ({what})"


def _repeats(declared: str, names: Iterable[str]) -> list[str]:
    """Return the repeats of a node or block: ``stage_1``, ``stage_2`` where ``stage`` is declared.

    ``names`` are those of nodes: ``stage_1.dense_1``.
    """
    pattern = re.compile(rf"({re.escape(declared)}_[0-9]+)(\..*)?")
    found = filter(None, map(pattern.fullmatch, names))
    return list(dict.fromkeys(match[1] for match in found))


def _blocks(names: Iterable[str]) -> set[str]:
    """Return the names of the blocks that contain the nodes."""
    return {name[: dot.start()] for name in names for dot in re.finditer(r"\.", name)}


def _have_equal_shapes(one: Shapes, other: Shapes) -> bool:
    """Return True if the tensors that two nodes have in common exist and have equal shapes."""
    common = one.keys() & other.keys()
    return bool(common) and all(one[name] == other[name] for name in common)


def _common_start(old: list[NodeRecord], new: list[NodeRecord]) -> int:
    """Return the number of nodes that are equal, counted from the first."""
    pairs = zip(old, new, strict=False)
    differing = (index for index, (a, b) in enumerate(pairs) if a != b)
    return next(differing, min(len(old), len(new)))


def _shared(records: Mapping[str, NodeRecord], node: str, param: str) -> str | None:
    """Return the tensor of another node that a node uses as a parameter of its layer."""
    if node not in records:
        return None
    owner = records[records[node].owner]
    if param in owner.shared:
        return owner.shared[param]
    return None if owner.name == node else f"{owner.name}/{param}"


def _changes(old: NodeRecord, new: NodeRecord) -> str:
    """Return the differences between two nodes in words."""
    changes = [f"{_kind(old)} -> {_kind(new)}"] if old.type != new.type else []
    changes += [
        f"{key} {_value(old.options, key)} -> {_value(new.options, key)}"
        for key in sorted(old.options.keys() | new.options.keys())
        if old.options.get(key) != new.options.get(key)
    ]
    changes += [
        f"{param} {old.shared.get(param, _OWN)} -> {new.shared.get(param, _OWN)}"
        for param in sorted(old.shared.keys() ^ new.shared.keys())
    ]
    return ", ".join(changes)


def _value(options: Mapping[str, Any], key: str) -> str:
    return format_value(options[key]) if key in options else "(not set)"


def _kind(record: NodeRecord) -> str:
    return f"of type {record.type}" if record.type else "a shared layer"
