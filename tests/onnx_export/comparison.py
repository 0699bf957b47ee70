"""Networks computed by tinynet and, exported, by onnxruntime."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinynet.commands.onnx.assembly import assemble
from tinynet.commands.onnx.graph import GraphBuilder
from tinynet.commands.onnx.network import add_network
from tinynet.kernels.random import derive
from tinynet.network.network import Network
from tinynet.types import Array

from ..commands.onnx.running import run

TOLERANCE = 1e-5
"""The largest difference, relative to the largest number of an output."""


def changed(network: Network) -> Network:
    """Return the network with other parameters, so that a bias of 0 hides no fault."""
    for address, array in {**network.params, **network.buffers}.items():
        change = derive("change", 0, address).uniform(-0.1, 0.1, array.shape)
        array += change.astype(array.dtype)
    network.refresh()
    return network


def assert_exported_network_is_equal(
    network: Network, inputs: Mapping[str, Array], rounding: float = 0.0
) -> None:
    """Compare all outputs, for all samples at once and for the first one alone.

    Args:
        network: The network.
        inputs: (N, *input_shape) for each input, by its full name: ``input``, ``input:image``.
        rounding: A difference of numbers of any size that is not regarded.
    """
    inputs = {name: _converted(x) for name, x in inputs.items()}
    model = exported(network, inputs)
    for count in (None, 1):
        samples = {name: x[:count] for name, x in inputs.items()}
        short = {name.removeprefix("input:"): x for name, x in samples.items()}
        expected = network.forward(short).outputs
        computed = run(model, samples)
        assert computed.keys() == expected.keys()
        for name, y in expected.items():
            assert computed[name].shape == y.shape, name
            largest = np.abs(y).max(initial=0)
            difference = np.abs(computed[name] - y).max(initial=0)
            assert difference <= max(TOLERANCE * largest, rounding), (
                f"{name}: {difference:.1e}, and the largest number is {largest:.1e}"
            )


def _converted(x: Array) -> Array:
    return x.astype(np.int64 if x.dtype.kind in "iu" else np.float32)


def exported(network: Network, inputs: Mapping[str, Array]) -> Any:
    graph = GraphBuilder()
    named = {name: graph.input(name, x.shape[1:], x.dtype) for name, x in inputs.items()}
    return assemble(graph, add_network(graph, network, named))
