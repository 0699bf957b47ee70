"""The choice of the parameters that training changes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tinynet.engine.node import Node
from tinynet.errors import UsageError
from tinynet.network.address_patterns import matching_addresses
from tinynet.network.parametrizations import Parametrizations
from tinynet.text.string_lists import string_list_fault

POINTER = "/training/trainable"


def freeze(
    nodes: Mapping[str, Node], patterns: Sequence[str], parametrizations: Parametrizations
) -> dict[str, Node]:
    """Return the nodes, of which only the chosen parameters are trainable.

    If no parameter of a node is chosen, its running statistics are frozen, too. A node that shares
    a layer has the addresses of the layer's owner. A parametrized parameter is trainable if one of
    the arrays that it is computed from is chosen.

    Args:
        nodes: The nodes in topological order.
        patterns: Patterns of addresses, see `matching_addresses`.
        parametrizations: The parametrizations of the nodes' parameters; the arrays that are not
            chosen are frozen in it.

    Raises:
        SpecError: listing every pattern without effect.
        UsageError: for patterns that are not a list of strings.
    """
    if fault := string_list_fault(patterns, "head/*"):
        raise UsageError(f"Network(): trainable={patterns!r} {fault}")
    owners = (node for node in nodes.values() if node.owner == node.name)
    params = [node.address(name) for node in owners for name in node.own_params]
    stored = {address: parametrizations.addresses(address) for address in params}
    chosen = matching_addresses([a for own in stored.values() for a in own], patterns, POINTER)
    parametrizations.freeze_all_but(chosen)
    trained = frozenset(a for a, own in stored.items() if not chosen.isdisjoint(own))
    return {name: _frozen(node, trained) for name, node in nodes.items()}


def _frozen(node: Node, trained: frozenset[str]) -> Node:
    params = frozenset(n for n in node.trainable_params if node.address(n) in trained)
    return replace(
        node,
        trainable_params=params,
        trainable=node.trainable and bool(params or not node.layer.params),
    )
