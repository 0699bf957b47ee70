"""A network's layers with their shapes, and the initial values of every side."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from versus.shapes import Shape, shapes_of
from versus.specs import NETWORKS

Array = NDArray[Any]

CLASSES = 10
FIRST_INDEX = 1
"""The index that generated texts start with."""

LEARNING_RATE = 1e-3
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8
"""Settings of Adam, for the sides without defaults of their own."""

NORM_EPSILON, NORM_MOMENTUM = 1e-5, 0.9
"""Of batch norm; layer norm and group norm have the same epsilon."""


@dataclass(frozen=True)
class Node:
    """A layer in the network.

    Attributes:
        name: Unique in the network.
        type: The type as in a spec, or ``residual``.
        options: The options as in a spec.
        in_shape: Shape of one sample of its input, channels last.
        out_shape: Shape of one sample of its output.
        params: Initial parameters, in tinynet's layout.
        image: For a dense layer on a flattened image or sequence, the shape of that.
        branch: The nodes whose output a residual layer adds to its input.
        shortcut: The nodes that a residual layer applies to that input; none if it is unchanged.
    """

    name: str
    type: str
    options: dict[str, Any]
    in_shape: Shape
    out_shape: Shape
    params: dict[str, Array]
    image: Shape | None = None
    branch: tuple["Node", ...] = field(default=())
    shortcut: tuple["Node", ...] = field(default=())

    @property
    def channels_first_weight(self) -> Array:
        """Return a dense weight (I, O) for an input that was flattened channels first."""
        weight = self.params["weight"]
        if self.image is None:
            return weight
        return np.moveaxis(weight.reshape(*self.image, -1), -2, 0).reshape(weight.shape)


def nodes_of(network: str, *, dropout: bool = True) -> tuple[Node, ...]:
    """Return the nodes of one of `NETWORKS`, with the same numbers in every process.

    Args:
        network: Name of the network.
        dropout: True to include the dropout layers.
    """
    declared = NETWORKS[network]
    builder = _Builder(dropout)
    return builder.sequence(declared.layers, declared.input_shape)


def batch_of(network: str, samples: int) -> tuple[Array, Array]:
    """Return x (N, *input_shape) float32 and labels (N,) int64; for indices, both (N, T) int64."""
    draw = np.random.default_rng(1)
    declared = NETWORKS[network]
    shape = (samples, *declared.input_shape)
    if declared.indices:
        x, labels = draw.integers(0, declared.indices, (2, *shape))
        return x, labels
    return draw.random(shape, np.float32), draw.integers(0, CLASSES, samples)


def prefers_channels_first(nodes: tuple[Node, ...]) -> bool:
    """Return True if x has channels that torch wants before the positions."""
    first = flat(nodes)[0]
    return len(first.in_shape) == 3 or first.type == "conv1d"


def flat(nodes: tuple[Node, ...]) -> list[Node]:
    """Return every node, including those of branches and shortcuts."""
    return [n for node in nodes for n in (*flat(node.branch), *flat(node.shortcut), node)]


def has_dropout(network: str) -> bool:
    """Return True for a network whose steps differ between sides, since it has dropout."""
    return any(layer["type"] == "dropout" for layer in NETWORKS[network].layers)


class _Builder:
    """A pass over the layers that computes shapes and draws parameters."""

    def __init__(self, dropout: bool) -> None:
        self._dropout = dropout
        self._draw = np.random.default_rng(0)
        self._numbers = count(1)

    def sequence(self, layers: Iterable[dict[str, Any]], shape: Shape) -> tuple[Node, ...]:
        nodes: list[Node] = []
        image = None
        for layer in layers:
            if layer["type"] == "dropout" and not self._dropout:
                continue
            node = self._node(layer, shape, image)
            nodes.append(node)
            if node.type != "dropout":
                image = shape if node.type == "flatten" else None
            shape = node.out_shape
        return tuple(nodes)

    def _node(self, layer: dict[str, Any], shape: Shape, image: Shape | None) -> Node:
        apart = ("type", "layers", "shortcut")
        options = {key: value for key, value in layer.items() if key not in apart}
        kind, name = layer["type"], f"{layer['type']}_{next(self._numbers)}"
        if kind == "residual":
            branch = self.sequence(layer["layers"], shape)
            shortcut, out_shape = (
                self.sequence(layer.get("shortcut", ()), shape),
                branch[-1].out_shape,
            )
            return Node(name, kind, options, shape, out_shape, {}, branch=branch, shortcut=shortcut)
        out_shape, param_shapes = shapes_of(kind, options, shape)
        params = {key: self._initial(key, value) for key, value in param_shapes.items()}
        image = image if kind == "dense" else None
        return Node(name, kind, options, shape, out_shape, params, image)

    def _initial(self, name: str, shape: Shape) -> Array:
        """Return a weight scaled as in He (2015), or a nonzero bias, so that a lost bias shows."""
        if name in ("gamma", "beta"):
            return np.full(shape, name == "gamma", "f4")
        # The last axis of a depthwise weight, (height, width, C, 1), is not that of its sums.
        terms = math.prod(shape[:2] if shape[3:] == (1,) else shape[:-1])
        scale = 0.01 if name.endswith("bias") else math.sqrt(2 / terms)
        return (scale * self._draw.standard_normal(shape)).astype("f4")
