"""Parametrized parameters in training: their arrays, state, freezing and wrong specs."""

import copy
import pickle

import numpy as np
import pytest

import tinynet
from tinynet.builtin.layers.dense import Dense
from tinynet.builtin.parametrizations import SpectralNorm, WeightNorm
from tinynet.commands.summary import summarize
from tinynet.errors import PluginError, ShapeError, SpecError
from tinynet.network.network import Network
from tinynet.parametrization import ParametrizationConfig

LAYERS = [
    {"type": "conv2d", "filters": 2, "kernel_size": 3},
    {"type": "relu"},
    {"type": "flatten"},
    {"type": "dense", "units": 10},
]
BOTH = [
    {"type": "weight_norm", "params": "conv2d_1/weight"},
    {"type": "spectral_norm", "params": "dense_1/weight"},
]
EMA = {"type": "ema", "decay": 0.5}
X, Y = np.random.default_rng(3).random((16, 8, 8, 1)), np.arange(16) % 10


def network(parametrizations=BOTH, layers=LAYERS, **kwargs):
    spec = {"input_shape": [8, 8, 1], "dtype": "float64", "layers": layers}
    return Network({**spec, "parametrizations": parametrizations}, **kwargs)


@pytest.fixture
def trainer_of(make_trainer):
    """A trainer of both parametrizations."""

    def make(parametrizations=BOTH, layers=LAYERS, **training):
        return make_trainer(
            layers=layers, network={"parametrizations": parametrizations}, **training
        )

    return make


def test_arrays_take_the_place_of_the_weight():
    net, plain = network(), network(None)
    assert list(net.params) == [
        "conv2d_1/weight_g", "conv2d_1/weight_v", "conv2d_1/bias", "dense_1/weight", "dense_1/bias"
    ]  # fmt: skip
    assert list(net.buffers) == ["dense_1/weight_u", "dense_1/weight_v"]
    assert net.trainable == net.params.keys()
    weight = net.nodes["conv2d_1"].layer.params["weight"]
    np.testing.assert_allclose(weight, plain.params["conv2d_1/weight"], rtol=1e-14)
    stored = net.params["dense_1/weight"]
    np.testing.assert_array_equal(stored, plain.params["dense_1/weight"])
    assert np.linalg.norm(net.nodes["dense_1"].layer.params["weight"], 2) == pytest.approx(1, 0.05)


def test_dry_networks_and_limits_count_the_arrays():
    dry, net = network(dry=True), network()
    for name, array in {**net.params, **net.buffers}.items():
        assert {**dry.params, **dry.buffers}[name].shape == array.shape
    total = sum(a.size for a in (*net.params.values(), *net.buffers.values()))
    weights = sum(node.layer.params.get("weight", X[0, 0]).size for node in net.nodes.values())
    with pytest.raises(SpecError, match="dense_1/weight_v"):
        network(max_params=total + weights - 17)


@pytest.mark.parametrize("key", ["regularizers", "constraints"])
def test_entry_for_weights_that_are_all_parametrized_names_their_arrays(trainer_of, key):
    type_ = {"regularizers": "l2", "constraints": "unit_norm"}[key]
    entry = {"type": type_}
    with pytest.raises(SpecError, match=r'"params": \["\*/weight_v"\]; the names are bias, '):
        trainer_of([{"type": "weight_norm"}], **{key: [entry]})
    trainer_of([{"type": "weight_norm"}], **{key: [{**entry, "params": ["*/weight_v"]}]})


def test_weights_set_by_hand_are_used_after_refresh():
    net, other = network(), network(seed=9)
    for name, array in {**net.params, **net.buffers}.items():
        array[...] = {**other.params, **other.buffers}[name]
    assert not np.allclose(net.predict(X), other.predict(X))
    net.refresh()
    np.testing.assert_array_equal(net.predict(X), other.predict(X))


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_copies_have_arrays_of_their_own(copied):
    net = network()
    net.params["conv2d_1/weight_g"][...] *= 2
    net.refresh()
    again = copied(net)
    np.testing.assert_array_equal(again.predict(X), net.predict(X))
    assert not np.shares_memory(
        again.params["dense_1/weight"], again.nodes["dense_1"].layer.params["weight"]
    )


@pytest.mark.parametrize("average", [None, EMA])
def test_loaded_state_continues_with_the_same_bits(trainer_of, average):
    trainer, again = (trainer_of(average=average, accumulate=2) for _ in range(2))
    for _ in range(3):
        trainer.train_step(X, Y)
    again.load_state({n: a.copy() for n, a in trainer.state().items()}, trainer.progress)
    ours, theirs = (trained.evaluated_network.predict(X) for trained in (trainer, again))
    np.testing.assert_array_equal(ours, theirs)
    assert trainer.train_step(X, Y) == again.train_step(X, Y)
    for name, array in trainer.state().items():
        assert again.state()[name].tobytes() == array.tobytes(), name


