"""The order in which the arrays of the shards of a batch are added.

The tree is over the numbers of the shards: node (level, number) stands for the shards from
``number * 2**level`` up to the next node, as far as they exist. Its value is left + right, or that
of its left half if there are no shards in the right one. So the bits of a sum depend on the number
of shards, and never on which thread or process adds which shards.
"""

from collections.abc import Sequence
from functools import cache
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from tinynet.types import Array

Order: TypeAlias = Literal["sequential", "tree"]
"""Sequential: ((g0 + g1) + g2) + ...; tree: the tree over the numbers of the shards."""


class Node(NamedTuple):
    """A node of the tree.

    Attributes:
        level: Height of the node; 0 for a shard.
        number: Number of the node among those of its level.
    """

    level: int
    number: int

    def shards(self, shards: int) -> range:
        """Return the numbers of its shards in a batch of some shards."""
        start, stop = self.number << self.level, (self.number + 1) << self.level
        return range(min(start, shards), min(stop, shards))

    def halves(self, shards: int) -> list["Node"]:
        """Return the halves of the node that have shards."""
        left = Node(self.level - 1, 2 * self.number)
        right = Node(self.level - 1, 2 * self.number + 1)
        return [half for half in (left, right) if half.shards(shards)]


def root(shards: int) -> Node:
    """Return the node of all shards of a batch."""
    return Node((shards - 1).bit_length(), 0)


def subtrees(own: range, shards: int) -> list[Node]:
    """Return the largest nodes that have no other shards than some, in order.

    Args:
        own: Consecutive numbers of shards; each belongs to one of the nodes.
        shards: Number of shards of the batch.
    """
    nodes: list[Node] = []

    def visit(node: Node) -> None:
        inside = node.shards(shards)
        if inside.start >= own.start and inside.stop <= own.stop:
            nodes.append(node)
        elif inside.start < own.stop and inside.stop > own.start:
            for half in node.halves(shards):
                visit(half)

    if own:
        visit(root(shards))
    return nodes


class Addition(NamedTuple):
    """One addition of arrays, by their numbers in a list: the parts, the sum, temporary arrays."""

    left: int
    right: int
    out: int


class Additions(NamedTuple):
    """The additions that make the sum of some parts.

    Attributes:
        steps: The additions, in order; none for one part.
        temporaries: Number of temporary arrays.
    """

    steps: tuple[Addition, ...]
    temporaries: int

    def run(self, parts: Sequence[Array], out: Array, temporaries: Sequence[Array]) -> None:
        """Compute the sum.

        Args:
            parts: Arrays of one shape.
            out: The array for the sum; it shares no memory with the parts, or is one of two.
            temporaries: As many arrays as `temporaries`, of the same shape.
        """
        if len(self.steps) == 1:  # the most frequent case, without the lists
            np.add(parts[0], parts[1], out)
            return
        if not self.steps:
            np.copyto(out, parts[0])
            return
        arrays = [*parts, out, *temporaries]
        for left, right, number in self.steps:
            np.add(arrays[left], arrays[right], arrays[number])


@cache
def sequential_additions(count: int) -> Additions:
    """Return the additions of some parts one after the other."""
    steps = [Addition(count if i > 1 else 0, i, count) for i in range(1, count)]
    return Additions(tuple(steps), 0)


@cache
def tree_additions(node: Node, parts: tuple[Node, ...], shards: int) -> Additions:
    """Return the additions that make the value of a node.

    Args:
        node: The node.
        parts: The nodes whose values are the parts; together they have the shards of the node.
        shards: Number of shards of the batch.
    """
    numbers = {part: number for number, part in enumerate(parts)}
    steps: list[Addition] = []

    def visit(node: Node, out: int) -> int:
        """Add the parts of a node, into array ``out`` or later ones; return its value's number."""
        if node in numbers:
            return numbers[node]
        left, *right = [visit(half, out + place) for place, half in enumerate(node.halves(shards))]
        if not right:
            return left
        steps.append(Addition(left, right[0], out))
        return out

    visit(node, len(parts))
    return Additions(tuple(steps), max([step.out - len(parts) for step in steps], default=0))


@cache
def additions(order: Order, shards: int) -> Additions:
    """Return the additions that make the sum of all shards of a batch."""
    if order == "sequential":
        return sequential_additions(shards)
    leaves = tuple([Node(0, number) for number in range(shards)])
    return tree_additions(root(shards), leaves, shards)
