"""Fusion of layers into the layer before them, where that changes no bit."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tinynet.engine import layer_calls
from tinynet.engine.node import Node
from tinynet.layer import Buffered, Fusable
from tinynet.layer.inherited import PASSES, still_holds


def fuse(
    nodes: Sequence[Node], outputs: Mapping[str, str]
) -> tuple[tuple[Node, ...], dict[str, str]]:
    """Return the same graph with fewer nodes; a node keeps its name when another is fused into it.

    The nodes are in topological order; ``outputs`` holds the value of each output, by its name.
    """
    readers = Counter(source for node in nodes for source in node.inputs)
    readers.update(outputs.values())
    fused: dict[str, Node] = {}
    renamed: dict[str, str] = {}  # name of a fused node -> name of the node that it became part of
    for node in nodes:
        inputs = tuple(renamed.get(source, source) for source in node.inputs)
        before = fused.get(inputs[0]) if len(inputs) == 1 else None
        layer = None
        if before is not None and readers[node.inputs[0]] == 1 and _can_fuse(node, before):
            layer = layer_calls.fuse_into(node, before.layer)
        if before is None or layer is None:
            fused[node.name] = replace(node, inputs=inputs)
        else:
            fused[before.name] = replace(before, layer=layer, out_shape=node.out_shape)
            renamed[node.name] = before.name
    return tuple(fused.values()), {name: renamed.get(v, v) for name, v in outputs.items()}


def _can_fuse(node: Node, before: Node) -> bool:
    """Return True if the node has no parameter, no buffer, and computes in the same mode."""
    if not isinstance(node.layer, Fusable) or node.eval_mode != before.eval_mode:
        return False
    if not still_holds(node.layer, "fuse_into", PASSES):
        return False
    if node.out_shapes is not None or before.out_shapes is not None:
        return False
    has_arrays = bool(node.layer.params) or isinstance(node.layer, Buffered)
    return not has_arrays
