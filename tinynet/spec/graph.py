"""The nodes of a network spec, named, wired, and in an order in which they can be computed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from tinynet.errors import Problem, SpecError, Use
from tinynet.spec.expansion.declared_nodes import DeclaredName, names
from tinynet.spec.network_spec import OUTPUT, NetworkSpec, NodeSpec
from tinynet.spec.parts import NAME, NAME_RULE
from tinynet.text.document import MAX_COUNTED, MAX_PROBLEMS, join_pointer
from tinynet.text.wording import quote, suggest

INPUT = "input"
"""The name that stands for the dataset's only input; others are ``input:name``."""

TAKEN = f"{INPUT!r} is the network's input; give the node another name"
"""The message about a node with that name."""

MAX_CYCLE = 10
"""Most nodes of a cycle in a message."""


@dataclass(frozen=True)
class Wire:
    """One node's place in the graph."""

    name: str
    inputs: tuple[str, ...]  # names of the nodes, or inputs of the network, that it reads
    spec: NodeSpec
    pointer: str  # JSON pointer to its part of the spec


def is_input(name: str) -> bool:
    """Return True for the name of an input of the network."""
    return name == INPUT or (name.startswith(f"{INPUT}:") and name != f"{INPUT}:")


def wire(network: NetworkSpec) -> list[Wire]:
    """Return the nodes in topological order, and otherwise in the spec's order.

    Raises:
        SpecError: listing every name that is taken twice, unknown, or part of a cycle, every node
            whose output is unused, and every output of the network that does not exist.
    """
    called = [own for (own,) in names(DeclaredName(n.type, n.name) for n in network.layers)]
    wires = []
    for index, (name, node) in enumerate(zip(called, network.layers, strict=True)):
        before = called[index - 1] if index else INPUT
        pointer = f"/network/layers/{index}"
        wires.append(Wire(name, node.inputs or (before,), node, pointer))
    _refuse(chain(_bad_names(wires), _unknown_names(wires), _bad_outputs(network, wires)))
    ordered = _topological_order(wires)
    _refuse(_unused(ordered, network.outputs))
    return ordered


def _refuse(problems: Iterable[Problem]) -> None:
    """Raise an error if there are problems."""
    if listed := list(islice(problems, MAX_COUNTED)):
        raise SpecError(listed)


def outputs_of(network: NetworkSpec, ordered: Sequence[Wire]) -> dict[str, str]:
    """Return the node of each output by the output's name, ordered by these names.

    The order of keys in JSON has no meaning, and must not change the bits of sums over outputs.
    Without declared outputs, the last of the nodes that `wire` ordered is the output.
    """
    return dict(sorted((network.outputs or {OUTPUT: ordered[-1].name}).items()))


def _bad_names(wires: list[Wire]) -> Iterator[Problem]:
    first: dict[str, Wire] = {}
    for wire in wires:
        earlier = first.setdefault(wire.name, wire)
        pointer = f"{wire.pointer}/name" if wire.spec.name else wire.pointer
        if earlier is not wire:
            other = Use("the other", earlier.pointer)
            yield Problem(f"two nodes are called {quote(wire.name)}", pointer, uses=(other,))
        elif wire.name == INPUT:
            yield Problem(TAKEN, pointer)
        elif not NAME.fullmatch(wire.name):
            message = f"{quote(wire.name)}, made from the type, cannot be a name; give it a 'name'"
            yield Problem(f"{message}: {NAME_RULE}", pointer)