def test_threads_do_not_change_bits(trainer_of):
    one = trainer_of()
    three = tinynet.Trainer(one.spec, threads=3)
    for _ in range(3):
        assert one.train_step(X, Y) == three.train_step(X, Y)
    for name, array in one.state().items():
        assert three.state()[name].tobytes() == array.tobytes(), name


def test_average_computes_the_weight_from_averaged_arrays(trainer_of):
    trainer = trainer_of(average=EMA)
    history = []
    for _ in range(3):
        trainer.train_step(X, Y)
        history.append({n: a.copy() for n, a in trainer.network.params.items()})
    averaged = trainer.evaluated_network
    for name, array in averaged.params.items():
        first, second, third = (weights[name] for weights in history)
        np.testing.assert_allclose(array, (first + second) / 4 + third / 2, rtol=1e-12)
    g, v = (averaged.params[f"conv2d_1/weight_{name}"] for name in "gv")
    weight = averaged.nodes["conv2d_1"].layer.params["weight"]
    norms = np.sqrt(np.square(v).sum(axis=(0, 1, 2)))
    np.testing.assert_allclose(weight, g * v / norms, rtol=1e-12)
    for name in "uv":
        assert np.linalg.norm(averaged.buffers[f"dense_1/weight_{name}"]) == pytest.approx(1)


def test_one_of_the_arrays_can_be_frozen(trainer_of):
    trainer = trainer_of(trainable=["*", "!*/weight_g", "!dense_1/*"])
    net = trainer.network
    assert net.trainable == {"conv2d_1/weight_v", "conv2d_1/bias"}
    before = {n: a.copy() for n, a in trainer.state().items()}
    layer = net.nodes["dense_1"].layer.params["weight"].copy()
    trainer.train_step(X, Y)
    changed = {n for n, a in trainer.state().items() if not np.array_equal(before[n], a)}
    assert changed - {"figures/seen"} == {"params/conv2d_1/weight_v", "params/conv2d_1/bias"}
    np.testing.assert_array_equal(net.nodes["dense_1"].layer.params["weight"], layer)


def test_tied_and_shared_weights_are_those_of_the_owner(trainer_of):
    layers = [
        {"type": "flatten"},
        {"type": "dense", "units": 64, "name": "a"},
        {"type": "dense", "units": 64, "name": "b", "shares": {"weight": "a/weight.T"}},
        {"shares": "a"},
        {"type": "dense", "units": 10},
    ]
    trainer = trainer_of([{"type": "weight_norm", "params": "a/weight"}], layers)
    nodes = trainer.network.nodes
    trainer.check()
    trainer.train_step(X, Y)
    g, v = (trainer.network.params[f"a/weight_{name}"] for name in "gv")
    expected = g * v / np.linalg.norm(v, axis=0)
    np.testing.assert_allclose(nodes["a"].layer.params["weight"], expected, rtol=1e-12)
    np.testing.assert_array_equal(
        nodes["b"].layer.params["weight"], nodes["a"].layer.params["weight"].T
    )


def test_regularizers_and_constraints_apply_to_the_trained_arrays(trainer_of):
    trainer = trainer_of(
        optimizer={"type": "sgd", "learning_rate": 1e-9},
        regularizers=[{"type": "l2", "params": "*/weight_v", "factor": 0.5}],
        constraints=[{"type": "non_negative", "params": "*/weight_g"}],
    )
    trainer.check()
    trainer.network.params["conv2d_1/weight_g"][0] = -1
    trainer.train_step(X, Y)
    assert trainer.network.params["conv2d_1/weight_g"][0] == 0
    assert not trainer.network.nodes["conv2d_1"].layer.params["weight"][..., 0].any()


