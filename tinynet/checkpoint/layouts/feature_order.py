"""The order of the features where images are flattened, or made from vectors.

A flattened image (H, W, C) has another order in a framework with channels first, (C, H, W). The
dense layer after it has its rows in that order, and the dense layer before a `reshape` into an
image its columns. A vector's order is an array: the index there of each element here.
"""

from collections.abc import Iterable

import numpy as np

from tinynet.checkpoint.layouts.slots import layer_types
from tinynet.engine.node import Node
from tinynet.network.network import Network
from tinynet.types import Array, Shape

_SAME = frozenset(
    "identity stop_gradient scale batch_norm layer_norm rms_norm group_norm instance_norm"
    " add average maximum minimum multiply subtract divide".split()
)
"""Types besides activations and dropout that keep the order of a vector's elements."""

_SAME_FAMILIES = frozenset(("activation", "regularization"))
_IMAGE_FAMILIES = frozenset(("convolution", "pooling"))
_SEQUENCE_FAMILIES = frozenset(("attention", "recurrent"))
_SEQUENCE_TYPES = frozenset(("dense", "embedding"))
_RESHAPING = frozenset(("flatten", "reshape"))


class FeatureOrders:
    """The orders of the values of a network, by the value's name, where they differ.

    Attributes:
        lost: The names of nodes that take such a vector, and whose output's order is not known.
    """

    def __init__(self, network: Network) -> None:
        self._network, self._types = network, layer_types(network)
        self._orders: dict[str, Array] = {}
        self.lost: list[str] = []
        nodes = list(network.nodes.values())
        for node in nodes:
            self._go_forward(node)
        for node in reversed(nodes):
            self._go_backward(node)
        self.lost.clear()
        for node in nodes:  # again, from vectors that got an order from an image after them
            self._go_forward(node)

    def of_input(self, node: Node) -> Array | None:
        """Return the order of a node's first input; None if it is the same."""
        return self._orders.get(node.inputs[0]) if node.inputs else None

    def of_output(self, node: Node) -> Array | None:
        """Return the order of a node's output; None if it is the same."""
        return self._orders.get(node.name)

    def _go_forward(self, node: Node) -> None:
        kind = self._types[node.name]
        if kind in _RESHAPING and len(node.out_shape) == 1 and len(node.in_shapes[0]) > 1:
            self._set(node.name, self._flat_order(node.inputs[0], node.in_shapes[0]))
            return
        orders = [self._orders.get(value) for value in node.inputs]
        if all(order is None for order in orders) or kind in ("dense", *_RESHAPING):
            return
        if self._keeps_order(node):
            self._set(node.name, next(order for order in orders if order is not None))
        elif kind == "concat" and len(node.out_shape) == 1:
            self._set(node.name, _joined(orders, [shape[0] for shape in node.in_shapes]))
        else:
            self.lost.append(node.name)

    def _go_backward(self, node: Node) -> None:
        kind, needed = self._types[node.name], None
        if kind == "reshape" and len(node.in_shapes[0]) == 1 and len(node.out_shape) > 1:
            needed = self._image_order(node)
        elif self._keeps_order(node):
            needed = self._orders.get(node.name)
        if needed is not None:
            for value in node.inputs:
                self._orders.setdefault(value, needed)

    def _set(self, value: str, order: Array | None) -> None:
        if order is not None:
            self._orders[value] = order

    def _keeps_order(self, node: Node) -> bool:
        if any(shape != node.out_shape for shape in node.in_shapes) or len(node.out_shape) != 1:
            return False
        family = getattr(node.layer, "family", "")
        return family in _SAME_FAMILIES or self._types[node.name] in _SAME

    def _flat_order(self, value: str, shape: Shape) -> Array | None:
        is_image = self._is_image(value, unknown=len(shape) > 2)
        return channels_first_order(shape) if is_image else None

    def _image_order(self, node: Node) -> Array | None:
        shape = node.out_shape
        readers = [n.name for n in self._network.nodes.values() if node.name in n.inputs]
        is_image = len(shape) > 2 or any(_is_one_dimensional(self._types[n]) for n in readers)
        return channels_first_order(shape) if is_image else None

    def _is_image(self, value: str, *, unknown: bool) -> bool:
        """Return True if a value has its channels first there: after convolutions and pooling.

        Sequences of vectors have them last. Return ``unknown`` for an input of the network.
        """
        while (node := self._network.nodes.get(value)) is not None:
            family = getattr(node.layer, "family", "")
            if family in _IMAGE_FAMILIES or _is_one_dimensional(self._types[node.name]):
                return True
            if family in _SEQUENCE_FAMILIES or self._types[node.name] in _SEQUENCE_TYPES:
                return False
            if not node.inputs:
                break
            value = node.inputs[0]
        return unknown


def channels_first_order(shape: Shape) -> Array | None:
    """Return the index in (C, ...) of each element of (..., C); None if they are equal."""
    *axes, channels = shape
    indices = np.arange(np.prod(shape)).reshape(channels, *axes)
    order: Array = np.moveaxis(indices, 0, -1).ravel()
    return None if (order == np.arange(order.size)).all() else order


def _is_one_dimensional(kind: str) -> bool:
    return kind.removesuffix("_transpose").endswith("1d") and kind != "spatial_dropout1d"


def _joined(orders: Iterable[Array | None], sizes: Iterable[int]) -> Array:
    """Return the order of vectors that are joined."""
    parts, start = [], 0
    for order, size in zip(orders, sizes, strict=True):
        parts.append(start + (np.arange(size) if order is None else order))
        start += size
    return np.concatenate(parts)
