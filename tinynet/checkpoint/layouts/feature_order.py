"""The order of the features where images are flattened, or made from vectors.

A flattened image (H, W, C) has another order in a framework with channels first, (C, H, W). The
dense layer after it has its rows in that order, and the dense layer before a `reshape` into an
image its columns. The features of a sequence, (T, W * C) here, are (T, C * W) there. The order of a
value's last axis is an array: the index there of each element here.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from tinynet.checkpoint.layouts.image_axes import (
    RESHAPING,
    Channels,
    axis_groups,
    channel_axes,
    is_for_images,
)
from tinynet.checkpoint.layouts.slots import layer_types
from tinynet.engine.node import Node
from tinynet.network.network import Network
from tinynet.types import Array, Shape

_SAME = frozenset(
    "identity stop_gradient scale position_embedding batch_norm layer_norm rms_norm instance_norm"
    " add average maximum minimum multiply subtract divide".split()
)
"""Types besides activations and dropout that keep the order of the last axis."""

_SAME_FAMILIES = frozenset(("activation", "regularization"))
_TAKING = frozenset(("dense", "lstm", "gru", "simple_rnn", "conv1d", "multi_head_attention"))
"""Types whose rows are converted."""


class FeatureOrders:
    """The orders of the last axes of a network's values, by the value's name, where they differ."""

    def __init__(self, network: Network, options: Mapping[str, Mapping[str, object]]) -> None:
        """Compute the orders; ``options`` are those of each node in the spec."""
        self._network, self._types = network, layer_types(network)
        self._options = options
        self._channels = channel_axes(network, options)
        self._orders: dict[str, Array] = {}
        self._joins: dict[str, str] = {}  # the reshape whose order is likely, but not known
        self._takers: dict[str, list[str]] = {}
        self._lost: dict[str, None] = {}
        nodes = list(network.nodes.values())
        for node in nodes:
            self._go_forward(node)
        for node in reversed(nodes):
            self._go_backward(node)
        self._lost.clear()
        for node in nodes:  # again, from vectors that got an order from an image after them
            self._go_forward(node)
        for node in nodes:
            self._check(node)

    def of_input(self, node: Node) -> Array | None:
        """Return the order of a node's first input; None if it is the same."""
        return self._orders.get(node.inputs[0]) if node.inputs else None

    def of_output(self, node: Node) -> Array | None:
        """Return the order of a node's output; None if it is the same."""
        return self._orders.get(node.name)

    def is_channels_first(self, node: Node) -> bool:
        """Return True for a node whose first input has its channels, the last axis, first there."""
        if not node.inputs:
            return False
        if node.inputs[0] not in self._channels:
            return self._is_read_as_image(node)
        channels = self._channels[node.inputs[0]]
        return channels is not None and channels.axis == len(node.in_shapes[0]) - 1

    def notes(self) -> list[str]:
        """Return a sentence for each order that is assumed, or not known."""
        notes = [
            f"the order of the features of {', '.join(takers)} may differ: {join}"
            f" {self._advice(join)}"
            for join, takers in self._takers.items()
        ]
        return notes + [
            f"the order of the features after {name} may differ: it takes features of images with"
            " channels first, and their order after it is not known"
            for name in self._lost
        ]

    def _advice(self, join: str) -> str:
        """Return the order that is assumed at a reshape, and the layer that changes it."""
        node = self._network.nodes[join]
        is_split = len(node.in_shapes[0]) < len(node.out_shape)
        axes = list(range(1, 1 + max(len(node.in_shapes[0]), len(node.out_shape))))
        does, place = ("splits", "after") if is_split else ("joins", "before")
        example = (
            "unflatten gives them" if is_split else "x.permute(0, 2, 1, 3).flatten(2) gives them"
        )
        return (
            f"{does} channels and other axes, which are converted from channels first, as"
            f" {example}; if the model has the channels last there, put"
            f' {{"type": "permute", "dims": {axes}}} {place} it, which moves nothing'
        )

    def _go_forward(self, node: Node) -> None:
        kind = self._types[node.name]
        if kind in RESHAPING:
            self._reshape(node)
            return
        orders = [self._orders.get(value) for value in node.inputs]
        known = [order for order in orders if order is not None]
        if not known or self._takes(node):
            return
        joins = [self._joins[value] for value in node.inputs if value in self._joins]
        if self._keeps_order(node) and all(np.array_equal(known[0], order) for order in known):
            self._set(node.name, known[0], joins)
        elif kind == "concat" and node.out_shape[-1] == sum(s[-1] for s in node.in_shapes):
            joined = _joined(orders, [shape[-1] for shape in node.in_shapes])
            self._set(node.name, joined, joins)
        else:
            self._lost[node.name] = None

    def _reshape(self, node: Node) -> None:
        """Set the order after a reshape, from the channels and the order before it."""
        value, before, after = node.inputs[0], node.in_shapes[0], node.out_shape
        order, channels = self._orders.get(value), self._channels.get(value)
        if value not in self._channels and len(after) == 1 and len(before) > 2:
            channels = Channels(len(before) - 1)
        axis = len(before) - 1 if channels is None else channels.axis
        if (order is None and channels is None) or before[axis] == 1:
            return
        group = next(g for g in axis_groups(before, after) if axis in g.before)
        joined = channels is not None and len(group.before) > 1
        if not joined and order is None:
            return
        is_last = len(group.after) == 1 and group.after[0] == len(after) - 1
        if not is_last:
            needed = self._image_order(node) if len(before) == 1 else None
            if order is None or needed is None or not np.array_equal(order, needed):
                self._lost[node.name] = None
            return
        parts = tuple(before[axis] for axis in group.before)
        is_first = joined and axis == group.before[-1]
        joins = [self._joins[value]] if value in self._joins else []
        if is_first and (len(after) > 1 or channels is None or not channels.is_plain):
            joins.append(node.name)
        self._set(node.name, _flat_order(parts, order, channels_first=is_first), joins)

    def _go_backward(self, node: Node) -> None:
        needed, joins = None, []
        if self._types[node.name] == "reshape":
            needed = self._image_order(node)
            if len(node.in_shapes[0]) > 1 and needed is not None:
                joins = [node.name]
        elif self._keeps_order(node):
            needed = self._orders.get(node.name)
            joins = [self._joins[node.name]] if node.name in self._joins else []
        if needed is not None:
            for value in node.inputs:
                if value not in self._orders:
                    self._set(value, needed, joins)

    def _check(self, node: Node) -> None:
        """Note a node that takes an assumed order, or cannot compute the one it should."""
        order, kind = self._orders.get(node.name), self._types[node.name]
        for value in node.inputs if self._takes(node) or self._keeps_order(node) else ():
            if value in self._joins and node.own_params:
                self._note_taker(self._joins[value], node.name)
        if order is None:
            return
        if kind == "dense":
            if node.name in self._joins:
                self._note_taker(self._joins[node.name], node.name)
        elif kind not in RESHAPING and kind != "concat" and not self._keeps_order(node):
            self._lost[node.name] = None

    def _note_taker(self, join: str, name: str) -> None:
        takers = self._takers.setdefault(join, [])
        if name not in takers:
            takers.append(name)

    def _set(self, value: str, order: Array | None, joins: Iterable[str] = ()) -> None:
        if order is not None:
            self._orders[value] = order
            for join in joins:
                self._joins[value] = join

    def _takes(self, node: Node) -> bool:
        """Return True if the rows of a node's weights are converted to its inputs' order."""
        orders = [self._orders.get(value) for value in node.inputs]
        kind = self._types[node.name]
        if kind == "multi_head_attention":
            first = orders[0]
            return first is not None and all(
                order is not None and np.array_equal(order, first) for order in orders
            )
        grouped = kind == "conv1d" and self._options[node.name].get("groups", 1) != 1
        return kind in _TAKING and not grouped and all(order is None for order in orders[1:])

    def _keeps_order(self, node: Node) -> bool:
        if any(shape != node.out_shape for shape in node.in_shapes):
            return False
        family = getattr(node.layer, "family", "")
        return family in _SAME_FAMILIES or self._types[node.name] in _SAME

    def _image_order(self, node: Node) -> Array | None:
        """Return the order of features that a reshape splits into an image with channels."""
        before, after = node.in_shapes[0], node.out_shape
        is_image = (len(before) == 1 and len(after) > 2) or self._is_read_as_image(node)
        if before[-1] == 1 or not is_image:
            return None
        group = axis_groups(before, after)[-1]
        if group.before != (len(before) - 1,) or group.after[-1] != len(after) - 1:
            return None
        return _flat_order(tuple(after[axis] for axis in group.after), None, channels_first=True)

    def _is_read_as_image(self, node: Node) -> bool:
        """Return True if a convolution or pooling takes an output, perhaps after activations."""
        readers = [n for n in self._network.nodes.values() if node.name in n.inputs]
        return any(
            is_for_images(reader, self._types[reader.name])
            or (self._keeps_order(reader) and self._is_read_as_image(reader))
            for reader in readers
        )


def _flat_order(shape: Shape, last: Array | None, *, channels_first: bool) -> Array | None:
    """Return the index elsewhere of each element of joined axes; None if they are equal.

    Args:
        shape: The sizes of the axes here.
        last: The order of the last one, if it differs.
        channels_first: True if the last one is the first elsewhere.
    """
    *axes, channels = shape
    if channels_first:
        indices = np.moveaxis(np.arange(np.prod(shape)).reshape(channels, *axes), 0, -1)
    else:
        indices = np.arange(np.prod(shape)).reshape(shape)
    order: Array = (indices if last is None else indices.take(last, axis=-1)).ravel()
    return None if (order == np.arange(order.size)).all() else order


def _joined(orders: Iterable[Array | None], sizes: Iterable[int]) -> Array:
    """Return the order of vectors that are joined."""
    parts, start = [], 0
    for order, size in zip(orders, sizes, strict=True):
        parts.append(start + (np.arange(size) if order is None else order))
        start += size
    return np.concatenate(parts)
