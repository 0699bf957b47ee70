"""The choice of the parameters that training changes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from tinynet.engine.node import Node
from tinynet.errors import Problem, SpecError
from tinynet.text.wording import quote, suggest

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
    """
    owners = (node for node in nodes.values() if node.owner == node.name)
    addresses = [f"{node.name}/{name}" for node in owners for name in node.own_params]
    trained = matching_addresses(addresses, patterns)
    return {name: _frozen(node, trained) for name, node in nodes.items()}


def _frozen(node: Node, trained: frozenset[str]) -> Node:
    params = frozenset(n for n in node.trainable_params if node.address(n) in trained)
    return replace(
        node,
        trainable_params=params,
        trainable=node.trainable and bool(params or not node.layer.params),
    )


def matching_addresses(addresses: Collection[str], patterns: Sequence[str]) -> frozenset[str]:
    """Return the addresses of parameters that patterns choose.

    The last pattern that matches an address decides about it.

    Args:
        addresses: The addresses of all parameters, such as ``conv2d_1/weight``.
        patterns: Shell patterns such as ``conv2d_*/weight``; a pattern after ``!`` excludes.

    Raises:
        SpecError: listing every pattern that matches nothing, or excludes from nothing.
    """
    suggestions = {*addresses, *(f"{address.partition('/')[0]}/*" for address in addresses)}
    chosen: set[str] = set()
    problems = []
    for index, pattern in enumerate(patterns):
        bare = pattern.removeprefix("!")
        matched = {address for address in addresses if fnmatchcase(address, bare)}
        if not matched:
            message = f"{quote(pattern)} matches no parameter; {suggest(bare, suggestions)}"
            problems.append(Problem(message, f"{POINTER}/{index}"))
        elif bare == pattern:
            chosen |= matched
        elif index:
            chosen -= matched
        else:
            message = (
                f"{quote(pattern)} excludes parameters, but none is chosen before it; begin with"
                " '*' to choose all"
            )
            problems.append(Problem(message, f"{POINTER}/{index}"))
    if problems:
        raise SpecError(problems)
    return frozenset(chosen)
