"""Networks as ONNX graphs: the same numbers, and no operator more than necessary."""

import numpy as np
import pytest

from tinynet.network.network import Network

from .running import exported, operators, run

pytestmark = pytest.mark.extra


def images(network, samples=3):
    (shape,) = network.input_shapes.values()
    return np.random.default_rng(0).normal(size=(samples, *shape)).astype(np.float32)


CONVOLUTIONS = {
    "input_shape": [8, 8, 3],
    "layers": [
        {"type": "conv2d", "filters": 4, "kernel_size": 3, "padding": "same"},
        {"type": "relu"},
        {"type": "conv2d", "filters": 4, "kernel_size": [3, 2], "strides": 2, "groups": 2},
        {"type": "dense", "units": 5},
    ],
}


@pytest.mark.parametrize("samples", [1, 3])
def test_onnxruntime_computes_the_same_for_any_number_of_samples(samples):
    network = Network(CONVOLUTIONS, seed=1)
    x = images(network, samples)
    (y,) = run(exported(network), {"input": x}).values()
    np.testing.assert_allclose(y, network.predict(x), rtol=1e-5, atol=1e-6)


def test_neighboring_convolutions_exchange_no_transposes():
    assert operators(exported(Network(CONVOLUTIONS))) == [
        "Transpose", "Conv", "Relu", "Conv", "Transpose", "MatMul", "Add",
    ]  # fmt: skip


def test_parameters_have_their_addresses():
    """A reader of the model finds the arrays of the checkpoint by name."""
    network = Network(CONVOLUTIONS)
    names = {array.name for array in exported(network).graph.initializer}
    assert names == network.params.keys()
