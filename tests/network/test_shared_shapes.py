"""Layers shared by nodes with inputs of different shapes, as in a feature pyramid."""

import numpy as np
import pytest

import tinynet
from tinynet import registry
from tinynet.engine import sharding
from tinynet.errors import PluginError, ShapeError
from tinynet.layer import LayerConfig
from tinynet.network.network import Network

POOL = {"type": "max_pool2d", "pool_size": 2, "name": "small", "inputs": "input"}


def twice(*layers, **network):
    """Return a spec that runs layers on an image of 8x8 and on its half, and sums both."""
    first = [{**layer, "name": f"a{i}"} for i, layer in enumerate(layers)]
    again = [{"shares": f"a{i}", "name": f"b{i}"} for i in range(len(layers))]
    first[0]["inputs"], again[0]["inputs"] = "input", "small"
    ends = [f"{side}{len(layers) - 1}" for side in "ab"]
    means = [{"type": "global_avg_pool2d", "name": f"mean_{end}", "inputs": end} for end in ends]
    add = {"type": "add", "inputs": [mean["name"] for mean in means], "name": "end"}
    return {
        "input_shape": [8, 8, 2],
        "dtype": "float64",
        "layers": [POOL, *first, *again, *means, add],
        **network,
    }


CONV = {"type": "conv2d", "filters": 3, "kernel_size": 3, "padding": "same"}
NORM = {"type": "batch_norm"}
RELU = {"type": "relu"}


def draw(samples=6):
    return np.random.default_rng(1).standard_normal((samples, 8, 8, 2))


def spec(*layers, **training):
    return {
        "tinynet": 1,
        "name": "pyramid",
        "network": twice(*layers),
        "training": {
            "steps": 1,
            "loss": "mse",
            "optimizer": {"type": "sgd", "learning_rate": 1.0},
            **training,
        },
    }


def test_shared_layer_has_one_set_of_arrays():
    network = Network(twice(CONV, NORM))
    assert set(network.params) == {"a0/weight", "a0/bias", "a1/gamma", "a1/beta"}
    assert set(network.buffers) == {"a1/running_mean", "a1/running_var"}
    first, again = network.nodes["a0"], network.nodes["b0"]
    assert (first.out_shape, again.out_shape) == ((8, 8, 3), (4, 4, 3))
    assert again.layer.params["weight"] is first.layer.params["weight"]
    assert again.owner == "a0"
    norm, other = network.nodes["a1"].layer, network.nodes["b1"].layer
    assert other.buffers["running_mean"] is norm.buffers["running_mean"]


def test_shared_layer_computes_as_two_layers_of_equal_weights():
    network = Network(twice(CONV, RELU))
    twin = Network(
        {
            **twice(CONV, RELU),
            "layers": [
                {**CONV, "name": "b0", "inputs": "small"}
                if node.get("name") == "b0"
                else {**RELU, "name": "b1"}
                if node.get("name") == "b1"
                else node
                for node in twice(CONV, RELU)["layers"]
            ],
        }
    )
    for name in ("weight", "bias"):
        for side in "ab":
            twin.params[f"{side}0/{name}"][...] = network.params[f"a0/{name}"]
    np.testing.assert_allclose(network.predict(draw()), twin.predict(draw()))


@pytest.mark.parametrize("threads", [1, 3])
def test_gradient_is_the_sum_over_both_nodes(threads, monkeypatch):
    monkeypatch.setattr(sharding, "SHARD_FLOPS", 1)
    monkeypatch.setattr(sharding, "MIN_FLOPS_PER_PARAM", 0)
    monkeypatch.setattr(sharding, "MIN_SHARD", 2)
    trainer = tinynet.Trainer(spec(CONV, NORM, RELU), threads=threads)
    params = trainer.network.params
    before = {address: array.copy() for address, array in params.items()}
    x, y = draw(), np.random.default_rng(2).standard_normal((6, 3))
    trainer.train_step(x, y)
    steps = {address: before[address] - array for address, array in params.items()}

    def loss():
        outputs = trainer.network.forward(x, training=True).outputs["output"]
        return float(np.square(outputs - y).mean(axis=1).sum()) / len(x)

    for address, array in before.items():
        params[address][...] = array
    for address, step in steps.items():
        flat = params[address].reshape(-1)
        for index in range(0, flat.size, 7):
            value, ends = flat[index], []
            for sign in (1, -1):
                flat[index] = value + sign * 1e-6
                ends.append(loss())
            flat[index] = value
            slope = (ends[0] - ends[1]) / 2e-6
            assert step.reshape(-1)[index] == pytest.approx(slope, rel=1e-4, abs=1e-7), address


