"""The choice of the parameters that training changes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tinynet.engine.node import Node
from tinynet.errors import UsageError
from tinynet.network.address_patterns import matching_addresses
from tinynet.text.string_lists import string_list_fault

POINTER = "/training/trainable"


def freeze(nodes: Mapping[str, Node], patterns: Sequence[str]) -> dict[str, Node]:
    """Return the nodes, of which only the chosen parameters are trainable.

    If no parameter of a node is chosen, its running statistics are frozen, too. A node that shares
    a layer has the addresses of the layer's owner.

    Args:
        nodes: The nodes in topological order.
        patterns: Patterns of addresses, see `matching_addresses`.

    Raises:
        SpecError: listing every pattern without effect.
        UsageError: for patterns that are not a list of strings.
    """
    if fault := string_list_fault(patterns, "head/*"):
        raise UsageError(f"Network(): trainable={patterns!r} {fault}")
    owners = (node for node in nodes.values() if node.owner == node.name)
    addresses = [f"{node.name}/{name}" for node in owners for name in node.own_params]
    trained = matching_addresses(addresses, patterns, POINTER)
    return {name: _frozen(node, trained) for name, node in nodes.items()}


def _frozen(node: Node, trained: frozenset[str]) -> Node:
    params = frozenset(n for n in node.trainable_params if node.address(n) in trained)
    return replace(
        node,
        trainable_params=params,
        trainable=node.trainable and bool(params or not node.layer.params),
    )
