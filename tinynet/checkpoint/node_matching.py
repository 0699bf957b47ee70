"""Which node of a network goes on with which node of an earlier one.

A node that was given a name goes on with the node of that name and type. A default name such as
``conv2d_2`` is a position in disguise: it says the same in both networks only as far as they are
the same from their first node on.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from tinynet.errors import CheckpointMismatchError
from tinynet.spec.expansion.node_names import is_position
from tinynet.spec.graph import wire
from tinynet.spec.network_spec import NetworkSpec
from tinynet.text.wording import format_value, suggest


@dataclass(frozen=True)
class Place:
    """A node as text: nothing that it names is looked up or imported.

    Attributes:
        name: The node's name.
        given: Whether it says more than where the node stands.
        type: The layer's type; empty where it shares another node's layer.
        options: The layer's configuration.
        sources: What it follows, and whose layer it shares: places in the order of the network,
            or names of the network's inputs.
    """

    name: str
    given: bool
    type: str
    options: dict[str, JsonValue]
    sources: tuple[int | str, ...]

    def does_as(self, other: "Place") -> bool:
        """Whether it is the same layer at the same place, whatever it is called."""
        ours = (self.type, self.options, self.sources)
        return ours == (other.type, other.options, other.sources)


def places(network: NetworkSpec, qualified: Mapping[str, str]) -> list[Place]:
    """The nodes of a network, in topological order.

    Args:
        network: The network; a spec whose types are not installed will do.
        qualified: The qualified name of each type by ``group:name``, where known.

    Raises:
        SpecError: if names and inputs do not make a graph.
    """
    # Where blocks were unrolled every node has a name, and most say only where it stands.
    unrolled = all(node.name for node in network.layers)
    order: dict[str, int] = {}
    found = []
    for wired in wire(network):
        node = wired.spec
        before = [*wired.inputs, *([node.shares] if node.shares else [])]
        sources = tuple(order.get(source, source) for source in before)
        type_name = qualified.get(f"layers:{node.type}", node.type)
        given = bool(node.name) and not (unrolled and is_position(wired.name, node.type))
        options = {key: _unqualified(value) for key, value in node.options.items()}
        found.append(Place(wired.name, given, type_name, options, sources))
        order[wired.name] = len(order)
    return found


def _unqualified(option: JsonValue) -> JsonValue:
    """Return an option of a layer; where it is an initializer, without its distribution."""
    # Both "zeros" and "tinynet-core:zeros" may be meant, and carried weights are not initialized.
    if isinstance(option, dict) and isinstance(option.get("type"), str):
        return {**option, "type": str(option["type"]).rpartition(":")[2]}
    return option


class Matching:
    """Which node goes on with which.

    Attributes:
        sources: For each node that goes on with one of the earlier network's, that one's name.
        notes: What a user should know of the nodes that were matched, a line each.
        clashes: Why nodes of one name were not matched, a line each.
    """

    def __init__(
        self, old: Iterable[Place], new: Iterable[Place], renamed: Mapping[str, str]
    ) -> None:
        """Match the nodes of two networks.

        Args:
            old: The earlier network.
            new: The network that goes on with it.
            renamed: Nodes of ``old`` by name, each with the node of ``new`` that goes on with it,
                whatever names and types say; or blocks, for all nodes that they have in common.

        Raises:
            CheckpointMismatchError: listing what is wrong with ``renamed``.
        """
        self._old_order, self._new_order = list(old), list(new)
        self._old = {place.name: place for place in self._old_order}
        self._new = {place.name: place for place in self._new_order}
        self._agreed = _common_start(self._old_order, self._new_order)
        renamed = self._unrolled(renamed)
        self._check(renamed)
        self.sources = {after: before for before, after in renamed.items()}
        self.clashes: list[str] = []
        for index, place in enumerate(self._new_order):
            namesake = self._old.get(place.name)
            free = place.name not in self.sources and place.name not in renamed
            if namesake is not None and free and self._is_same(index, place, namesake):
                self.sources[place.name] = place.name
        self.notes = [
            f"{after}: {changes}"
            for after, before in self.sources.items()
            if (changes := _changes(self._old[before], self._new[after]))
        ]

    def _is_same(self, index: int, place: Place, namesake: Place) -> bool:
        if not place.given:
            return index < self._agreed and self._old_order[index] is namesake
        if place.type != namesake.type:
            types = f"{_kind(namesake)} in the checkpoint and {_kind(place)} here"
            self.clashes.append(f"{place.name} is {types}")
            return False
        return True

    def _unrolled(self, renamed: Mapping[str, str]) -> dict[str, str]:
        """The same for nodes alone: of blocks, those that are called alike within."""
        found: dict[str, str] = {}
        for before, after in renamed.items():
            within = {
                name: after + name.removeprefix(before)
                for name, place in self._old.items()
                if name.startswith(f"{before}.") and place.type
            }
            pairs = {name: twin for name, twin in within.items() if twin in self._new}
            found |= pairs or {before: after}
        return found | {old: new for old, new in renamed.items() if old in self._old}

    def _check(self, renamed: Mapping[str, str]) -> None:
        problems = []
        for before, after in renamed.items():
            for name, known, where in (
                (before, self._old, "in the checkpoint"),
                (after, self._new, "in the network"),
            ):
                owners = [place.name for place in known.values() if place.type]
                blocks = _blocks(owners)
                if name in blocks and name not in owners:
                    whose = f"{name!r} is a block {where}, and no node of it is on both sides"
                    problems.append(f"--map {before}={after}: {whose}")
                elif name not in owners:
                    whose = f"no node with a layer of its own is called {name!r} {where}"
                    hint = suggest(name, [*owners, *blocks])
                    problems.append(f"--map {before}={after}: {whose}; {hint}")
            if list(renamed.values()).count(after) > 1:
                problems.append(f"--map {before}={after}: {after!r} can take over one node only")
        if problems:
            raise CheckpointMismatchError("\n  ".join(problems))

    def advice(self, new: Iterable[str], unused: Iterable[str]) -> list[str]:
        """What to say where default names were not enough to match nodes; at most a line.

        Args:
            new: Nodes of the network that nothing was found for.
            unused: Nodes of the earlier network that nothing goes on with.
        """
        unused = list(dict.fromkeys(unused))
        types = {self._old[name].type for name in unused if name in self._old}
        orphans = [self._new[name] for name in dict.fromkeys(new)]
        unnamed = [place.name for place in orphans if not place.given and place.type in types]
        if not unnamed:
            return []
        return [
            f"a default name is only a position{self._difference()}: to match"
            f" {', '.join(unnamed)} with {', '.join(unused)} of the checkpoint, give nodes the"
            " 'name' they have there, or say --map OLD=NEW"
        ]

    def _difference(self) -> str:
        """Where the two networks part."""
        at = self._agreed
        old, new = self._old_order[at : at + 1], self._new_order[at : at + 1]
        if not old and not new:
            return ""
        names = [part[0].name if part else "the end" for part in (old, new)]
        what = f"{names[0]} in the checkpoint, {names[1]} here"
        if old and new and old[0].type == new[0].type:
            what = f"{names[1]}: {_changes(old[0], new[0]) or 'it follows other nodes'}"
        return f", and the networks differ from node {at + 1} on ({what})"


def _blocks(names: Iterable[str]) -> set[str]:
    """Names of the blocks that nodes of these names are in."""
    return {name[: dot.start()] for name in names for dot in re.finditer(r"\.", name)}


def _common_start(old: list[Place], new: list[Place]) -> int:
    """How many nodes are the same from the first one on."""
    pairs = zip(old, new, strict=False)
    differing = (index for index, (a, b) in enumerate(pairs) if not a.does_as(b))
    return next(differing, min(len(old), len(new)))


def _changes(old: Place, new: Place) -> str:
    """How two nodes are configured differently."""
    changes = [f"{_kind(old)} -> {_kind(new)}"] if old.type != new.type else []
    changes += [
        f"{key} {_said(old.options, key)} -> {_said(new.options, key)}"
        for key in sorted(old.options.keys() | new.options.keys())
        if old.options.get(key) != new.options.get(key)
    ]
    return ", ".join(changes)


def _said(options: Mapping[str, Any], key: str) -> str:
    return format_value(options[key]) if key in options else "(not set)"


def _kind(place: Place) -> str:
    return f"of type {place.type}" if place.type else "a shared layer"
