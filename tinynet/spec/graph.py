"""The graph of a network spec: its nodes with names and inputs, in an order of computation."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from tinynet.errors import Problem, SpecError, Use
from tinynet.spec.expansion.declared_nodes import DeclaredName, names
from tinynet.spec.network_spec import OUTPUT, NetworkSpec, NodeSpec
from tinynet.spec.parts import NAME, NAME_RULE
from tinynet.text.places import MAX_COUNTED, MAX_PROBLEMS, join_pointer
from tinynet.text.wording import quote, suggest

INPUT = "input"
"""The name that stands for the dataset's only input; others are ``input:name``."""

TAKEN = f"{INPUT!r} is the network's input; give the node another name"
"""The message about a node with that name."""

MAX_CYCLE = 10
"""Most nodes of a cycle in a message."""


@dataclass(frozen=True)
class GraphNode:
    """A node of the graph, with its name and its inputs."""

    name: str
    inputs: tuple[str, ...]  # names of the values, or inputs of the network, that it reads
    spec: NodeSpec
    pointer: str  # JSON pointer to its part of the spec


def is_input(name: str) -> bool:
    """Return True for the name of an input of the network."""
    return name == INPUT or (name.startswith(f"{INPUT}:") and name != f"{INPUT}:")


def node_of(value: str) -> str:
    """Return the node that computes a value: ``lstm_1`` for ``lstm_1:state``."""
    return value.partition(":")[0]


def build_graph(network: NetworkSpec) -> list[GraphNode]:
    """Return the nodes in topological order, and otherwise in the spec's order.

    Raises:
        SpecError: listing every name that is taken twice, unknown, or part of a cycle, every node
            whose output is unused, and every output of the network that does not exist.
    """
    # Without repeats, each node has exactly one name.
    called = [name for (name,) in names(DeclaredName(n.type, n.name) for n in network.layers)]
    nodes = []
    for index, (name, spec) in enumerate(zip(called, network.layers, strict=True)):
        before = called[index - 1] if index else INPUT
        pointer = f"/network/layers/{index}"
        nodes.append(GraphNode(name, spec.inputs or (before,), spec, pointer))
    _refuse(chain(_bad_names(nodes), _unknown_names(nodes), _bad_outputs(network, nodes)))
    ordered = _topological_order(nodes)
    _refuse(_unused(ordered, network.outputs))
    return ordered


def _refuse(problems: Iterable[Problem]) -> None:
    """Raise an error if there are problems."""
    if listed := list(islice(problems, MAX_COUNTED)):
        raise SpecError(listed)


def outputs_of(network: NetworkSpec, ordered: Sequence[GraphNode]) -> dict[str, str]:
    """Return the value of each output by the output's name, ordered by these names.

    The order of keys in JSON has no meaning, and must not change the bits of sums over outputs.
    Without declared outputs, the last of the nodes that `build_graph` ordered is the output.
    """
    return dict(sorted((network.outputs or {OUTPUT: ordered[-1].name}).items()))


def _bad_names(nodes: list[GraphNode]) -> Iterator[Problem]:
    first: dict[str, GraphNode] = {}
    for node in nodes:
        earlier = first.setdefault(node.name, node)
        pointer = f"{node.pointer}/name" if node.spec.name else node.pointer
        if earlier is not node:
            other = Use("the other", earlier.pointer)
            yield Problem(f"two nodes are called {quote(node.name)}", pointer, uses=(other,))
        elif node.name == INPUT:
            yield Problem(TAKEN, pointer)
        elif not NAME.fullmatch(node.name):
            message = f"{quote(node.name)}, made from the type, cannot be a name; give it a 'name'"
            yield Problem(f"{message}: {NAME_RULE}", pointer)


