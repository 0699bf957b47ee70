"""A graph in which layers became part of the one before them, where that changes no bit."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tinynet.layer import Buffered, Fusable
from tinynet.network import calls
from tinynet.network.node import Node


def fuse(
    nodes: Sequence[Node], outputs: Mapping[str, str]
) -> tuple[tuple[Node, ...], dict[str, str]]:
    """The same graph with fewer nodes. One that others are fused into keeps its name.

    Args:
        nodes: The graph in topological order.
        outputs: The node that gives each output, by the output's name.

    Returns:
        The nodes, and which gives each output now.
    """
    seen = Counter(source for node in nodes for source in node.inputs)
    seen.update(outputs.values())
    made: dict[str, Node] = {}
    givers: dict[str, str] = {}  # who gives now what a node gave
    for node in nodes:
        inputs = tuple(givers.get(source, source) for source in node.inputs)
        before = made.get(inputs[0]) if len(inputs) == 1 else None
        layer = None
        if before is not None and seen[node.inputs[0]] == 1 and _may_fuse(node, before):
            layer = calls.fuse_into(node, before.layer)
        if before is None or layer is None:
            made[node.name] = replace(node, inputs=inputs)
        else:
            made[before.name] = replace(before, layer=layer, out_shape=node.out_shape)
            givers[node.name] = before.name
    return tuple(made.values()), {name: givers.get(node, node) for name, node in outputs.items()}


def _may_fuse(node: Node, before: Node) -> bool:
    """Return whether nothing is lost: no parameter, no buffer, and no mode of its own."""
    if not isinstance(node.layer, Fusable) or node.frozen != before.frozen:
        return False
    owns = bool(node.layer.params) or isinstance(node.layer, Buffered)
    return not owns and not isinstance(before.layer, Buffered)
