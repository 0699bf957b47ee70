"""The order of layers in a network: known along a path, and arbitrary in parallel branches."""

from collections.abc import Iterable, Mapping
from itertools import combinations

from tinynet.engine.node import Node


class Branches:
    """The paths of a network.

    A layer that other nodes share is at the place of its own node.
    """

    def __init__(self, nodes: Mapping[str, Node], with_params: Iterable[str]) -> None:
        """Take the nodes in topological order, and the names of those with parameters."""
        self._nodes = nodes
        self._with_params = frozenset(with_params)
        numbers = {name: number for number, name in enumerate(nodes)}
        self._before: dict[str, int] = {}  # nodes as the bits of an integer
        for name, node in nodes.items():
            bits = 1 << numbers[name]
            for source in self._sources(node):
                bits |= self._before[source]
            self._before[name] = bits
        self._bit = {name: 1 << number for name, number in numbers.items()}

    def are_in_order(self, names: Iterable[str]) -> bool:
        """Return True if of any two of the nodes one needs the other's result."""
        return all(
            a == b or self._before[b] & self._bit[a] or self._before[a] & self._bit[b]
            for a, b in combinations(names, 2)
        )

    def layer_before(self, name: str) -> str | None:
        """Return the only layer with parameters from which a node's input follows directly."""
        node = self._nodes[name]
        while len(sources := self._sources(node)) == 1:
            if sources[0] in self._with_params:
                return sources[0]
            node = self._nodes[sources[0]]
        return None

    def _sources(self, node: Node) -> list[str]:
        """Return the nodes that a node reads."""
        read = (value.partition(":")[0] for value in node.inputs)
        return [name for name in dict.fromkeys(read) if name in self._nodes]
