"""Layers with several outputs, and layers through which no gradient flows."""

import numpy as np
import pytest

import tinynet
from tinynet import registry
from tinynet.engine import sharding
from tinynet.errors import PluginError, ShapeError, SpecError
from tinynet.layer import LayerConfig
from tinynet.network.kernel_choice import choose_kernels
from tinynet.network.network import Network


class Powers:
    """Outputs ``first`` = scale * x, ``second`` = x ** 2, and ``mean``, the mean of x."""

    per_sample = True

    class Config(LayerConfig):
        """Parameters of `powers`."""

    def __init__(self, config, in_shapes, build):
        (self.out_shape,) = in_shapes
        self.out_shapes = {"first": self.out_shape, "second": self.out_shape, "mean": (1,)}
        self.params = {"scale": build.param("scale", self.out_shape, "ones")}

    def forward(self, ctx, x):
        ys = x * self.params["scale"], x**2, x.mean(axis=1, keepdims=True)
        return ys, x

    def backward(self, ctx, cache, dy):
        assert isinstance(dy, tuple)
        x, (first, second, mean) = cache, dy
        dx = np.zeros_like(x)
        dscale = np.zeros_like(self.params["scale"])
        if first is not None:
            dx += first * self.params["scale"]
            dscale += (first * x).sum(axis=0)
        if second is not None:
            dx += second * 2 * x
        if mean is not None:
            dx += mean / x.shape[1]
        return (dx,), {"scale": dscale}


class WholeBatch(Powers):
    """The same, called with the whole batch."""

    per_sample = False


class Fenced(Powers):
    """A layer that passes its input on, but no gradient."""

    differentiable = False

    def __init__(self, config, in_shapes, build):
        (self.out_shape,) = in_shapes
        self.params = {}

    def forward(self, ctx, x):
        return x, None

    def backward(self, ctx, cache, dy):
        raise AssertionError("backward of a layer that is not differentiable")


class Wrong(Powers):
    """A layer whose faults are set by the test."""

    shapes = None
    returned = None

    def __init__(self, config, in_shapes, build):
        super().__init__(config, in_shapes, build)
        if self.shapes is not None:
            self.out_shapes = self.shapes

    def forward(self, ctx, x):
        ys, cache = super().forward(ctx, x)
        return (ys if self.returned is None else self.returned(ys)), cache


@pytest.fixture(autouse=True)
def plugins(monkeypatch):
    classes = {"powers": Powers, "whole": WholeBatch, "fenced": Fenced, "wrong": Wrong}
    entries = [entry for group in registry.GROUPS for entry in registry.default().entries(group)]
    entries += [
        registry.Entry("layers", name, "acme", "1.0", f"{__name__}:{cls.__name__}")
        for name, cls in classes.items()
    ]
    changed = registry.Registry(entries)
    monkeypatch.setattr(registry, "default", lambda: changed)


def network_spec(*layers, **changes):
    return {"input_shape": [3], "dtype": "float64", "layers": list(layers), **changes}


def spec(*layers, outputs=None, **training):
    return {
        "tinynet": 1,
        "name": "several",
        "network": network_spec(*layers, **({} if outputs is None else {"outputs": outputs})),
        "training": {
            "steps": 1,
            "loss": "mse",
            "optimizer": {"type": "sgd", "learning_rate": 1.0},
            **training,
        },
    }


X = np.random.default_rng(0).standard_normal((64, 3))


def test_main_output_has_the_name_of_the_node():
    by_node = Network(network_spec("powers", {"type": "relu", "inputs": "powers_1"}))
    by_output = Network(network_spec("powers", {"type": "relu", "inputs": "powers_1:first"}))
    np.testing.assert_array_equal(by_node.predict(X), np.maximum(X, 0))
    np.testing.assert_array_equal(by_output.predict(X), by_node.predict(X))
    assert by_output.nodes["relu_1"].inputs == ("powers_1",)


def test_other_outputs_are_read_by_name():
    network = Network(network_spec("powers", {"type": "relu", "inputs": "powers_1:second"}))
    np.testing.assert_array_equal(network.predict(X), X**2)


def test_outputs_of_a_layer_are_outputs_of_the_network():
    network = Network(
        network_spec("powers", outputs={"a": "powers_1", "b": "powers_1:mean", "c": "powers_1"})
    )
    assert network.out_shapes == {"a": (3,), "b": (1,), "c": (3,)}
    predicted = network.predict(X)
    np.testing.assert_array_equal(predicted["a"], predicted["c"])
    np.testing.assert_array_equal(predicted["b"], X.mean(axis=1, keepdims=True))


