"""The targets of a transfer in a network with parametrized parameters.

A source may hold the parameter itself, because its network has no such parametrization. Then the
arrays that the parameter is computed from follow from it.
"""

from collections.abc import Callable

from tinynet.checkpoint.tensor_layout import TensorLayout, layouts
from tinynet.engine.tensor_names import BUFFERS, PARAMS, in_group, named_weights
from tinynet.network.network import Network
from tinynet.types import Array


def transferable(network: Network) -> dict[str, Array]:
    """Return the arrays that a transfer may change, by their full names."""
    own = named_weights(network.params, network.buffers)
    return own | in_group(PARAMS, network.parametrizations.values)


def targets_of(
    network: Network, source_of: Callable[[TensorLayout], TensorLayout | None]
) -> list[TensorLayout]:
    """Return the tensors of a network that need a source.

    A parametrized parameter takes the place of its arrays if it has a source, and none of them has
    one. Arrays of an iteration that have no source start again from the other arrays.

    Args:
        network: The network.
        source_of: Returns the source of a tensor; None if it has none.
    """
    found = {tensor.name: tensor for tensor in layouts(transferable(network))}
    for one in network.parametrizations:
        value = f"{PARAMS}{one.address}"
        params = [f"{PARAMS}{one.address_of(name)}" for name in one.params]
        buffers = [f"{BUFFERS}{one.address_of(name)}" for name in one.buffers]
        with_source = {name for name in (value, *params, *buffers) if source_of(found[name])}
        if value not in params and (value not in with_source or with_source & set(params)):
            superfluous = [value]
        elif value not in params:
            superfluous = [*params, *buffers]
        else:
            superfluous = []
        if with_source & set(params) and not with_source & set(buffers):
            superfluous += buffers
        for name in superfluous:
            found.pop(name, None)
    return list(found.values())
