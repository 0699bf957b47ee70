"""Remedies for a loss that does not fit its target, as options that can be copied."""

from pathlib import Path

from tinynet import registry
from tinynet.config import Reference
from tinynet.data.opening import open_dataset
from tinynet.dataset import Field
from tinynet.engine.losses import OutputLoss
from tinynet.errors import TinynetError
from tinynet.loss import ClassLoss
from tinynet.network.network import Network
from tinynet.text.options import overrides, together

_UNITS = {
    "tinynet-core:conv1d": "filters",
    "tinynet-core:conv1d_transpose": "filters",
    "tinynet-core:conv2d": "filters",
    "tinynet-core:conv2d_transpose": "filters",
    "tinynet-core:conv3d": "filters",
    "tinynet-core:conv3d_transpose": "filters",
    "tinynet-core:dense": "units",
    "tinynet-core:separable_conv1d": "filters",
    "tinynet-core:separable_conv2d": "filters",
}
"""The key that sets the last axis of a layer's output, by the layer's type."""


def units_option(network: Network, output: str, count: int) -> str:
    """Return the option that gives an output ``count`` units, or a description of the change."""
    name = network.outputs[output]
    while (node := network.nodes.get(name)) is not None:
        key = _UNITS.get(node.type)
        if key is not None and "." not in node.owner:
            return overrides(f"network.layers.{node.owner}.{key}={count}")
        if key is not None:
            return f'"{key}": {count} in {node.owner!r}'
        if len(node.inputs) != 1 or node.in_shapes[0] != node.out_shape:
            break
        (name,) = node.inputs
    return f"an output of {network.outputs[output]!r} with a last axis of {count}"


def loss_option(part: OutputLoss, loss: str = "softmax_cross_entropy") -> str:
    """Return the option that gives an output another loss."""
    return overrides(f"{part.pointer.strip('/').replace('/', '.')}={loss}")


def class_target_remedy(
    data: Reference, root: Path, network: Network, part: OutputLoss, name: str
) -> str:
    """Return the remedy for numbers that are meant as classes; empty if it would not help.

    The dataset is opened once more to find out, with paths relative to ``root``.
    """
    if not isinstance(part.loss, ClassLoss):
        return ""
    if "target_type" not in type(registry.default().config(data)).model_fields:
        return ""
    try:
        options = {**data.options, "target_type": "class"}
        opened = open_dataset(data.model_copy(update={"options": options}), root)
    except TinynetError:
        return ""
    classes = opened.targets[name].classes or ()
    shape = network.out_shapes[part.name]
    change = overrides("data.target_type=class")
    if not classes or len(classes) > max(2, 2 * shape[-1]):
        return ""
    if len(classes) > part.loss.max_classes(shape):
        if part.loss.max_classes((*shape[:-1], len(classes))) < len(classes):
            change = together(change, loss_option(part))
        change = together(change, units_option(network, part.name, len(classes)))
    return f"; if the target is a class, use {change}"


def number_remedy(network: Network, part: OutputLoss, field: Field) -> str:
    """Return the remedy for numbers that are to be predicted as numbers; empty if it is unclear."""
    if not isinstance(part.loss, ClassLoss) or field.shape not in ((), (1,)):
        return ""
    options = together(loss_option(part, "mse"), units_option(network, part.name, 1))
    return f"; to predict numbers, use {options}"