@pytest.mark.parametrize("kind", ["powers", "whole"])
@pytest.mark.parametrize("threads", [1, 3])
def test_gradients_of_all_outputs_add_up(kind, threads, monkeypatch):
    monkeypatch.setattr(sharding, "SHARD_FLOPS", 100)
    monkeypatch.setattr(sharding, "MIN_FLOPS_PER_PARAM", 1)
    monkeypatch.setattr(type(choose_kernels()), "whole_if_exchanged", False, raising=False)
    layers = (
        {"type": "dense", "units": 3, "use_bias": False},
        kind,
        {"type": "dense", "units": 3, "inputs": f"{kind}_1:second", "name": "square"},
        {"type": "add", "inputs": [f"{kind}_1", "square", "dense_1"]},
    )
    trainer = tinynet.Trainer(spec(*layers), threads=threads)
    network, y = trainer.network, np.random.default_rng(1).standard_normal((64, 3))
    weight, square = network.params["dense_1/weight"], network.params["square/weight"]
    before = weight.copy()
    hidden = X @ weight
    output = 2 * hidden + hidden**2 @ square
    dy = 2 * (output - y) / 3 / 64
    expected = X.T @ (2 * dy + dy @ square.T * 2 * hidden)
    trainer.train_step(X, y)
    np.testing.assert_allclose(before - weight, expected, rtol=1e-9)
    assert len(network.program.shard_slices(64, training=True)) > 1


def test_no_gradient_reaches_an_output_that_no_loss_depends_on():
    trainer = tinynet.Trainer(
        spec("powers", {"type": "dense", "units": 1, "inputs": "powers_1:mean"})
    )
    trainer.train_step(X, np.zeros((64, 1)))
    np.testing.assert_array_equal(trainer.network.params["powers_1/scale"], 1)


def test_no_gradient_flows_through_a_layer_that_is_not_differentiable():
    layers = (
        {"type": "dense", "units": 3, "name": "before"},
        "fenced",
        {"type": "dense", "units": 3, "name": "after"},
    )
    trainer = tinynet.Trainer(spec(*layers))
    network = trainer.network
    assert network.trainable == {"after/weight", "after/bias"}
    before = {name: array.copy() for name, array in network.params.items()}
    trainer.train_step(X, np.zeros((64, 3)))
    changed = {
        name for name, array in network.params.items() if not np.array_equal(array, before[name])
    }
    assert changed == {"after/weight", "after/bias"}


def test_gradient_flows_around_a_layer_that_is_not_differentiable():
    layers = (
        {"type": "dense", "units": 3, "name": "before", "use_bias": False},
        "fenced",
        {"type": "multiply", "inputs": ["before", "fenced_1"]},
    )
    trainer = tinynet.Trainer(spec(*layers))
    weight = trainer.network.params["before/weight"]
    before, hidden = weight.copy(), X @ weight
    trainer.train_step(X, np.zeros((64, 3)))
    dy = 2 * hidden**2 / 3 / 64
    np.testing.assert_allclose(before - weight, X.T @ (dy * hidden), rtol=1e-9)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("powers_1:secnd", "'powers_1' has no output 'secnd'; did you mean 'second'?"),
        ("dense_1:output", "'dense_1' has a single output; read it as 'dense_1'"),
    ],
)
def test_unknown_output_is_named(source, message):
    add = {"type": "add", "inputs": ["powers_1", source]}
    layers = ({"type": "dense", "units": 3}, "powers", add)
    with pytest.raises(ShapeError) as caught:
        Network(network_spec(*layers))
    assert message in str(caught.value)
    assert "/layers/2/inputs/1" in str(caught.value)
    with pytest.raises(SpecError) as caught:
        Network(network_spec(*layers[:2], outputs={"y": source, "z": "powers_1"}))
    assert message in str(caught.value)
    assert "/outputs/y" in str(caught.value)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ({}, "out_shapes must be a dict of the shape of one sample of each output"),
        ({"a": [3]}, "out_shapes must be a dict of the shape of one sample of each output"),
        ({"a": (2,)}, "the first of out_shapes must be the main output"),
        ({"a:b": (3,)}, "an output cannot be called 'a:b'"),
    ],
)
def test_wrong_declaration_of_outputs_is_refused(shapes, message, monkeypatch):
    monkeypatch.setattr(Wrong, "shapes", shapes)
    with pytest.raises(PluginError, match=message):
        Network(network_spec("wrong"))


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (lambda ys: ys[0], r"forward must return \(\(first, second, mean\), cache\)"),
        (lambda ys: ys[:2], "its outputs are a tuple of 2"),
        (lambda ys: (*ys[:2], ys[0]), "the output 'mean' must be an array of shape"),
    ],
)
def test_wrong_outputs_are_refused(returned, message, monkeypatch):
    monkeypatch.setattr(Wrong, "returned", staticmethod(returned))
    with pytest.raises(PluginError, match=message):
        Network(network_spec("wrong")).predict(X)


def test_layer_that_is_not_differentiable_has_no_parameters(monkeypatch):
    monkeypatch.setattr(Powers, "differentiable", False, raising=False)
    with pytest.raises(PluginError, match="differentiable = False cannot have parameters"):
        Network(network_spec("powers"))
