"""The nodes of a network that computes a sequence one position at a time.

Layers that look across positions have the ability `Incremental`. All others are built a second time
for sequences of one position, with the same arrays.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from tinynet.engine.layer_calls import start_cache
from tinynet.engine.node import Node
from tinynet.errors import ShapeError
from tinynet.layer import Incremental
from tinynet.layer.build import Build
from tinynet.network.construction import share_layer
from tinynet.network.network import Network
from tinynet.spec.graph import GraphNode, build_graph
from tinynet.types import Shape


@dataclass(frozen=True)
class OnePosition:
    """Nodes for sequences of one position.

    Attributes:
        nodes: The nodes in topological order, up to the first for which it is not possible.
        obstacles: The nodes for which it is not possible, by name, each with the reason.
    """

    nodes: tuple[Node, ...]
    obstacles: dict[str, str]


def build_one_position(network: Network, nodes: Iterable[Node], steps: int) -> OnePosition:
    """Return nodes that compute one position of what some nodes compute for sequences.

    Args:
        network: The network.
        nodes: Its nodes, in topological order, each with all nodes that it depends on.
        steps: Positions of its sequences, the first axis of every shape.
    """
    declared = {node.name: node for node in build_graph(network.spec)}
    shapes = {name: (1, *shape[1:]) for name, shape in network.input_shapes.items()}
    built: list[Node] = []
    for node in nodes:
        try:
            in_shapes = tuple(_shape_of(shapes, source) for source in node.inputs)
            built.append(_at_one_position(network, node, declared, in_shapes, steps))
        except ShapeError as error:
            return OnePosition(tuple(built), {node.name: str(error)})
        shapes |= built[-1].values
    return OnePosition(tuple(built), {})


def _shape_of(shapes: Mapping[str, Shape], source: str) -> Shape:
    """Return the shape of one position of a value.

    Raises:
        ShapeError: for a value that no position has.
    """
    if source not in shapes:
        raise ShapeError(f"it reads {source!r}, which exists only after the last position")
    return shapes[source]


def _at_one_position(
    network: Network,
    node: Node,
    declared: Mapping[str, GraphNode],
    in_shapes: tuple[Shape, ...],
    steps: int,
) -> Node:
    """Return a node for one position.

    Raises:
        ShapeError: if there is none.
    """
    shapes = {}
    for name, shape in node.values.items():
        if name in node.final_values:
            continue
        if shape[:1] != (steps,):
            raise ShapeError(f"its output of shape {shape} does not have {steps} positions")
        shapes[name] = (1, *shape[1:])
    if isinstance(node.layer, Incremental):
        start_cache(node, 1, steps)
        outputs = None
        if node.out_shapes is not None:
            names = [n for n in node.out_shapes if f"{node.name}:{n}" not in node.final_values]
            outputs = dict(zip(names, shapes.values(), strict=True))
        main = shapes[node.name]
        return replace(node, in_shapes=in_shapes, out_shape=main, out_shapes=outputs)
    build = Build(node=node.name, dtype=node.dtype)
    part = replace(declared[node.name], inputs=node.inputs)
    owned = network.nodes[node.owner]
    single = share_layer(part, declared[node.owner], in_shapes, owned, build)
    if single.values != shapes:
        raise ShapeError(f"for one position its output has the shape {single.out_shape}")
    return single
