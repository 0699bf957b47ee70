"""What training changes of a network, and what it leaves as it is."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from tinynet.errors import Problem, SpecError
from tinynet.network.node import Node
from tinynet.text.wording import quoted, suggest

POINTER = "/training/trainable"


def freeze(nodes: Mapping[str, Node], patterns: Sequence[str]) -> dict[str, Node]:
    """The nodes, trainable only as far as patterns say.

    A node whose parameters all stay as they are is frozen as one that is not trainable: its running
    statistics stay, too. A node that shares another's layer goes by the owner's name.

    Args:
        nodes: The nodes, in topological order.
        patterns: See `chosen`.

    Raises:
        SpecError: listing every pattern that means nothing.
    """
    owners = (node for node in nodes.values() if node.owner == node.name)
    addresses = [f"{node.name}/{name}" for node in owners for name in node.layer.params]
    trained = chosen(addresses, patterns)
    return {name: _frozen(node, trained) for name, node in nodes.items()}


def _frozen(node: Node, trained: frozenset[str]) -> Node:
    kept = frozenset(n for n in node.trainable_params if f"{node.owner}/{n}" in trained)
    return replace(
        node,
        trainable_params=kept,
        trainable=node.trainable and bool(kept or not node.layer.params),
    )


def chosen(addresses: Collection[str], patterns: Sequence[str]) -> frozenset[str]:
    """The addresses of parameters that patterns choose.

    Of several patterns that match an address the last one decides; what none matches is not chosen.

    Args:
        addresses: All there are: ``conv2d_1/weight``.
        patterns: Shell patterns such as ``conv2d_*/weight``; one that begins with ``!`` excludes.

    Raises:
        SpecError: listing every pattern that matches nothing, or has nothing to exclude from.
    """
    known = {*addresses, *(f"{address.partition('/')[0]}/*" for address in addresses)}
    found: set[str] = set()
    problems = []
    for index, pattern in enumerate(patterns):
        bare = pattern.removeprefix("!")
        matched = {address for address in addresses if fnmatchcase(address, bare)}
        if not matched:
            message = f"{quoted(pattern)} matches no parameter; {suggest(bare, known)}"
            problems.append(Problem(message, f"{POINTER}/{index}"))
        elif bare == pattern:
            found |= matched
        elif index:
            found -= matched
        else:
            message = (
                f"{quoted(pattern)} excludes, and nothing is chosen before it; begin with '*',"
                " every parameter"
            )
            problems.append(Problem(message, f"{POINTER}/{index}"))
    if problems:
        raise SpecError(problems)
    return frozenset(found)