WRONG = {
    "pattern": ([{"type": "weight_norm", "params": "x/*"}], "0/params/0: 'x/*' matches no"),
    "twice": (
        ["weight_norm", {"type": "spectral_norm", "params": "dense_1/weight"}],
        "/network/parametrizations/1: already parametrized: 'dense_1/weight' (by"
        " /network/parametrizations/0)",
    ),
    "vector": ([{"type": "weight_norm", "params": "*/bias"}], "'conv2d_1/bias': it needs a"),
    "axis": ([{"type": "spectral_norm", "axis": 3}], "'dense_1/weight': axis [3] does not exist"),
    "endless": (
        [{"type": "spectral_norm", "power_iterations": 10**12}],
        "power_iterations: must be at least 1 and at most 10000, not 1000000000000",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_parametrizations_are_refused(case):
    parametrizations, message = WRONG[case]
    for dry in (False, True):
        with pytest.raises((SpecError, ShapeError)) as refused:
            network(parametrizations, dry=dry)
        assert message in str(refused.value)


@pytest.mark.parametrize("cls", [WeightNorm, SpectralNorm])
def test_several_axes_of_units_are_as_one(cls):
    """The filters of a depthwise convolution, (..., channels, multiplier)."""
    several, one = (cls(cls.Config(axis=axis)) for axis in ([-1, 2], -1))
    value, d_value = np.random.default_rng(3).normal(size=(2, 3, 3, 4, 2))

    def results(norm, reshape):
        params = norm.params_of(reshape(value))
        buffers = {}
        if cls is SpectralNorm:
            buffers = norm.initial_buffers(params, np.random.default_rng(0))
        gradients = norm.gradients(params, buffers, reshape(d_value))
        arrays = [norm.value(params, buffers), *gradients.values(), *buffers.values()]
        return [array.ravel() for array in arrays]

    expected = results(one, lambda array: array.reshape(3, 3, 8))
    for ours, theirs in zip(results(several, lambda array: array), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_axes_leave_one_for_the_numbers_of_a_unit():
    norm = WeightNorm(WeightNorm.Config(axis=[0, 1]))
    with pytest.raises(ShapeError, match="names every axis"):
        norm.shapes((3, 4))


def test_zeros_have_no_direction():
    layers = [{"type": "flatten"}, {"type": "dense", "units": 2, "weight_initializer": "zeros"}]
    for kind in ("weight_norm", "spectral_norm"):
        with pytest.raises(SpecError, match="'dense_1/weight': the initial weights"):
            network([kind], layers)


class Doubled:
    """A parameter as twice an array."""

    class Config(ParametrizationConfig):
        """Options."""

        suffix: str = ""
        fault: str = ""

    def __init__(self, config):
        self.config = config

    def shapes(self, shape):
        return {self.config.suffix: shape}

    def params_of(self, value):
        return {self.config.suffix: value / 2}

    def value(self, params, buffers):
        value = 2 * params[self.config.suffix]
        return value[:1] if self.config.fault == "value" else value

    def gradients(self, params, buffers, d_value):
        return {} if self.config.fault == "gradients" else {self.config.suffix: 2 * d_value}


class TwoWeights(Dense):
    """A dense layer with another parameter."""

    def __init__(self, config, in_shapes, build):
        super().__init__(config, in_shapes, build)
        self.params = {**self.params, "weight_half": build.param("weight_half", (1,), "zeros")}


def test_address_of_another_array_is_refused(register):
    register("parametrizations", "doubled", Doubled)
    register("layers", "two_weights", TwoWeights)
    doubled = [{"type": "doubled", "suffix": "half", "params": "*/weight"}]
    layers = [{"type": "flatten"}, {"type": "dense", "units": 2}]
    assert list(network(doubled, layers).params) == ["dense_1/weight_half", "dense_1/bias"]
    layers[1] = {**layers[1], "type": "two_weights"}
    with pytest.raises(SpecError, match="already has an array 'two_weights_1/weight_half'"):
        network(doubled, layers)


@pytest.mark.parametrize("fault", ["value", "gradients"])
def test_wrong_arrays_of_a_plugin_are_reported(register, trainer_of, fault):
    register("parametrizations", "doubled", Doubled)
    with pytest.raises(PluginError, match=f"test-plugin:doubled .*{fault} must return"):
        trainer_of([{"type": "doubled", "fault": fault}]).check()


def test_regularizer_of_a_node_with_parametrized_weights_is_refused(trainer_of):
    layers = [{**LAYERS[0], "regularizer": "l2"}, *LAYERS[1:]]
    with pytest.raises(SpecError, match="instead: conv2d_1/weight_g, conv2d_1/weight_v"):
        trainer_of(layers=layers)


def test_mistakes_have_line_and_column(tmp_path):
    path = tmp_path / "spec.json"
    path.write_text(
        """{"tinynet": 1, "name": "x", "network": {"input_shape": [4], "layers": [
            {"type": "dense", "units": 2}],
          "parametrizations": [
            {"type": "weight_norm", "params": "dense_2/*"}]},
          "training": {"steps": 1, "loss": "mse", "optimizer": "sgd"}}"""
    )
    with pytest.raises(SpecError, match="4:47: /network/parametrizations/0/params: 'dense_2"):
        summarize(path)
    counted = summarize(path, overrides={"network.parametrizations.0.params": "dense_1/weight"})
    assert (counted.params, counted.trainable_params, counted.rows[0].params) == (12, 12, 12)
