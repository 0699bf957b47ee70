"""The axis of the channels of each value of a network, and the axes that a reshape joins."""

from collections.abc import Mapping
from dataclasses import dataclass

from tinynet.checkpoint.layouts.slots import layer_types
from tinynet.engine.node import Node
from tinynet.network.network import Network
from tinynet.types import Shape

RESHAPING = frozenset(("flatten", "reshape", "squeeze", "expand_dims"))
"""Types that keep the values in row-major order."""

_IMAGE_FAMILIES = frozenset(("convolution", "pooling"))
_SEQUENCE_FAMILIES = frozenset(("attention", "recurrent"))
_SEQUENCE_TYPES = frozenset(("dense", "embedding"))


@dataclass(frozen=True)
class Channels:
    """The channels of an image or of a sequence, which another framework has first.

    Attributes:
        axis: Their axis in a sample here.
        is_plain: True if no permute or reshape moved the axes of the image.
    """

    axis: int
    is_plain: bool = True


@dataclass(frozen=True)
class AxisGroup:
    """Neighboring axes of a shape that become neighboring axes of another; sizes of 1 left out."""

    before: tuple[int, ...]
    after: tuple[int, ...]


def axis_groups(before: Shape, after: Shape) -> list[AxisGroup]:
    """Return the smallest groups of axes with equal products, in order."""
    old = [axis for axis, size in enumerate(before) if size > 1]
    new = [axis for axis, size in enumerate(after) if size > 1]
    groups: list[AxisGroup] = []
    while old and new:
        ones, others = [old.pop(0)], [new.pop(0)]
        one, other = before[ones[0]], after[others[0]]
        while one != other:
            if one < other:
                ones.append(old.pop(0))
                one *= before[ones[-1]]
            else:
                others.append(new.pop(0))
                other *= after[others[-1]]
        groups.append(AxisGroup(tuple(ones), tuple(others)))
    return groups


def channel_axes(
    network: Network, options: Mapping[str, Mapping[str, object]]
) -> dict[str, Channels | None]:
    """Return the channels of each value that has them first elsewhere; None for other values.

    An input with two axes may be either: it has no entry. ``options`` are those of each node.
    """
    found: dict[str, Channels | None] = {}
    types = layer_types(network)
    for node in network.nodes.values():
        for value, shape in zip(node.inputs, node.in_shapes, strict=True):
            if value not in network.nodes and len(shape) != 2:
                found.setdefault(value, Channels(len(shape) - 1) if len(shape) > 2 else None)
        kind = types[node.name]
        is_known = not node.inputs or node.inputs[0] in found
        if is_known or is_for_images(node, kind) or _is_for_vectors(node, kind):
            before = found.get(node.inputs[0]) if node.inputs else None
            found[node.name] = _after(node, kind, before, options[node.name])
    return found


def is_one_dimensional(kind: str) -> bool:
    """Return True for a type of layer that works on sequences with channels."""
    return kind.removesuffix("_transpose").endswith("1d") and kind != "spatial_dropout1d"


def is_for_images(node: Node, kind: str) -> bool:
    """Return True for a layer whose input and output have channels first elsewhere."""
    family = getattr(node.layer, "family", "")
    return family in _IMAGE_FAMILIES or is_one_dimensional(kind)


def _is_for_vectors(node: Node, kind: str) -> bool:
    """Return True for a layer whose output has the features last in every framework."""
    family = getattr(node.layer, "family", "")
    return family in _SEQUENCE_FAMILIES or kind in _SEQUENCE_TYPES


def _after(
    node: Node, kind: str, before: Channels | None, options: Mapping[str, object]
) -> Channels | None:
    if is_for_images(node, kind):
        return Channels(len(node.out_shape) - 1) if len(node.out_shape) > 1 else None
    if before is None or _is_for_vectors(node, kind):
        return None
    if kind == "permute":
        dims = options["dims"]
        assert isinstance(dims, list | tuple)
        # One that moves nothing says that the other framework has the axes in this order, too.
        is_order = list(dims) == sorted(dims)
        return None if is_order else Channels(dims.index(before.axis + 1), False)
    if kind not in RESHAPING:
        return before if len(node.out_shape) > before.axis else None
    for group in axis_groups(node.in_shapes[0], node.out_shape):
        if group.before == (before.axis,) and len(group.after) == 1:
            return Channels(group.after[0], False)
    return None
