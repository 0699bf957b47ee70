"""Whoever changes what is not theirs is found before training starts, not by a bad model."""

import numpy as np
import pytest

from tinynet.builtin.layers.batch_norm import BatchNorm
from tinynet.engine.engine import Engine
from tinynet.engine.shard_pass import PassKey
from tinynet.errors import PluginError
from tinynet.layer import LayerConfig
from tinynet.loss import LossConfig
from tinynet.network.network import Network
from tinynet.training.purity import probe

WIDTH = 3


class Gain:
    """y = x * gain, and how often it was used; a test makes it write to what it may only read."""

    per_sample = True

    class Config(LayerConfig):
        pass

    def __init__(self, config, in_shapes, build):
        self.out_shape = in_shapes[0]
        self.params = {"gain": build.param("gain", self.out_shape, "ones")}
        self.buffers = {"uses": build.buffer("uses", (), "zeros")}

    def spoil_forward(self, *inputs):
        """What a test replaces."""

    def spoil_backward(self, cache, dy):
        """What a test replaces."""

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
    """Half the sum of squared errors; a test makes it write to what it may only read."""

    per_sample = True

    class Config(LossConfig):
        pass

    def __init__(self, config):
        pass

    def spoil(self, **arrays):
        """What a test replaces."""

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
    probe(network, x, dict.fromkeys(network.outputs, y), weights, PassKey(2))


def shift(array):
    array += 1


def replace(arrays, name):
    arrays[name] = arrays[name] * 2


FAULTS = {
    "another parameter in forward": (
        "spoil_forward",
        lambda self, *inputs: replace(self.params, "gain"),
        "forward put another array in the place of its parameter 'gain'; the optimizer alone may"
        " change parameters",
    ),
    "another buffer in backward": (
        "spoil_backward",
        lambda self, cache, dy: replace(self.buffers, "uses"),
        "backward put another array in the place of its buffer 'uses'; keep what it takes in the"
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
def test_a_layer_that_changes_what_is_not_its_own_is_named(
    network, monkeypatch, method, fault, message
):
    """A gradient that is wrong in this way raises nothing: the model is just worse."""
    monkeypatch.setattr(Gain, method, fault)
    with pytest.raises(PluginError) as caught:
        run(network)
    assert str(caught.value) == f"/network/layers/1: gain_1 (test-plugin:gain 1.0): {message}"


def test_commit_changes_buffers_in_place(network, monkeypatch):
    """Checkpoints held the array that was replaced, so resumed runs had other statistics."""
    monkeypatch.setattr(Gain, "commit", lambda self, cache: replace(self.buffers, "uses"))
    x, y, _ = batch()
    result = Engine(network.program, threads=1).train(
        x, dict.fromkeys(network.outputs, y), None, PassKey(2)
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
def test_a_loss_that_changes_what_is_not_its_own_is_named(network, monkeypatch, name, message):
    def spoil(self, **arrays):
        if name in arrays:
            shift(arrays[name])

    monkeypatch.setattr(Squares, "spoil", spoil)
    with pytest.raises(PluginError) as caught:
        run(network)
    assert str(caught.value) == (
        f"test-plugin:squares (version 1.0): {message} in place; make a new array"
    )


def test_what_every_pass_finds_is_found_here_too(network, monkeypatch):
    monkeypatch.setattr(Squares, "backward", lambda self, ctx, cache: cache[:, :1])
    with pytest.raises(PluginError) as caught:
        run(network)
    assert str(caught.value) == (
        "test-plugin:squares (version 1.0): backward must return the gradient of the outputs, of"
        " shape (20, 3); it returned an array of shape (20, 1)"
    )


def test_an_output_that_is_a_view_of_the_input_is_no_fault(network, monkeypatch):
    """`flatten` and a dropout that rests hand their input on; copying it would be slow."""
    monkeypatch.setattr(Gain, "forward", lambda self, ctx, *x: (x[0][:], (x[0], len(x))))
    run(network)


def test_nothing_is_different_after_a_probe(network):
    """Else a run that was looked at could not be compared with one that was not."""
    before = {n: a.copy() for n, a in {**network.params, **network.buffers}.items()}
    x, y, weights = batch()

    def gradients():
        targets = dict.fromkeys(network.outputs, y)
        result = Engine(network.program, threads=1).train(x, targets, weights, PassKey(2))
        return {name: array.copy() for name, array in result.gradients.items()}

    first = gradients()
    run(network)
    for name, array in {**network.params, **network.buffers}.items():
        np.testing.assert_array_equal(array, before[name])
    again = gradients()
    assert first.keys() == again.keys() == network.trainable
    for name, array in first.items():
        np.testing.assert_array_equal(array, again[name])


def test_a_probe_sees_what_the_first_shard_of_a_step_sees(network, monkeypatch):
    """Not the whole batch, which may not fit into memory at once; and the same random numbers."""
    seen = []

    def note(self, ctx, *inputs):
        seen.append((len(inputs[0]), ctx.training, ctx.first_sample, ctx.rng.integers(1 << 30)))
        return inputs[0], (inputs[0], len(inputs))

    monkeypatch.setattr(Gain, "forward", note)
    monkeypatch.setattr("tinynet.engine.sharding.WORK", 1)
    monkeypatch.setattr("tinynet.engine.sharding.PARAM_WORK", 0)
    run(network)
    x, y, weights = batch()
    Engine(network.program, threads=1).train(
        x, dict.fromkeys(network.outputs, y), weights, PassKey(2)
    )
    assert seen[0][0] < len(x)
    assert seen[0][1:] == seen[1][1:]


def test_a_frozen_layer_is_frozen_in_a_probe_too(register, monkeypatch):
    """In training mode it would do what it never does in the run, and be blamed for it."""
    register("layers", "gain", Gain)
    modes = []
    monkeypatch.setattr(Gain, "forward", lambda self, ctx, x: (x, modes.append(ctx.training)))
    layers = [{"type": "gain", "trainable": False}, {"type": "dense", "units": WIDTH}]
    run(Network({"layers": layers}, (WIDTH,), loss="mse"))
    assert modes == [False]


def test_a_layer_that_meets_the_batch_in_summaries_is_probed_as_it_runs(monkeypatch):
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
