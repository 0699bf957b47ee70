"""A node of the graph, with its layer."""

from dataclasses import dataclass

import numpy as np

from tinynet.layer import Layer
from tinynet.types import Shape


@dataclass(frozen=True)
class Node:
    """A node of the graph, with its layer.

    Attributes:
        name: Its name.
        layer: Its layer; nodes that share a layer hold the same object.
        inputs: Names of the nodes, or inputs of the network, that it reads.
        in_shapes: Shape of one sample of each input.
        out_shape: Shape of one sample of the output.
        dtype: The dtype in which the layer computes.
        type: The layer's qualified type: ``distribution:name``.
        version: The version of that distribution.
        owner: The name of the node that owns the layer; another one if the layer is shared.
        trainable: True if training changes the layer's parameters or running statistics.
        trainable_params: Names of the parameters that training changes.
        integer_inputs: True if the layer takes integers, such as indices, as they are.
        pointer: JSON pointer to the node in the spec.
        eval_mode: True if the layer computes in training as in evaluation, because the spec says
            ``"trainable": false``.
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
    integer_inputs: bool
    pointer: str
    eval_mode: bool = False

    def __str__(self) -> str:
        return f"{self.name} ({self.type} {self.version})"
