"""Layers between convolutions, which ONNX computes channels first.

The transposes between the layers are removed or moved; one too few mixes up pixels and channels.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

from tinynet.errors import ShapeError
from tinynet.network.network import Network

from ..layer_cases import LAYERS

pytestmark = pytest.mark.extra

pytest.importorskip("onnx", reason="the package onnx is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from ..commands.onnx.running import exported, operators  # noqa: E402
from .comparison import assert_exported_network_is_equal, changed  # noqa: E402

SAMPLES = {2: (5, 7, 3), 1: (5, 3), 3: (4, 5, 4, 2)}
"""Shapes of inputs by the number of axes besides the channels, in the order of trial."""

OTHERS = {"embedding", "sequence_mask", "repeat_vector"}
"""Layers of integers or vectors, which follow no convolution."""


def networks_with(name: str) -> list[Network]:
    """Return networks that have a layer between two convolutions, or after one."""
    for axes in SAMPLES:
        if networks := [*_networks(axes, name)]:
            return networks
    raise AssertionError(f"no convolution can precede {name}")


def _networks(axes: int, name: str) -> Iterator[Network]:
    for options, in_shapes, _ in LAYERS[name]:
        for before in _before(axes, len(in_shapes)):
            node = {"type": name, "name": "layer", **options}
            node["inputs"] = [layer["name"] for layer in before]
            with suppress(ShapeError):
                yield _network(axes, [*before, node])


def _network(axes: int, layers: list[dict[str, Any]]) -> Network:
    layers = list({layer["name"]: layer for layer in layers}.values())
    after = {"type": f"conv{axes}d", "filters": 2, "kernel_size": 1, "inputs": "layer"}
    spec = {"input_shape": list(SAMPLES[axes]), "layers": layers}
    try:
        return Network({**spec, "layers": [*layers, after]})
    except ShapeError:
        return Network(spec)


def _before(axes: int, inputs: int) -> list[list[dict[str, Any]]]:
    """Return the layers that the inputs of a layer come from, in all combinations."""
    first = {
        "type": f"conv{axes}d",
        "name": "first",
        "filters": 4,
        "kernel_size": 2,
        "inputs": "input",
        # Positive numbers, of which all have a logarithm and powers.
        "weight_initializer": {"type": "uniform", "minval": 0.1, "maxval": 0.3},
    }
    second = {**first, "name": "second"}
    vector = {"type": f"global_avg_pool{axes}d", "name": "vector", "inputs": "first"}
    if inputs == 1:
        return [[first]]
    return [[first, other, first][:inputs] for other in (first, second, vector)]


@pytest.mark.parametrize("name", sorted(LAYERS.keys() - OTHERS))
def test_a_layer_after_a_convolution_gets_the_right_axes(name: str) -> None:
    for network in networks_with(name):
        x = np.random.default_rng(0).uniform(0.5, 1.5, (3, *network.input_shapes["input"]))
        assert_exported_network_is_equal(changed(network), {"input": x})


def test_recurrent_layers_exchange_no_transposes() -> None:
    network = Network(
        {
            "input_shape": [6, 2],
            "layers": [
                {"type": "lstm", "units": 3, "return_sequences": True},
                {"type": "gru", "units": 3},
            ],
        }
    )
    assert operators(exported(network)) == ["Transpose", "LSTM", "Squeeze", "GRU", "Squeeze"]


BETWEEN = {
    "cropping2d": ({"cropping": 1}, ["Slice"]),
    "pad": ({"pad_width": [1, 0, [0, 1]]}, ["Pad"]),
    "slice": ({"axis": -1, "stop": 2}, ["Slice"]),
    "tile": ({"repeats": [2, 1, 1]}, ["Tile"]),
    "up_sampling2d": ({"size": 2}, ["Resize"]),
    "zero_padding2d": ({}, ["Pad"]),
}


@pytest.mark.parametrize("name", BETWEEN)
def test_layers_that_name_axes_need_no_transposes_between_convolutions(name: str) -> None:
    options, between = BETWEEN[name]
    convolution = {"type": "conv2d", "filters": 4, "kernel_size": 2}
    layers = [convolution, {"type": name, **options}, convolution]
    network = Network({"input_shape": [7, 8, 3], "layers": layers})
    names = ["Transpose", "Conv", *between, "Conv", "Transpose"]
    assert operators(exported(network)) == names
    x = np.random.default_rng(0).normal(size=(3, 7, 8, 3))
    assert_exported_network_is_equal(changed(network), {"input": x})
