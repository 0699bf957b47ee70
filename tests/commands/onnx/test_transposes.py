"""Networks of convolutions: one transpose at their input, and none between their layers."""

import numpy as np
import pytest

from tinynet.network.network import Network

from .running import GraphBuilder, assemble, exported, operators, run

pytestmark = pytest.mark.extra

SAME = {"type": "conv2d", "filters": 4, "kernel_size": 3, "padding": "same"}

NETWORKS = {
    "activations": [SAME, "batch_norm", "silu", SAME, "hard_silu", SAME, "gelu", SAME],
    "residual": [
        {**SAME, "name": "a"}, "relu", {**SAME, "name": "b"},
        {"type": "add", "inputs": ["a", "b"]}, {"type": "max_pool2d"}, SAME,
    ],
    "dense_connections": [
        {**SAME, "name": "a"}, {**SAME, "name": "b"},
        {"type": "concat", "inputs": ["a", "b"]}, {"type": "avg_pool2d"}, SAME,
    ],
    "squeeze_and_excitation": [
        {**SAME, "name": "a"}, {"type": "global_avg_pool2d", "keepdims": True},
        {"type": "dense", "units": 4}, "sigmoid",
        {"type": "multiply", "inputs": ["a", "sigmoid_1"], "name": "scaled"}, SAME,
    ],
    "channels_of_zeros": [
        SAME, {"type": "pad", "pad_width": [0, [1, 0], [2, 1]]}, "relu", SAME,
    ],
    "larger_images": [SAME, {"type": "up_sampling2d"}, SAME],
    "interpolated_images": [SAME, {"type": "up_sampling2d", "interpolation": "bilinear"}, SAME],
    "factors_of_channels": [SAME, "scale", {"type": "prelu", "shared_axes": [1, 2]}, SAME],
    "classes_of_pixels": [SAME, {"type": "softmax"}, {"type": "clip", "max": 0.9}, SAME],
    "normalized_groups": [SAME, {"type": "group_norm", "groups": 2}, "relu", SAME],
}  # fmt: skip


@pytest.mark.parametrize("layers", NETWORKS.values(), ids=NETWORKS)
def test_channels_stay_first_between_convolutions(layers):
    last = [{"type": "global_avg_pool2d"}, {"type": "dense", "units": 2}]
    network = Network({"input_shape": [8, 8, 3], "layers": [*layers, *last]}, seed=1)
    model = exported(network)
    images = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype(np.float32)
    (found,) = run(model, {"input": images}).values()
    np.testing.assert_allclose(found, network.predict(images), rtol=1e-4, atol=1e-5)
    # Two more turn the small factors of channels of an excitation.
    extra = 2 if layers is NETWORKS["squeeze_and_excitation"] else 0
    assert operators(model).count("Transpose") <= 1 + extra


def test_outputs_have_their_channels_last():
    """Also those in the middle of the network, which other layers read channels first."""
    layers = [{**SAME, "name": "a"}, {"type": "relu", "name": "b"}, {**SAME, "name": "c"}]
    network = Network(
        {"input_shape": [8, 8, 3], "layers": layers, "outputs": ["a", "b", "c"]}, seed=1
    )
    images = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype(np.float32)
    found, expected = run(exported(network), {"input": images}), network.predict(images)
    assert found.keys() == expected.keys()
    for name, array in found.items():
        np.testing.assert_allclose(array, expected[name], rtol=1e-4, atol=1e-5)


def test_an_output_may_be_an_input_or_another_output():
    layers = [{"type": "identity", "name": "same"}, {"type": "identity", "name": "again"}]
    network = Network({"input_shape": [2], "layers": layers, "outputs": ["same", "again"]})
    rows = np.arange(6, dtype=np.float32).reshape(3, 2)
    for array in run(exported(network), {"input": rows}).values():
        np.testing.assert_array_equal(array, rows)


def test_a_table_is_read_at_transposed_indices():
    """The indices are transposed, not the table, which has a single axis."""
    graph = GraphBuilder()
    indices = graph.transpose(graph.input("x", (2, 3), np.int64), (1, 0))
    table = graph.constant([10.0, 11.0, 12.0, 13.0, 14.0, 15.0])
    model = assemble(graph, {"y": graph.node("Gather", table, indices)})
    places = np.arange(6).reshape(1, 2, 3)
    (found,) = run(model, {"x": places}).values()
    np.testing.assert_array_equal(found, 10 + places.transpose(0, 2, 1))
