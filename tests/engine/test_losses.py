"""Errors of losses name the loss and its plugin."""

import numpy as np
import pytest

from tinynet.engine.engine import Engine
from tinynet.engine.shard_pass import RandomKey
from tinynet.errors import DataError, PluginError
from tinynet.loss import LossConfig
from tinynet.network.network import Network

SAMPLES = 4


class Half:
    """Half the sum of squares of the outputs; tests replace its methods by wrong ones."""

    class Config(LossConfig):
        pass

    def __init__(self, config):
        pass

    def forward(self, ctx, outputs, targets):
        return np.float32((outputs * outputs).sum() / 2), outputs

    def backward(self, ctx, cache):
        return cache.copy()

    def predict(self, outputs):
        return outputs


@pytest.fixture
def engine(register):
    register("losses", "half", Half)
    network = Network({"layers": [{"type": "dense", "units": 2}]}, (3,), loss="half")
    return Engine(network.program, threads=1)


def train(engine):
    x, y = np.ones((SAMPLES, 3), np.float32), np.ones((SAMPLES, 2), np.float32)
    return engine.train(x, {"output": y}, None, RandomKey())


FAULTS = {
    "no cache": (
        "forward",
        lambda self, *args: 1.5,
        "forward must return (the sum over the samples, cache); it returned a value of type float",
    ),
    "a loss for each sample": (
        "forward",
        lambda self, ctx, outputs, targets: ((outputs**2).sum(axis=1), outputs),
        "forward must return the sum over the samples as one number; it returned an array of shape"
        " (4,)",
    ),
    "no loss": (
        "forward",
        lambda self, ctx, outputs, targets: (None, outputs),
        "forward must return the sum over the samples as one number; it returned None",
    ),
    "no gradient": (
        "backward",
        lambda self, ctx, cache: None,
        "backward must return the gradient of the outputs, of shape (4, 2); it returned None",
    ),
    "a misshapen gradient": (
        "backward",
        lambda self, ctx, cache: cache[:, 0],
        "backward must return the gradient of the outputs, of shape (4, 2); it returned an array of"
        " shape (4,)",
    ),
    "a gradient in float64": (
        "backward",
        lambda self, ctx, cache: cache.astype(np.float64),
        "the gradient of the outputs must be float32, as the network is; it is float64. Python"
        " floats keep float32; NumPy's float64 scalars (np.sqrt(2.0)) and arrays created without a"
        " dtype turn it into float64",
    ),
    "one prediction for all": (
        "predict",
        lambda self, outputs: outputs.sum(axis=0),
        "predict must return a row for each of 4 samples; it returned an array of shape (2,)",
    ),
}


@pytest.mark.parametrize(("method", "wrong", "message"), FAULTS.values(), ids=FAULTS.keys())
def test_loss_with_a_wrong_result(engine, monkeypatch, method, wrong, message):
    monkeypatch.setattr(Half, method, wrong)
    with pytest.raises(PluginError) as caught:
        train(engine)
    assert str(caught.value) == f"/training/loss: test-plugin:half (version 1.0): {message}"


def fail(monkeypatch, method, error):
    def failing(self, *args):
        raise error

    monkeypatch.setattr(Half, method, failing)


PLACE = f"{__file__}:{fail.__code__.co_firstlineno + 2}"


@pytest.mark.parametrize("method", ["forward", "backward", "predict"])
def test_error_names_the_loss_that_raised(engine, monkeypatch, method):
    fail(monkeypatch, method, KeyError("labels"))
    with pytest.raises(PluginError) as caught:
        train(engine)
    assert str(caught.value) == (
        "/training/loss: test-plugin:half (version 1.0):"
        f" {method} raised KeyError: 'labels' ({PLACE})"
    )


@pytest.mark.parametrize("error", [DataError("label 7 of 5"), MemoryError("1 TiB")], ids=repr)
def test_errors_that_are_not_the_losss_fault_pass_unchanged(engine, monkeypatch, error):
    fail(monkeypatch, "forward", error)
    with pytest.raises(type(error)) as caught:
        train(engine)
    assert caught.value is error


def test_unregistered_loss_is_named_by_its_class(monkeypatch):
    """A loss object may be passed directly, for an experiment."""

    class Unregistered(Half):
        pass

    fail(monkeypatch, "forward", ValueError("no"))
    network = Network({"layers": [{"type": "dense", "units": 2}]}, (3,), loss=Unregistered(None))
    with pytest.raises(PluginError) as caught:
        train(Engine(network.program, threads=1))
    name = f"{__name__}.{Unregistered.__qualname__}"
    assert str(caught.value) == f"/training/loss: {name}: forward raised ValueError: no ({PLACE})"


def test_loss_is_a_python_float(engine):
    """Otherwise a sum of float32 losses depends on the order of the batches."""
    assert type(train(engine).loss) is float
