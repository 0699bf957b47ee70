"""Folding, outside of training: layers become part of the layer before them.

A normalization after a layer that can include it becomes part of that layer, and so does an
activation after that.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from tinynet.engine.node import Node
from tinynet.layer import Foldable, Fusable, Layer, Rescalable
from tinynet.layer.inherited import PASSES, still_holds


@dataclass(frozen=True)
class Step:
    """A node, with the nodes that are folded into it.

    Attributes:
        node: The node.
        folded: The nodes that are folded into it, in order.
        last_reads: Names of the values that no later step reads.
    """

    node: Node
    folded: tuple[Node, ...] = ()
    last_reads: tuple[str, ...] = ()

    @cached_property
    def name(self) -> str:
        """The name of its output: that of the last node in it."""
        return self.folded[-1].name if self.folded else self.node.name

    @cached_property
    def values(self) -> Collection[str]:
        """The names of its outputs."""
        return tuple(self.folded[-1].values if self.folded else self.node.values)

    def fold(self) -> "Step":
        """Return the step with a single layer, made from the parameters as they are now."""
        layer, out_shape = self.node.layer, self.node.out_shape
        for node in self.folded:
            layer, out_shape = _folded(node.layer, layer) or layer, node.out_shape
        node = replace(self.node, name=self.name, layer=layer, out_shape=out_shape)
        return replace(self, node=node, folded=())


def folded_steps(nodes: Sequence[Node], outputs: Collection[str]) -> list[Step]:
    """Return a step for each node that cannot be folded into the one before it.

    Args:
        nodes: The nodes, in topological order.
        outputs: Names of the values that are outputs of the network.
    """
    readers = Counter(source for node in nodes for source in node.inputs)
    steps: dict[str, Step] = {}  # by the name of the last node
    for node in nodes:
        before = steps.get(node.inputs[0]) if len(node.inputs) == 1 else None
        only = before is not None and readers[before.name] == 1 and before.name not in outputs
        if before is not None and only and _folds(node, before):
            del steps[before.name]
            steps[node.name] = replace(before, folded=(*before.folded, node))
        else:
            steps[node.name] = Step(node)
    return _with_last_reads(list(steps.values()), outputs)


def separate_steps(nodes: Sequence[Node], outputs: Collection[str]) -> list[Step]:
    """Return a step for each node; the arguments are those of `folded_steps`."""
    return _with_last_reads([Step(node) for node in nodes], outputs)


def _with_last_reads(steps: list[Step], outputs: Collection[str]) -> list[Step]:
    read = set(outputs)
    result = []
    for step in reversed(steps):
        last = dict.fromkeys(source for source in step.node.inputs if source not in read)
        read.update(last)
        result.append(replace(step, last_reads=tuple(last)))
    return result[::-1]


def _folds(node: Node, before: Step) -> bool:
    if node.dtype != before.node.dtype or before.node.out_shapes is not None:
        return False
    return _folded(node.layer, before.fold().node.layer) is not None


def _folded(layer: Layer, previous: Layer) -> Layer | None:
    """Return a layer that computes both, or None."""
    if isinstance(previous, Rescalable) and not still_holds(previous, "rescaled", PASSES):
        return None
    if isinstance(layer, Foldable):
        return layer.fold_into(previous) if still_holds(layer, "fold_into", PASSES) else None
    if isinstance(layer, Fusable) and still_holds(layer, "fuse_into", PASSES):
        return layer.fuse_into(previous)
    return None
