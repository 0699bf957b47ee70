"""A network's layers with their shapes, and the initial values of every side."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from versus.workloads import NETWORKS

Array = NDArray[Any]
Shape = tuple[int, ...]

CLASSES = 10
LEARNING_RATE = 1e-3
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8
"""Settings of Adam, for the sides without defaults of their own."""

NORM_EPSILON, NORM_MOMENTUM = 1e-5, 0.9
"""Batch norm's."""


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
        image: For a dense layer on a flattened image, the shape of that image.
        branch: The nodes whose output a residual layer adds to its input.
    """

    name: str
    type: str
    options: dict[str, Any]
    in_shape: Shape
    out_shape: Shape
    params: dict[str, Array]
    image: Shape | None = None
    branch: tuple["Node", ...] = field(default=())

    @property
    def channels_first_weight(self) -> Array:
        """Return a dense weight (I, O) for an image that was flattened channels first."""
        weight = self.params["weight"]
        if self.image is None:
            return weight
        return weight.reshape(*self.image, -1).transpose(2, 0, 1, 3).reshape(weight.shape)


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
    """Return x (N, *input_shape) float32 and labels (N,) int64."""
    draw = np.random.default_rng(1)
    x = draw.random((samples, *NETWORKS[network].input_shape), np.float32)
    return x, draw.integers(0, CLASSES, samples)


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
        options = {key: value for key, value in layer.items() if key not in ("type", "layers")}
        kind, name = layer["type"], f"{layer['type']}_{next(self._numbers)}"
        out: Shape
        if kind == "residual":
            branch = self.sequence(layer["layers"], shape)
            return Node(name, kind, options, shape, branch[-1].out_shape, {}, branch=branch)
        if kind == "conv2d":
            size, filters = options["kernel_size"], options["filters"]
            lost = 0 if options.get("padding") == "same" else size - 1
            out = (shape[0] - lost, shape[1] - lost, filters)
            params = self._affine((size, size, shape[2], filters), options.get("use_bias", True))
        elif kind == "dense":
            out = (options["units"],)
            params = self._affine((shape[0], options["units"]), True)
        elif kind == "batch_norm":
            out, channels = shape, shape[-1]
            params = {"gamma": np.ones(channels, "f4"), "beta": np.zeros(channels, "f4")}
        else:
            out, params = _without_params(kind, options, shape), {}
        return Node(name, kind, options, shape, out, params, image if kind == "dense" else None)

    def _affine(self, shape: Shape, use_bias: bool) -> dict[str, Array]:
        """Return a weight scaled as in He (2015), and a nonzero bias, so that a lost bias shows."""
        scale = math.sqrt(2 / math.prod(shape[:-1]))
        params = {"weight": (scale * self._draw.standard_normal(shape)).astype("f4")}
        if use_bias:
            params["bias"] = (0.01 * self._draw.standard_normal(shape[-1])).astype("f4")
        return params


def _without_params(kind: str, options: dict[str, Any], shape: Shape) -> Shape:
    """Return the output shape of a layer without parameters."""
    match kind:
        case "relu" | "dropout":
            return shape
        case "max_pool2d":
            size = options["pool_size"]
            return (shape[0] // size, shape[1] // size, shape[2])
        case "flatten":
            return (math.prod(shape),)
        case "global_avg_pool2d":
            return shape[-1:]
    raise ValueError(f"the benchmark knows no layer {kind!r}")