def test_running_statistics_include_both_nodes():
    trainer = tinynet.Trainer(spec(NORM))
    trainer.train_step(draw(), np.zeros((6, 2)))
    x, running_mean = draw(), trainer.network.buffers["a0/running_mean"]
    momentum = trainer.network.nodes["a0"].layer.Config().momentum
    small = x.reshape(6, 4, 2, 4, 2, 2).max(axis=(2, 4))
    expected = np.zeros(2)
    for part in (x, small):
        expected = momentum * expected + (1 - momentum) * part.mean(axis=(0, 1, 2))
    np.testing.assert_allclose(running_mean, expected)


def test_state_has_one_set_of_arrays():
    trainer, fresh = (tinynet.Trainer(spec(CONV, NORM)) for _ in range(2))
    trainer.train_step(draw(), np.zeros((6, 3)))
    fresh.load_state(trainer.state(), trainer.progress)
    np.testing.assert_array_equal(fresh.network.predict(draw()), trainer.network.predict(draw()))
    assert not any(name.split("/")[1].startswith("b") for name in trainer.state())


def test_a_dry_network_has_the_same_shapes_and_allocates_nothing():
    network = Network(twice(CONV, NORM), dry=True, max_params=69)
    assert network.nodes["b0"].out_shape == (4, 4, 3)


def test_a_layer_whose_weights_do_not_fit_names_both_shapes():
    layers = [
        {"type": "dense", "units": 3, "name": "a"},
        {"type": "dense", "units": 5, "name": "b"},
        {"shares": "a", "name": "again"},
    ]
    with pytest.raises(ShapeError) as caught:
        Network({"input_shape": [4], "layers": layers})
    (problem,) = caught.value.problems
    assert problem.pointer == "/network/layers/2"
    assert str(problem).endswith(
        "again: it shares the layer of a, whose weight has the shape (4, 3); here it would need"
        " (5, 3); its input is b (5,)"
    )


def test_a_whole_block_is_shared_at_another_size():
    block = {"layers": [CONV, NORM, RELU, {"type": "global_avg_pool2d"}]}
    network = Network(
        {
            "input_shape": [8, 8, 2],
            "blocks": {"head": block},
            "layers": [
                POOL,
                {"block": "head", "inputs": "input", "name": "large"},
                {"shares": "large", "inputs": "small", "name": "again"},
                {"type": "add", "inputs": ["large", "again"]},
            ],
        }
    )
    assert {address.partition(".")[0] for address in network.params} == {"large"}
    assert network.predict(draw()).shape == (6, 3)


class Copying:
    """A layer that keeps a copy of its parameter, which a second node could not train."""

    per_sample = True

    class Config(LayerConfig):
        """No parameters."""

    def __init__(self, config, in_shapes, build):
        (self.out_shape,) = in_shapes
        self.params = {"gain": build.param("gain", (1,), "ones").copy()}


def test_a_layer_that_keeps_copies_of_its_parameters_cannot_be_shared(monkeypatch):
    entries = [entry for group in registry.GROUPS for entry in registry.default().entries(group)]
    entries.append(registry.Entry("layers", "copying", "acme", "1.0", f"{__name__}:Copying"))
    changed_registry = registry.Registry(entries)
    monkeypatch.setattr(registry, "default", lambda: changed_registry)
    with pytest.raises(PluginError) as caught:
        Network(twice({"type": "copying"}))
    assert "b0 (acme:copying 1.0): it cannot be shared with inputs of another" in str(caught.value)
