"""The example plugins can be exported to ONNX: authors of plugins copy them."""

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from tinynet.network.network import Network

from .running import GraphBuilder, assemble, exported, run

pytestmark = pytest.mark.extra

PLUGINS = Path(__file__).parents[3] / "plugins"
ROWS = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)


@pytest.fixture
def plugin(monkeypatch):
    def load(distribution, name):
        monkeypatch.syspath_prepend(PLUGINS / distribution)
        return getattr(import_module(distribution.replace("-", "_")), name)

    return load


@pytest.mark.parametrize(
    ("distribution", "name", "options"),
    [
        ("tinynet-fourier", "FourierFeatures", {"units": 6, "length_scale": 0.5}),
        ("tinynet-running-scale", "RunningScale", {"epsilon": 0.1}),
    ],
)
def test_a_layer_of_a_plugin_computes_the_same(plugin, register, distribution, name, options):
    register("layers", "example", plugin(distribution, name))
    network = Network({"input_shape": [4], "layers": [{"type": "example", **options}]}, seed=1)
    for array in network.buffers.values():
        array[...] = np.random.default_rng(1).uniform(0.5, 2, array.shape)
    (found,) = run(exported(network), {"input": ROWS}).values()
    np.testing.assert_allclose(found, network.predict(ROWS), rtol=1e-5, atol=1e-6)


def test_a_loss_of_a_plugin_predicts_the_same(plugin):
    cls = plugin("tinynet-focal-loss", "FocalLoss")
    loss, graph = cls(cls.Config()), GraphBuilder()
    model = assemble(graph, {"y": loss.to_onnx(graph, graph.input("x", (4,), np.float32))})
    np.testing.assert_allclose(run(model, {"x": ROWS})["y"], loss.predict(ROWS), rtol=1e-5)
