"""The parameters of a network's layers, each with the arrays of a module it can be computed from.

A slot takes the arrays of one module of the other framework. A layer has one slot, or two if the
other framework has two layers in its place.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tinynet.checkpoint.layouts.steps import Step
from tinynet.network.network import Network
from tinynet.types import Array, Shape


@dataclass(frozen=True)
class ParamSource:
    """A way to compute a parameter from arrays of a module.

    Attributes:
        roles: The names of the arrays in the module: ``("bias_ih", "bias_hh")``.
        steps: The changes of each of them.
        join: The result of several: their sum, all along a new first axis, or the directions that
            are the second of two with the norms that are the first; these two have no steps before.
    """

    roles: tuple[str, ...]
    steps: tuple[Step, ...] = ()
    join: Literal["sum", "stack", "norm"] = "sum"


@dataclass(frozen=True)
class LayerFacts:
    """A layer of the network that has parameters or buffers.

    Attributes:
        name: The name of its node.
        type: Its type, without the distribution.
        is_named: True if the node has a name of its own.
        params: The shapes of its own parameters and buffers, by name.
        config: The options of the node in the spec.
        has_second_input: True if it reads a second value, as attention to another sequence does.
        rows: The order of the features of its input in the other framework, if it differs.
        columns: The same of its output.
        in_shape: The shape of a sample of its first input.
        is_channels_first: True if the other framework has the channels of its input first.
    """

    name: str
    type: str
    is_named: bool
    params: Mapping[str, Shape]
    config: Mapping[str, object]
    has_second_input: bool = False
    rows: Array | None = None
    columns: Array | None = None
    in_shape: Shape = ()
    is_channels_first: bool = False


@dataclass(frozen=True)
class Slot:
    """Parameters of a layer that one module has in the other framework.

    Attributes:
        layer: The layer.
        sources: The sources of each parameter, by its name; the first that a module has is used.
        part: The part of the layer, if it has several slots: ``depthwise``.
        problem: The reason why no module of the other framework computes the same; or empty.
    """

    layer: LayerFacts
    sources: Mapping[str, tuple[ParamSource, ...]]
    part: str = ""
    problem: str = ""

    @property
    def label(self) -> str:
        """Its name in messages."""
        return f"{self.layer.name} ({self.part})" if self.part else self.layer.name

    def __str__(self) -> str:
        shapes = (f"{name} {self.layer.params[name]}" for name in self.sources)
        return f"{self.label}: {', '.join(shapes)}"


def layer_types(network: Network) -> dict[str, str]:
    """Return the type of each node, without its distribution."""
    return {name: node.type.rpartition(":")[2] for name, node in network.nodes.items()}


def layer_params(network: Network, name: str) -> dict[str, Shape]:
    """Return the shapes of the parameters and buffers that belong to a node, by name."""
    node = network.nodes[name]
    if node.owner != name:
        return {}
    buffers: Mapping[str, Array] = getattr(node.layer, "buffers", {})
    return {key: array.shape for key, array in (*node.own_params.items(), *buffers.items())}
