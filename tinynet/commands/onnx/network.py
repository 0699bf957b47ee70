"""The layers of a network as operators of ONNX."""

from collections.abc import Iterable, Mapping

from tinynet.commands.onnx.graph import GraphBuilder
from tinynet.engine.node import Node
from tinynet.errors import PluginError, Problem, ShapeError
from tinynet.layer import Exportable
from tinynet.network.network import Network
from tinynet.text.plugin_errors import PluginErrors, plugin_error
from tinynet.text.wording import format_list


def add_network(graph: GraphBuilder, network: Network, inputs: Mapping[str, str]) -> dict[str, str]:
    """Add the layers of a network, in evaluation mode.

    Args:
        graph: The graph.
        network: The network.
        inputs: The value of each input of the network, by its full name.

    Returns:
        The value of each output, by its name.

    Raises:
        PluginError: listing all layers that cannot be exported; or if one fails.
        ShapeError: for a layer that cannot be exported with its config.
    """
    nodes = _needed(network)
    require_exportable(nodes)
    values = dict(inputs)
    for node in nodes:
        values.update(add_layer(graph, node, [values[source] for source in node.inputs]))
    return {output: values[value] for output, value in network.outputs.items()}


def require_exportable(nodes: Iterable[Node]) -> None:
    """Raise PluginError, listing every node whose layer has no `to_onnx`."""
    missing = [
        Problem(
            f"{node.name}: the layer {node.type} (version {node.version}) cannot be exported to"
            f" ONNX: its class {type(node.layer).__name__} has no method"
            " to_onnx(self, graph, *inputs); see 'Export to ONNX' in plugins/README.md",
            node.pointer,
        )
        for node in nodes
        if not isinstance(node.layer, Exportable)
    ]
    if missing:
        raise PluginError(missing)


def add_layer(graph: GraphBuilder, node: Node, sources: Iterable[str]) -> dict[str, str]:
    """Add the operators of a node, and return its values by their names."""
    layer = node.layer
    assert isinstance(layer, Exportable)
    with graph.scope(node.name, node):
        if not node.integer_inputs:
            sources = [graph.cast(source, graph.dtype) for source in sources]
        with PluginErrors(str(node), "to_onnx raised", node.pointer, ShapeError):
            made = layer.to_onnx(graph, *sources)
        names = (made,) if isinstance(made, str) else made
        _check(graph, node, names)
        return dict(zip(node.values, names, strict=True))


def _check(graph: GraphBuilder, node: Node, names: object) -> None:
    """Raise PluginError unless a layer returned values of the shapes of its outputs."""
    expected = list(node.values.values())
    if not isinstance(names, tuple | list) or len(names) != len(expected):
        many = "a name" if len(expected) == 1 else f"a tuple of {len(expected)} names"
        raise plugin_error(str(node), f"to_onnx must return {many}, not {names!r}", node.pointer)
    for name, shape in zip(names, expected, strict=True):
        if name not in graph:
            raise plugin_error(
                str(node), f"to_onnx returned {name!r}, which is not a value", node.pointer
            )
        found = graph.full_shape_of(name)
        if found is not None and not _fits(found, (None, *shape)):
            sizes = format_list(["N" if size is None else str(size) for size in found])
            raise plugin_error(
                str(node),
                f"to_onnx returned a value with axes {sizes}; its output has the shape (N,"
                f" {', '.join(map(str, shape))})",
                node.pointer,
            )


def _fits(found: tuple[int | None, ...], expected: tuple[int | None, ...]) -> bool:
    return len(found) == len(expected) and all(
        a == b or a is None or b is None for a, b in zip(found, expected, strict=True)
    )


def _needed(network: Network) -> list[Node]:
    """Return the nodes that the outputs depend on, in topological order."""
    needed = set(network.outputs.values())
    nodes = list(network.nodes.values())
    for node in reversed(nodes):
        if not needed.isdisjoint(node.values):
            needed.update(node.inputs)
    return [node for node in nodes if not needed.isdisjoint(node.values)]
