"""Errors of layers name the layer and its plugin."""

import numpy as np
import pytest

from tinynet.errors import DataError, PluginError
from tinynet.layer import LayerConfig
from tinynet.network.network import Network

WIDTH = 3
SAMPLES = 2
KEEP = (
    ". Python floats keep float32; NumPy's float64 scalars (np.sqrt(2.0)) and arrays created"
    " without a dtype turn it into float64"
)


class Scale:
    """y = x * gain; tests replace its methods by wrong ones."""

    class Config(LayerConfig):
        pass

    def __init__(self, config, in_shapes, build):
        (self.out_shape,) = in_shapes
        self.params = {"gain": build.param("gain", self.out_shape, "ones")}
        self.buffers = {"seen": build.buffer("seen", (), "zeros")}

    def forward(self, ctx, x):
        return x * self.params["gain"], x

    def backward(self, ctx, cache, dy):
        return (dy * self.params["gain"],), {"gain": (dy * cache).sum(axis=0)}

    def commit(self, cache):
        self.buffers["seen"] += 1


@pytest.fixture
def network(register):
    """A network in float32: dense_1, and gain_1 after it."""
    register("layers", "gain", Scale)
    layers = [{"type": "dense", "units": WIDTH}, {"type": "gain"}]
    return Network({"layers": layers}, (WIDTH,))


def train(network):
    x = np.ones((SAMPLES, WIDTH), np.float32)
    passing = network.forward(x, training=True)
    passing.backward(dict.fromkeys(passing.outputs, x))
    passing.commit()


def spoil(monkeypatch, method, wrong):
    """Let ``method`` return ``wrong`` of its right values."""
    right = getattr(Scale, method)
    monkeypatch.setattr(Scale, method, lambda self, *args: wrong(*right(self, *args)))


def fail(monkeypatch, method, error):
    def failing(self, *args):
        raise error

    monkeypatch.setattr(Scale, method, failing)


OUTPUTS = {
    "nothing": (lambda y, cache: None, "forward must return (output, cache); it returned None"),
    "no cache": (
        lambda y, cache: y,
        "forward must return (output, cache); it returned an array of shape (2, 3)",
    ),
    "three things": (
        lambda y, cache: (y, cache, 1),
        "forward must return (output, cache); it returned a tuple of 3",
    ),
    "no output": (
        lambda y, cache: (None, cache),
        "the output must be an array of shape (2, 3); it is None",
    ),
    "a list": (
        lambda y, cache: (y.tolist(), cache),
        "the output must be an array of shape (2, 3); it is a list of 2",
    ),
    "another shape": (
        lambda y, cache: (y[:, :2], cache),
        "the output must be an array of shape (2, 3); it is an array of shape (2, 2)",
    ),
    "float64": (
        lambda y, cache: (y * np.sqrt(2.0), cache),
        f"the output must be float32, as the network is; it is float64{KEEP}",
    ),
    "integers": (
        lambda y, cache: (y.astype(np.int32), cache),
        "the output must be float32, as the network is; it is int32",
    ),
}


@pytest.mark.parametrize(("wrong", "message"), OUTPUTS.values(), ids=OUTPUTS.keys())
def test_forward_with_a_wrong_result(network, monkeypatch, wrong, message):
    """Otherwise the next layer fails, or the network silently computes in float64."""
    spoil(monkeypatch, "forward", wrong)
    for run in (train, lambda net: net.predict(np.ones((SAMPLES, WIDTH)))):
        with pytest.raises(PluginError) as caught:
            run(network)
        assert str(caught.value) == f"/network/layers/1: gain_1 (test-plugin:gain 1.0): {message}"


