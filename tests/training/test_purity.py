"""Layers and losses that change arrays in place are detected before training."""

import numpy as np
import pytest

from tinynet.builtin.layers.batch_norm import BatchNorm
from tinynet.engine.engine import Engine
from tinynet.engine.shard_pass import RandomKey
from tinynet.errors import PluginError
from tinynet.layer import LayerConfig
from tinynet.loss import LossConfig
from tinynet.network.network import Network
from tinynet.training.purity import check_purity

WIDTH = 3


class Gain:
    """y = x * gain, with a counter; tests make it change arrays that it may only read."""

    per_sample = True

    class Config(LayerConfig):
        pass

    def __init__(self, config, in_shapes, build):
        self.out_shape = in_shapes[0]
        self.params = {"gain": build.param("gain", self.out_shape, "ones")}
        self.buffers = {"uses": build.buffer("uses", (), "zeros")}

    def spoil_forward(self, *inputs):
        """The method that a test replaces."""

    def spoil_backward(self, cache, dy):
        """The method that a test replaces."""

    def forward(self, ctx, *inputs):
        y = inputs[0] * self.params["gain"]
        cache = inputs[0].copy()
        self.spoil_forward(*inputs)
        return y, (cache, len(inputs))

    def backward(self, ctx, cache, dy):
        x, count = cache
        grads = (dy * self.params["gain"], *[np.zeros_like(dy)] * (count - 1))
        d_gain = (dy * x).sum(axis=0)
        self.spoil_backward(cache, dy)
        return grads, {"gain": d_gain}

    def commit(self, cache):
        self.buffers["uses"] += 1


class Squares:
    """Half the sum of squared errors; tests make it change arrays that it may only read."""

    per_sample = True

    class Config(LossConfig):
        pass

    def __init__(self, config):
        pass

    def spoil(self, **arrays):
        """The method that a test replaces."""

    def forward(self, ctx, outputs, targets, weights=None):
        error = outputs - targets
        scale = np.ones(len(outputs), outputs.dtype) if weights is None else weights
        loss = float((scale[:, None] * error**2).sum()) / 2
        self.spoil(outputs=outputs, targets=targets, weights=weights)
        return loss, error * scale[:, None]

    def backward(self, ctx, cache):
        self.spoil(cache=cache)
        return cache

    def predict(self, outputs):
        self.spoil(predicting=outputs)
        return outputs


@pytest.fixture
def network(register):
    """A network whose second node reads two inputs."""
    register("layers", "gain", Gain)
    register("losses", "squares", Squares)
    layers = [
        {"type": "dense", "units": WIDTH},
        {"type": "gain", "inputs": ["dense_1", "input"]},
        {"type": "dropout", "rate": 0.5},
    ]
    return Network({"layers": layers}, (WIDTH,), seed=2, loss="squares")


def batch(samples=20):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, samples, WIDTH)).astype(np.float32)
    return x, y, np.ones(samples, np.float32)


def run(network):
    x, y, weights = batch()
    check_purity(network, x, dict.fromkeys(network.outputs, y), weights, RandomKey(2))


def shift(array):
    array += 1


def replace(arrays, name):
    arrays[name] = arrays[name] * 2


FAULTS = {
    "another parameter in forward": (
        "spoil_forward",
        lambda self, *inputs: replace(self.params, "gain"),
        "forward replaced the array of its parameter 'gain'; the optimizer alone may"
        " change parameters",
    ),
    "another buffer in backward": (
        "spoil_backward",
        lambda self, cache, dy: replace(self.buffers, "uses"),
        "backward replaced the array of its buffer 'uses'; keep what it takes in the"
        " cache, and change buffers in commit",
    ),
    "the first input": (
        "spoil_forward",
        lambda self, x, other: shift(x),
        "forward changed its input 'dense_1' in place; make a new array",
    ),
    "the network's input": (
        "spoil_forward",
        lambda self, x, other: shift(other),
        "forward changed its input 'input' in place; make a new array",
    ),
    "a parameter in forward": (
        "spoil_forward",
        lambda self, *inputs: shift(self.params["gain"]),
        "forward changed its parameter 'gain' in place; the optimizer alone may change parameters",
    ),
    "a buffer in forward": (
        "spoil_forward",
        lambda self, *inputs: shift(self.buffers["uses"]),
        "forward changed its buffer 'uses' in place; keep what it takes in the cache, and change"
        " buffers in commit",
    ),
    "dy": (
        "spoil_backward",
        lambda self, cache, dy: shift(dy),
        "backward changed dy in place; make a new array",
    ),
    "a parameter in backward": (
        "spoil_backward",
        lambda self, cache, dy: shift(self.params["gain"]),
        "backward changed its parameter 'gain' in place; the optimizer alone may change parameters",
    ),
}


@pytest.mark.parametrize(("method", "fault", "message"), FAULTS.values(), ids=FAULTS.keys())
def test_error_names_a_layer_that_changes_arrays(network, monkeypatch, method, fault, message):
    """Such wrong gradients raise nothing: the model is just worse."""
    monkeypatch.setattr(Gain, method, fault)
    with pytest.raises(PluginError) as caught:
        run(network)
    assert str(caught.value) == f"/network/layers/1: gain_1 (test-plugin:gain 1.0): {message}"


