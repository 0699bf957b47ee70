"""Fused layers: equal bits, and no other visible effect than speed."""

import numpy as np
import pytest

import tinynet
from tinynet.builtin.layers._pooling import MaxPooling
from tinynet.builtin.layers.activations import ReLU
from tinynet.builtin.layers.dense import Dense
from tinynet.builtin.layers.pool2d import MaxPool2D
from tinynet.engine.fusion import fuse
from tinynet.errors import PluginError

CONVOLUTIONS = [
    {"type": "conv2d", "name": "c", "filters": 3, "kernel_size": 3},
    {"type": "relu", "name": "r"},
    {"type": "max_pool2d"},
    {"type": "conv2d", "name": "d", "filters": 4, "kernel_size": 2, "use_bias": False},
    {"type": "batch_norm", "name": "n"},
    {"type": "relu", "name": "s"},
    "flatten",
    {"type": "dense", "name": "e", "units": 7},
    {"type": "relu", "name": "t"},
    {"type": "dense", "name": "f", "units": 3},
]


def trainer(layers=CONVOLUTIONS, **more):
    return tinynet.Trainer(
        {
            "tinynet": 1,
            "name": "fused",
            "network": {"input_shape": [10, 10, 2], "layers": layers},
            "training": {
                "epochs": 1,
                "batch_size": 12,
                "loss": "softmax_cross_entropy",
                "optimizer": {"type": "adam", "learning_rate": 0.01},
                **more,
            },
        }
    )


def batch(seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(12, 10, 10, 2)).astype("f"), rng.integers(0, 3, 12)


def fused_names(net):
    nodes, _ = fuse(tuple(net.nodes.values()), net.outputs)
    return [node.name for node in nodes]


def trained(**more):
    made = trainer(**more)
    losses = [made.train_step(*batch(step)) for step in range(5)]
    state = {name: array.tobytes() for name, array in made.state().items()}
    return losses, state, made.network.predict(batch()[0]).tobytes()


@pytest.mark.parametrize("more", [{}, {"trainable": ["e/*", "f/*"]}], ids=["all", "some frozen"])
def test_training_and_predicting_give_the_same_bits_as_layer_by_layer(monkeypatch, more):
    together = trained(**more)
    monkeypatch.setattr(ReLU, "fuse_into", lambda layer, previous: None)
    assert trained(**more) == together


def test_relu_is_fused_into_the_layer_before_it():
    net = trainer().network
    assert fused_names(net) == ["c", "d", "n", "flatten_1", "e", "f"]
    assert list(net.nodes) == ["c", "r", "max_pool2d_1", "d", "n", "s", "flatten_1", "e", "t", "f"]


def test_max_pooling_comes_before_the_relu_with_the_same_bits(monkeypatch):
    """Windows without a positive element, with equal ones, and that overlap, included."""
    layers = [
        {"type": "conv2d", "filters": 3, "kernel_size": 1, "bias_initializer": "ones"},
        {"type": "relu"},
        {"type": "max_pool2d", "pool_size": 3, "strides": 2, "padding": 1},
        {"type": "conv2d", "filters": 4, "kernel_size": 2},
        {"type": "relu"},
        {"type": "max_pool2d"},
        "flatten",
        {"type": "dense", "units": 3},
    ]

    def results():
        made = trainer(layers)
        losses = []
        for step in range(5):
            x, y = batch(step)
            losses.append(made.train_step(np.round(x), y))  # so that many elements are equal
        state = {name: array.tobytes() for name, array in made.state().items()}
        return losses, state, made.network.predict(np.round(batch()[0])).tobytes()

    together = results()
    monkeypatch.setattr(MaxPooling, "fuse_into", lambda layer, previous: None)
    assert results() == together


@pytest.mark.parametrize(
    ("layers", "outputs"),
    [
        (
            [
                {"type": "dense", "name": "a", "units": 3},
                {"type": "relu", "name": "r"},
                {"type": "add", "inputs": ["a", "r"]},
            ],
            None,
        ),
        ([{"type": "dense", "name": "a", "units": 3}, {"type": "relu", "name": "r"}], ["a", "r"]),
        (["tanh", "relu"], None),
        (["relu"], None),
    ],
    ids=["read by another", "an output", "no layer that can", "nothing before it"],
)
def test_relu_is_not_fused_in_other_graphs(layers, outputs):
    spec = {"input_shape": [5], "layers": layers, **({"outputs": outputs} if outputs else {})}
    net = tinynet.Network(spec)
    assert len(fused_names(net)) == len(net.nodes)