def _unknown_names(wires: list[Wire]) -> Iterator[Problem]:
    by_name = {wire.name: wire for wire in wires}
    owners = sorted(wire.name for wire in wires if wire.spec.shares is None)
    available = sorted({*by_name, INPUT})
    hints = iter(range(MAX_PROBLEMS))  # problems that are not shown need no suggestion
    circling: set[str] = set()
    for wire in wires:
        for index, source in enumerate(wire.inputs):
            if source not in by_name and not is_input(source):
                message = _no_node(source, available, hints)
                yield Problem(message, f"{wire.pointer}/inputs/{index}")
        shared, pointer = wire.spec.shares, f"{wire.pointer}/shares"
        if shared is None:
            continue
        if shared == wire.name:
            yield Problem("a node cannot share its own layer", pointer)
        elif shared not in by_name:
            yield Problem(_no_node(shared, owners, hints), pointer)
        elif wire.name in circling:
            continue  # reported at the first of them
        elif circle := _sharing_circle(wire, by_name):
            circling.update(circle)
            message = "these nodes share each other's layer and none has its own"
            yield Problem(f"{message}: {' -> '.join(circle)}", pointer)
        elif owner := by_name[shared].spec.shares:
            message = f"{quote(shared)} has no layer of its own; share {quote(owner)}, as it does"
            yield Problem(message, pointer)


def _sharing_circle(wire: Wire, by_name: Mapping[str, Wire]) -> list[str]:
    """Return the names of a circle of `shares` that begins at a node; empty if there is none."""
    way: list[str] = [wire.name]
    while len(way) <= MAX_CYCLE and (shared := by_name[way[-1]].spec.shares) in by_name:
        way.append(str(shared))
        if shared == wire.name:
            return way
    return []


def _no_node(name: str, available: list[str], hints: Iterator[int]) -> str:
    hint = "" if next(hints, None) is None else f"; {suggest(name, available)}"
    return f"there is no node {quote(name)}{hint}"


def _topological_order(wires: list[Wire]) -> list[Wire]:
    """Sort depth first; iterative, since a network may be 10,000 nodes deep."""
    by_name = {wire.name: wire for wire in wires}
    ordered: dict[str, Wire] = {}
    for root in wires:
        open_nodes = {root.name: _needed(root)}
        while open_nodes and root.name not in ordered:
            name, needed = next(reversed(open_nodes.items()))
            while needed and needed[0] in ordered:
                needed.pop(0)
            if not needed:
                ordered[name] = by_name[name]
                del open_nodes[name]
            elif needed[0] in open_nodes:
                cycle = list(open_nodes)[list(open_nodes).index(needed[0]) :]
                raise SpecError([Problem(_explain_cycle(cycle), by_name[cycle[0]].pointer)])
            else:
                open_nodes[needed[0]] = _needed(by_name[needed[0]])
    return list(ordered.values())


def _explain_cycle(cycle: list[str]) -> str:
    """Return the message for a cycle, in the direction of the data."""
    names = [cycle[0], *reversed(cycle)]
    if len(names) > MAX_CYCLE:
        names = [*names[: MAX_CYCLE // 2], "...", *names[-MAX_CYCLE // 2 :]]
    return f"the nodes form a cycle, each needed by the next: {' -> '.join(names)}"


def _needed(wire: Wire) -> list[str]:
    """Return the nodes that must come first: the inputs, and the owner of a shared layer."""
    sources = [source for source in wire.inputs if not is_input(source)]
    return sources if wire.spec.shares is None else [*sources, wire.spec.shares]


def _bad_outputs(network: NetworkSpec, wires: list[Wire]) -> Iterator[Problem]:
    names = {wire.name for wire in wires}
    available, hints = sorted(names), iter(range(MAX_PROBLEMS))
    for output, node in (network.outputs or {}).items():
        if node not in names:
            pointer = join_pointer(["network", "outputs", output])
            yield Problem(_no_node(node, available, hints), pointer)


def _unused(ordered: list[Wire], outputs: Mapping[str, str] | None) -> Iterator[Problem]:
    used = {source for wire in ordered for source in wire.inputs}
    ends = [wire for wire in ordered if wire.name not in used]
    if outputs is None:
        last = max(ends, key=lambda wire: int(wire.pointer.rpartition("/")[2]))
        shown, instead = {last.name}, f"{last.name!r} is the network's output"
    else:
        shown, instead = set(outputs.values()), "network.outputs does not either"
    for wire in ends:
        if wire.name not in shown:
            message = f"the output of {wire.name!r} goes nowhere: no node names it in 'inputs', and"
            yield Problem(f"{message} {instead}", wire.pointer)