def test_commit_must_change_buffers_in_place(network, monkeypatch):
    """Otherwise checkpoints hold the replaced array, and resumed runs have other statistics."""
    monkeypatch.setattr(Gain, "commit", lambda self, cache: replace(self.buffers, "uses"))
    x, y, _ = batch()
    result = Engine(network.program, threads=1).train(
        x, dict.fromkeys(network.outputs, y), None, RandomKey(2)
    )
    with pytest.raises(PluginError, match="commit replaced the buffer"):
        result.commit()


LOSS_FAULTS = {
    "the outputs": ("outputs", "forward changed the outputs"),
    "the targets": ("targets", "forward changed the targets"),
    "the weights": ("weights", "forward changed the weights"),
    "the outputs in predict": ("predicting", "predict changed the outputs"),
}


@pytest.mark.parametrize(("name", "message"), LOSS_FAULTS.values(), ids=LOSS_FAULTS.keys())
def test_error_names_a_loss_that_changes_arrays(network, monkeypatch, name, message):
    def spoil(self, **arrays):
        if name in arrays:
            shift(arrays[name])

    monkeypatch.setattr(Squares, "spoil", spoil)
    with pytest.raises(PluginError) as caught:
        run(network)
    assert str(caught.value) == (
        f"/training/loss: test-plugin:squares (version 1.0): {message} in place; make a new array"
    )


def test_probe_raises_errors_of_ordinary_passes(network, monkeypatch):
    monkeypatch.setattr(Squares, "backward", lambda self, ctx, cache: cache[:, :1])
    with pytest.raises(PluginError) as caught:
        run(network)
    assert str(caught.value) == (
        "/training/loss: test-plugin:squares (version 1.0): backward must return the gradient"
        " of the outputs, of shape (20, 3); it returned an array of shape (20, 1)"
    )


def test_output_may_be_a_view_of_the_input(network, monkeypatch):
    """`flatten`, and dropout in evaluation, return their input without a copy."""
    monkeypatch.setattr(Gain, "forward", lambda self, ctx, *x: (x[0][:], (x[0], len(x))))
    run(network)


def test_probe_does_not_change_the_network(network):
    """Otherwise a checked run could not be compared with an unchecked one."""
    before = {n: a.copy() for n, a in {**network.params, **network.buffers}.items()}
    x, y, weights = batch()

    def gradients():
        targets = dict.fromkeys(network.outputs, y)
        result = Engine(network.program, threads=1).train(x, targets, weights, RandomKey(2))
        return {name: array.copy() for name, array in result.gradients.items()}

    first = gradients()
    run(network)
    for name, array in {**network.params, **network.buffers}.items():
        np.testing.assert_array_equal(array, before[name])
    again = gradients()
    assert first.keys() == again.keys() == network.trainable
    for name, array in first.items():
        np.testing.assert_array_equal(array, again[name])


def test_probe_runs_the_first_shard_of_a_step(network, monkeypatch):
    """Not the whole batch, which may not fit into memory; with the same random numbers."""
    calls = []

    def note(self, ctx, *inputs):
        calls.append((len(inputs[0]), ctx.training, ctx.first_sample, ctx.rng.integers(1 << 30)))
        return inputs[0], (inputs[0], len(inputs))

    monkeypatch.setattr(Gain, "forward", note)
    monkeypatch.setattr("tinynet.engine.sharding.SHARD_FLOPS", 1)
    monkeypatch.setattr("tinynet.engine.sharding.MIN_FLOPS_PER_PARAM", 0)
    run(network)
    x, y, weights = batch()
    Engine(network.program, threads=1).train(
        x, dict.fromkeys(network.outputs, y), weights, RandomKey(2)
    )
    assert calls[0][0] < len(x)
    assert calls[0][1:] == calls[1][1:]


def test_probe_keeps_frozen_layers_frozen(register, monkeypatch):
    """In training mode such a layer would do what it never does in the run."""
    register("layers", "gain", Gain)
    modes = []
    monkeypatch.setattr(Gain, "forward", lambda self, ctx, x: (x, modes.append(ctx.training)))
    layers = [{"type": "gain", "trainable": False}, {"type": "dense", "units": WIDTH}]
    run(Network({"layers": layers}, (WIDTH,), loss="mse"))
    assert modes == [False]


def test_probe_runs_layers_that_exchange_summaries(monkeypatch):
    layers = [{"type": "dense", "units": WIDTH}, {"type": "batch_norm"}]
    net = Network({"layers": layers}, (WIDTH,), loss="mse")
    run(net)

    def spoil(self, ctx, summaries, x):
        x += 1
        return original(self, ctx, summaries, x)

    original = BatchNorm.forward_with
    monkeypatch.setattr(BatchNorm, "forward_with", spoil)
    with pytest.raises(PluginError, match="forward_with changed its input 'dense_1' in place"):
        run(net)