def test_output_may_be_that_of_a_fused_layer():
    spec = {"input_shape": [5], "layers": [{"type": "dense", "units": 3}, "relu"]}
    net, x = tinynet.Network(spec), np.random.default_rng(0).normal(size=(4, 5)).astype("f")
    expected = np.maximum(x @ net.params["dense_1/weight"], 0)
    np.testing.assert_allclose(net.forward(x).outputs["output"], expected, rtol=1e-6)
    np.testing.assert_allclose(net.predict(x), expected, rtol=1e-6)


def test_observer_sees_every_layer():
    observed = []
    net = trainer().network
    net.forward(batch()[0], observe=lambda node, y: observed.append(node.name))
    assert observed == list(net.nodes)


def test_shared_layer_is_fused_only_where_a_relu_follows():
    spec = {
        "input_shape": [3],
        "layers": [
            {"type": "dense", "name": "a", "units": 3},
            {"type": "relu", "name": "r"},
            {"shares": "a", "name": "b"},
        ],
    }
    net, x = tinynet.Network(spec), np.random.default_rng(0).normal(size=(4, 3)).astype("f")
    weight = net.params["a/weight"]
    y = net.forward(x).outputs["output"]
    np.testing.assert_allclose(y, np.maximum(x @ weight, 0) @ weight, rtol=1e-5)
    assert (y < 0).any()


class Noisy(Dense):
    """A dense layer with a forward of its own, without a fused ReLU."""

    def forward(self, ctx, x):
        y, cache = super().forward(ctx, x)
        return y + 1, cache


class Leaky(ReLU):
    """A rectifier with a forward of its own."""

    def forward(self, ctx, x):
        return np.where(x > 0, x, 0.5 * x), x > 0

    def backward(self, ctx, cache, dy):
        return (np.where(cache, dy, 0.5 * dy),), {}


class Doubled(MaxPool2D):
    """Max pooling with a backward of its own."""

    def backward(self, ctx, cache, dy):
        (dx,), gradients = super().backward(ctx, cache, dy)
        return (None if dx is None else 2 * dx,), gradients


class Squashed(Dense):
    """A dense layer with a nonlinearity of its own, into which no factor may be folded."""

    def forward(self, ctx, x):
        y, cache = super().forward(ctx, x)
        y = np.tanh(y)
        return y, (cache, y)

    def backward(self, ctx, cache, dy):
        inner, y = cache
        return super().backward(ctx, inner, dy * (1 - y * y))


IMAGE = {"type": "conv2d", "filters": 3, "kernel_size": 3}
HEAD = ["flatten", {"type": "dense", "units": 3}]


@pytest.mark.parametrize(
    ("cls", "layers"),
    [
        (Leaky, [IMAGE, {"type": "own"}, *HEAD]),
        (Doubled, [IMAGE, "relu", {"type": "own"}, *HEAD]),
        (Squashed, ["flatten", {"type": "own", "units": 4}, "batch_norm", *HEAD[1:]]),
    ],
    ids=["relu", "max_pool2d", "dense"],
)
def test_subclass_of_a_layer_computes_as_it_does_alone(register, cls, layers):
    """An identity after each layer leaves nothing to fuse or to fold."""
    register("layers", "own", cls)
    results = []
    for plain in (False, True):
        apart = [each for layer in layers for each in (layer, "identity")] if plain else layers
        made = trainer(apart)
        losses = [made.train_step(*batch(step)) for step in range(4)]
        results.append((losses, made.network.predict(batch()[0])))
    assert results[0][0] == results[1][0]
    np.testing.assert_allclose(results[0][1], results[1][1], rtol=1e-4, atol=1e-6)


class Owner(ReLU):
    """A layer that offers fusion, but has a parameter."""

    def __init__(self, config, in_shapes, build):
        super().__init__(config, in_shapes, build)
        self.params = {"gain": build.param("gain", (1,), "ones")}


class Broken(ReLU):
    def fuse_into(self, previous):
        raise KeyError("previous")


def network_of(layers):
    return tinynet.Network({"input_shape": [5], "layers": layers})


def test_subclass_of_a_layer_keeps_its_own_forward(register):
    register("layers", "noisy", Noisy)
    net = network_of([{"type": "noisy", "units": 3}, "relu"])
    assert len(fused_names(net)) == 2
    x = np.random.default_rng(0).normal(size=(4, 5)).astype("f")
    expected = np.maximum(x @ net.params["noisy_1/weight"] + 1, 0)
    np.testing.assert_allclose(net.predict(x), expected, rtol=1e-5)


def test_layer_with_trained_parameters_is_not_fused(register):
    register("layers", "owner", Owner)
    assert len(fused_names(network_of([{"type": "dense", "units": 3}, "owner"]))) == 2


def test_error_of_fuse_into_names_the_plugin(register):
    register("layers", "broken", Broken)
    with pytest.raises(PluginError, match=r"broken_1 \(.*broken.*fuse_into raised KeyError"):
        network_of([{"type": "dense", "units": 3}, "broken"])
