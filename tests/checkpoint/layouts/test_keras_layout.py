"""Weights of Keras's models: the network computes the outputs that Keras computed."""

import numpy as np
import pytest

from tinynet.network.network import Network

from .keras_networks import FILE, NETWORKS
from .loading import load


@pytest.fixture(scope="module")
def recorded():
    with np.load(FILE) as file:
        return dict(file)


@pytest.mark.parametrize("kind", ["paths", "numbers"])
@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_equal_those_of_the_model(name, kind, recorded, tmp_path):
    """Otherwise a model of Keras loses its accuracy without a message."""
    shape, layers = NETWORKS[name]
    network = Network({"input_shape": list(shape), "layers": layers})
    prefix = f"{name}|{kind}|"
    weights = {k.removeprefix(prefix): a for k, a in recorded.items() if k.startswith(prefix)}
    path = tmp_path / "weights.npz"
    np.savez(path, **weights)
    plan = load(network, path, "keras")
    assert plan.counts()["new"] == plan.counts()["dropped"] == 0
    y = network.predict(recorded[f"{name}|x"])
    np.testing.assert_allclose(y, recorded[f"{name}|y"], rtol=1e-5, atol=1e-5)


def test_names_of_older_versions_are_read(recorded, tmp_path):
    """Keras 2 appends ``:0``, and repeats the name of the layer."""
    shape, layers = NETWORKS["tokens"]
    network = Network({"input_shape": list(shape), "layers": layers})
    prefix = "tokens|paths|"
    weights = {}
    for name, array in recorded.items():
        if name.startswith(prefix):
            layer, _, variable = name.removeprefix(prefix).rpartition("/")
            weights[f"{layer}/{layer.rpartition('/')[2]}/{variable}:0"] = array
    np.savez(tmp_path / "weights.npz", **weights)
    load(network, tmp_path / "weights.npz", "keras")
    y = network.predict(recorded["tokens|x"])
    np.testing.assert_allclose(y, recorded["tokens|y"], rtol=1e-5, atol=1e-5)