def _unknown_names(nodes: list[GraphNode]) -> Iterator[Problem]:
    by_name = {node.name: node for node in nodes}
    owners = sorted(node.name for node in nodes if node.spec.shared_node is None)
    available = sorted({*by_name, INPUT})
    hints = iter(range(MAX_PROBLEMS))  # problems that are not shown need no suggestion
    circling: set[str] = set()
    for node in nodes:
        for index, source in enumerate(node.inputs):
            if node_of(source) not in by_name and not is_input(source):
                message = _no_node(source, available, hints)
                yield Problem(message, f"{node.pointer}/inputs/{index}")
        shared, pointer = node.spec.shared_node, f"{node.pointer}/shares"
        for name, param in node.spec.shared_params.items():
            if param.node not in by_name or param.node == node.name:
                message = _no_node(param.node, sorted(by_name.keys() - {node.name}), hints)
                yield Problem(message, pointer + join_pointer([name]))
        if shared is None:
            continue
        if shared == node.name:
            yield Problem("a node cannot share its own layer", pointer)
        elif shared not in by_name:
            yield Problem(_no_node(shared, owners, hints), pointer)
        elif node.name in circling:
            continue  # reported at the first of them
        elif circle := _sharing_circle(node, by_name):
            circling.update(circle)
            message = "these nodes share each other's layer and none has its own"
            yield Problem(f"{message}: {' -> '.join(circle)}", pointer)
        elif owner := by_name[shared].spec.shared_node:
            message = f"{quote(shared)} has no layer of its own; share {quote(owner)}, as it does"
            yield Problem(message, pointer)


def _sharing_circle(node: GraphNode, by_name: Mapping[str, GraphNode]) -> list[str]:
    """Return the names of a circle of `shares` that begins at a node; empty if there is none."""
    circle: list[str] = [node.name]
    while len(circle) <= MAX_CYCLE and (shared := by_name[circle[-1]].spec.shared_node) in by_name:
        circle.append(str(shared))
        if shared == node.name:
            return circle
    return []


def _no_node(name: str, available: list[str], hints: Iterator[int]) -> str:
    hint = "" if next(hints, None) is None else f"; {suggest(name, available)}"
    return f"there is no node {quote(name)}{hint}"


def _topological_order(nodes: list[GraphNode]) -> list[GraphNode]:
    """Sort depth first; iterative, since a network may be 10,000 nodes deep."""
    by_name = {node.name: node for node in nodes}
    ordered: dict[str, GraphNode] = {}
    for root in nodes:
        open_nodes = {root.name: needed_nodes(root)}
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
                open_nodes[needed[0]] = needed_nodes(by_name[needed[0]])
    return list(ordered.values())


def _explain_cycle(cycle: list[str]) -> str:
    """Return the message for a cycle, in the direction of the data."""
    names = [cycle[0], *reversed(cycle)]
    if len(names) > MAX_CYCLE:
        names = [*names[: MAX_CYCLE // 2], "...", *names[-MAX_CYCLE // 2 :]]
    return f"the nodes form a cycle, each needed by the next: {' -> '.join(names)}"


def needed_nodes(node: GraphNode) -> list[str]:
    """Return the nodes that must come first: the inputs, and owners of what the node shares."""
    sources = [node_of(source) for source in node.inputs if not is_input(source)]
    owners = [param.node for param in node.spec.shared_params.values()]
    return [*sources, *owners, *([node.spec.shared_node] if node.spec.shared_node else [])]


def _bad_outputs(network: NetworkSpec, nodes: list[GraphNode]) -> Iterator[Problem]:
    names = {node.name for node in nodes}
    available, hints = sorted(names), iter(range(MAX_PROBLEMS))
    for output, value in (network.outputs or {}).items():
        if node_of(value) not in names:
            pointer = join_pointer(["network", "outputs", output])
            yield Problem(_no_node(value, available, hints), pointer)


def _unused(ordered: list[GraphNode], outputs: Mapping[str, str] | None) -> Iterator[Problem]:
    used = {node_of(source) for node in ordered for source in node.inputs}
    ends = [node for node in ordered if node.name not in used]
    if outputs is None:
        last = max(ends, key=lambda node: int(node.pointer.rpartition("/")[2]))
        shown, instead = {last.name}, f"{last.name!r} is the network's output"
    else:
        shown, instead = set(map(node_of, outputs.values())), "network.outputs does not name it"
    for node in ends:
        if node.name not in shown:
            message = f"the output of {node.name!r} goes nowhere: no node names it in 'inputs', and"
            yield Problem(f"{message} {instead}", node.pointer)
