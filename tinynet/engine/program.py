"""One place in the graph, and the layer that stands there."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np

from tinynet.layer import Layer
from tinynet.types import Shape


@dataclass(frozen=True)
class Node:
    """One place in the graph.

    Attributes:
        name: Its name.
        layer: The layer that stands there; shared layers stand at several places.
        inputs: Names of the nodes (or network inputs) that feed it.
        in_shapes: Shape of one sample of each input.
        out_shape: Shape of one sample of the output.
        dtype: What the layer computes in.
        type: The layer's type, qualified: ``distribution:name``.
        version: The version of that distribution.
        owner: The node whose layer this is: its own name, unless it shares another's.
        trainable: Whether training changes the layer: parameters, or running statistics alone.
        trainable_params: Names of the parameters that it changes.
        frozen: Whether the layer computes in training as it does in evaluation: the spec says
            ``"trainable": false``.
        wants_indices: Whether inputs keep an integer dtype.
        pointer: JSON pointer to its place in the spec.
    """

    name: str
    layer: Layer
    inputs: tuple[str, ...]
    in_shapes: tuple[Shape, ...]
    out_shape: Shape
    dtype: np.dtype[np.generic]
    type: str
    version: str
    owner: str
    trainable: bool
    trainable_params: frozenset[str]
    wants_indices: bool
    pointer: str
    frozen: bool = False

    def __str__(self) -> str:
        return f"{self.name} ({self.type} {self.version})"


def needed_for(names: Iterable[str], nodes: Collection[Node]) -> tuple[Node, ...]:
    """Return the nodes that some nodes depend on, these included, in the same order.

    Args:
        names: Names of the nodes that are wanted.
        nodes: The graph in topological order.
    """
    needed = set(names)
    for node in reversed(list(nodes)):
        if node.name in needed:
            needed.update(node.inputs)
    return tuple(node for node in nodes if node.name in needed)