GRADIENTS = {
    "nothing": (
        lambda i, p: None,
        "backward must return (gradients of the inputs, gradients of the parameters); it returned"
        " None",
    ),
    "the inputs' alone": (
        lambda i, p: i,
        "backward must return (gradients of the inputs, gradients of the parameters); it returned"
        " a tuple of 1",
    ),
    "a bare array for the inputs": (
        lambda i, p: (i[0], p),
        "backward must return the gradients of the inputs as a tuple, such as (dx,); it returned"
        " an array of shape (2, 3)",
    ),
    "too many inputs": (
        lambda i, p: ((*i, *i), p),
        "backward must return a gradient for each of 1 input(s); it returned 2",
    ),
    "none of the input": (
        lambda i, p: ((None,), p),
        "backward returned no gradient of the input 'dense_1', so no layer before it can learn; set"
        ' "trainable": false on those layers',
    ),
    "the input's misshapen": (
        lambda i, p: ((i[0].T,), p),
        "the gradient of the input 'dense_1' must be an array of shape (2, 3); it is an array of"
        " shape (3, 2)",
    ),
    "the input's in float64": (
        lambda i, p: ((i[0].astype(np.float64),), p),
        f"the gradient of the input 'dense_1' must be float32, as the network is; it is float64"
        f"{KEEP}",
    ),
    "a list for the parameters": (
        lambda i, p: (i, list(p.values())),
        "backward must return the gradients of the parameters as a dict by name; it returned a list"
        " of 1",
    ),
    "an unknown parameter": (
        lambda i, p: (i, {"gian": p["gain"]}),
        "backward returned a gradient of 'gian', which is not a parameter of the layer; did you"
        " mean 'gain'?",
    ),
    "no parameter's": (
        lambda i, p: (i, {}),
        "backward returned no gradient of the parameter 'gain'",
    ),
    "None for a parameter": (
        lambda i, p: (i, {"gain": None}),
        "backward returned no gradient of the parameter 'gain'",
    ),
    "a number for a parameter": (
        lambda i, p: (i, {"gain": 1.0}),
        "the gradient of the parameter 'gain' must be an array of shape (3,); it is a value of type"
        " float",
    ),
    "a parameter's misshapen": (
        lambda i, p: (i, {"gain": p["gain"][:2]}),
        "the gradient of the parameter 'gain' must be an array of shape (3,); it is an array of"
        " shape (2,)",
    ),
    "a parameter's in float64": (
        lambda i, p: (i, {"gain": p["gain"] * np.float64(0.5)}),
        f"the gradient of the parameter 'gain' must be float32, as the network is; it is float64"
        f"{KEEP}",
    ),
}


@pytest.mark.parametrize(("wrong", "message"), GRADIENTS.values(), ids=GRADIENTS.keys())
def test_backward_with_a_wrong_result(network, monkeypatch, wrong, message):
    """Not a KeyError or a broadcast far from the plugin at fault."""
    spoil(monkeypatch, "backward", wrong)
    with pytest.raises(PluginError) as caught:
        train(network)
    assert str(caught.value) == f"/network/layers/1: gain_1 (test-plugin:gain 1.0): {message}"


@pytest.mark.parametrize("method", ["forward", "backward", "commit"])
@pytest.mark.parametrize("kind", [ValueError, SystemExit])
def test_error_names_the_layer_that_raised(network, monkeypatch, method, kind):
    """The error has the plugin's distribution and version."""
    own = kind("operands could not be broadcast")
    fail(monkeypatch, method, own)
    with pytest.raises(PluginError) as caught:
        train(network)
    place = f"{__file__}:{fail.__code__.co_firstlineno + 2}"
    assert str(caught.value) == (
        f"/network/layers/1: gain_1 (test-plugin:gain 1.0): {method} raised {kind.__name__}:"
        f" operands could not be broadcast ({place})"
    )
    assert caught.value.__cause__ is own


@pytest.mark.parametrize("method", ["forward", "backward", "commit"])
@pytest.mark.parametrize(
    "error", [DataError("word 7 of 5"), MemoryError("1 TiB"), KeyboardInterrupt()], ids=repr
)
def test_errors_that_are_not_the_layers_fault_pass_unchanged(network, monkeypatch, method, error):
    """Memory that is full, an index out of range in the data, Ctrl-C."""
    fail(monkeypatch, method, error)
    with pytest.raises(type(error)) as caught:
        train(network)
    assert caught.value is error


