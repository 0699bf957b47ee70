"""A node of the graph, with its layer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from tinynet.layer import Layer
from tinynet.types import Array, Shape


@dataclass(frozen=True)
class TiedParam:
    """A parameter of another node that a node's layer uses as its own.

    Attributes:
        address: Its address, which has the name of the node that owns it: ``embedding_1/weight``.
        array: The array of that node.
        transposed: True if the layer uses the transpose of the array.
        trainable: True if training changes it.
    """

    address: str
    array: Array
    transposed: bool
    trainable: bool


@dataclass(frozen=True)
class Node:
    """A node of the graph, with its layer.

    Attributes:
        name: Its name.
        layer: Its layer; nodes that share a layer hold the same object.
        inputs: Names of the values, or inputs of the network, that it reads.
        in_shapes: Shape of one sample of each input.
        out_shape: Shape of one sample of the main output.
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
        out_shapes: Shape of one sample of each output, by its name, the main output first; None
            for a layer that returns a single array.
        tied: The parameters of other nodes that its layer uses, by their names in the layer.
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
    out_shapes: Mapping[str, Shape] | None = None
    tied: Mapping[str, TiedParam] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.name} ({self.type} {self.version})"

    @property
    def own_params(self) -> dict[str, Array]:
        """The layer's parameters that belong to the layer itself, by name."""
        params = self.layer.params
        return {name: array for name, array in params.items() if name not in self.tied}

    def address(self, param: str) -> str:
        """Return the address of one of the layer's parameters: ``conv2d_1/weight``."""
        tied = self.tied.get(param)
        return f"{self.owner}/{param}" if tied is None else tied.address

    @cached_property
    def final_values(self) -> frozenset[str]:
        """Names of the values that exist only after the last position of a sequence."""
        outputs = getattr(self.layer, "final_outputs", ())
        return frozenset(f"{self.name}:{output}" for output in outputs)

    @cached_property
    def values(self) -> dict[str, Shape]:
        """Shape of one sample of each value that it computes, by the value's name.

        The main output has the name of the node: ``lstm_1``; others are ``lstm_1:state``.
        """
        others = list((self.out_shapes or {}).items())[1:]
        return {self.name: self.out_shape, **{f"{self.name}:{n}": s for n, s in others}}