def test_unneeded_gradients_are_not_checked(network, monkeypatch):
    """Layers may omit such a gradient or return any value."""
    layers = [{"type": "gain", "trainable": False}, {"type": "dense", "units": 1}]
    frozen = Network({"layers": layers}, (WIDTH,))
    spoil(monkeypatch, "backward", lambda i, p: ((None,), {"gain": None}))
    x = np.ones((SAMPLES, WIDTH), np.float32)
    passing = frozen.forward(x, training=True)
    passing.backward(dict.fromkeys(passing.outputs, np.ones((SAMPLES, 1), np.float32)))


# Layers that are built wrong ----------------------------------------------------------------


def set_attribute(name, value):
    right = Scale.__init__

    def built(self, *args):
        right(self, *args)
        setattr(self, name, value)

    return built


def build_nothing(self, *args):
    return {}["units"]


BUILT = {
    "a failing constructor": (
        build_nothing,
        "it could not be built: KeyError: 'units'"
        f" ({__file__}:{build_nothing.__code__.co_firstlineno + 1})",
    ),
    "no shape": (
        set_attribute("out_shape", None),
        "out_shape must be the shape of one sample of the output, a tuple of positive integers; it"
        " is None",
    ),
    "a shape with the batch": (
        set_attribute("out_shape", (None, 3)),
        "out_shape must be the shape of one sample of the output, a tuple of positive integers; it"
        " is (None, 3)",
    ),
    "a list of parameters": (
        set_attribute("params", [1, 2]),
        "params must be a dict of arrays by name; it is a list of 2",
    ),
    "no buffers": (
        set_attribute("buffers", None),
        "buffers must be a dict of arrays by name; it is None",
    ),
    "a parameter in float64": (
        set_attribute("params", {"gain": np.ones(3)}),
        "'gain' must be an array of float32 from build.param or build.buffer; it is float64",
    ),
    "a buffer that is a number": (
        set_attribute("buffers", {"seen": 0.0}),
        "'seen' must be an array of float32 from build.param or build.buffer; it is a"
        " value of type float",
    ),
}


@pytest.mark.parametrize(("init", "message"), BUILT.values(), ids=BUILT.keys())
def test_error_in_a_constructor_names_layer_and_pointer(register, monkeypatch, init, message):
    register("layers", "gain", Scale)
    monkeypatch.setattr(Scale, "__init__", init)
    with pytest.raises(PluginError) as caught:
        Network({"layers": [{"type": "relu"}, {"type": "gain"}]}, (WIDTH,))
    (problem,) = caught.value.problems
    assert problem.message == f"gain_1 (test-plugin:gain 1.0): {message}"
    assert problem.pointer == "/network/layers/1"


def test_buffers_without_commit_are_an_error(register, monkeypatch):
    """Otherwise they would be lost at the next resume."""
    register("layers", "gain", Scale)
    monkeypatch.delattr(Scale, "commit")
    monkeypatch.setattr(Scale, "__init__", set_attribute("buffers", {"seen": np.zeros(3)}))
    with pytest.raises(PluginError, match=r"it has buffers, but no method commit\(cache\)"):
        Network({"layers": [{"type": "gain"}]}, (WIDTH,))


class Filler:
    """An initializer; tests replace its call by a wrong one."""

    class Config(LayerConfig):
        pass

    def __init__(self, config):
        pass

    def __call__(self, rng, shape, fan_in, fan_out, dtype):
        return np.zeros(shape, dtype)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda self, *args: 1 / 0, "__call__ raised ZeroDivisionError: division by zero"),
        (
            lambda self, rng, shape, *args: np.zeros(shape[1:]),
            "__call__ must return an array of shape (3, 2); it returned an array of shape (2,)",
        ),
        (
            lambda self, rng, shape, *args: np.full(shape, None),
            "__call__ must return an array of float32; it returned object",
        ),
    ],
)
def test_error_of_an_initializer_names_the_initializer(register, monkeypatch, call, message):
    register("initializers", "filler", Filler)
    monkeypatch.setattr(Filler, "__call__", call)
    layer = {"type": "dense", "units": 2, "weight_initializer": "filler"}
    with pytest.raises(PluginError) as caught:
        Network({"layers": [layer]}, (WIDTH,))
    (problem,) = caught.value.problems
    place = f" ({__file__}:{call.__code__.co_firstlineno})" if "raised" in message else ""
    assert problem.message == f"test-plugin:filler (version 1.0): {message}{place}"
