"""Outputs without a loss: they are predicted, and their own layers are not trained."""

import json

import numpy as np
import pytest

import tinynet
from tinynet.engine import sharding
from tinynet.errors import TinynetError
from tinynet.network.network import Network
from tinynet.training.progress import Progress

LAYERS = [
    {"type": "dense", "units": 5, "name": "body"},
    {"type": "tanh", "name": "features"},
    {"type": "dense", "units": 3, "name": "kind"},
    {"type": "dense", "units": 4, "name": "hidden", "inputs": "features"},
    {"type": "batch_norm", "name": "norm"},
    {"type": "dense", "units": 1, "name": "area"},
]
OUTPUTS = {"kind": "kind", "features": "features", "area": "area"}
TRAINED = {"body/weight", "body/bias", "kind/weight", "kind/bias"}
UNTRAINED = {"hidden", "norm", "area"}


def spec(layers=LAYERS, outputs=OUTPUTS, **training):
    return {
        "tinynet": 1,
        "name": "untrained",
        "data": {"type": "npz", "path": "data.npz", "split": {"validation": 10, "test": 10}},
        "network": {"input_shape": [4], "layers": layers, "outputs": outputs},
        "training": {
            "epochs": 2,
            "batch_size": 8,
            "loss": {"kind": "softmax_cross_entropy"},
            "optimizer": {"type": "adam", "weight_decay": 0.1},
            "metrics": ["accuracy"],
            "checkpoint": {"keep_best": {"metric": "val/accuracy"}},
            **training,
        },
    }


def arrays(count=40):
    rng = np.random.default_rng(0)
    return rng.standard_normal((count, 4)).astype(np.float32), rng.integers(3, size=count)


@pytest.fixture
def folder(tmp_path):
    x, y = arrays()
    np.savez(tmp_path / "data.npz", x=x, y=y)
    (tmp_path / "spec.json").write_text(json.dumps(spec()))
    return tmp_path


def test_parameters_without_a_loss_are_not_trained():
    """Weight decay would otherwise shrink them towards zero."""
    trainer = tinynet.Trainer(spec())
    assert trainer.network.trainable == TRAINED
    before = {name: array.copy() for name, array in trainer.state().items()}
    trainer.train_step(*arrays(8))
    for name, array in trainer.state().items():
        owner = name.split("/")[1]
        assert np.array_equal(array, before[name]) == (owner in UNTRAINED), name
    assert {n.split("/")[1] for n in before if n.startswith("slots/")} == {"body", "kind"}


def test_output_without_a_loss_does_not_change_the_others():
    plain = tinynet.Trainer(spec(LAYERS[:3], {"kind": "kind"}))
    more = tinynet.Trainer(spec())
    x, y = arrays()
    for _ in range(3):
        assert plain.train_step(x, y) == more.train_step(x, y)
    for address in TRAINED:
        np.testing.assert_array_equal(plain.network.params[address], more.network.params[address])


def test_shards_on_threads_give_the_same_bits(monkeypatch):
    monkeypatch.setattr(sharding, "SHARD_FLOPS", 1)
    monkeypatch.setattr(sharding, "MIN_FLOPS_PER_PARAM", 0)
    monkeypatch.setattr(sharding, "MIN_SHARD", 2)
    states = []
    for threads in (1, 3):
        trainer = tinynet.Trainer(spec(), threads=threads)
        assert len(trainer.network.program.shard_slices(8, training=True)) > 1
        trainer.train_step(*arrays(8))
        states.append({name: array.tobytes() for name, array in trainer.state().items()})
    assert states[0] == states[1]


def test_prediction_of_an_output_without_a_loss_is_the_output():
    losses = {"kind": "softmax_cross_entropy"}
    network = Network(spec()["network"], loss=losses)
    raw = Network(spec()["network"]).predict(arrays(6)[0])
    predicted = network.predict(arrays(6)[0])
    assert list(predicted) == ["area", "features", "kind"]
    np.testing.assert_array_equal(predicted["features"], raw["features"])
    np.testing.assert_array_equal(predicted["area"], raw["area"])
    np.testing.assert_allclose(predicted["kind"].sum(axis=1), 1, rtol=1e-6)
    assert network.forward(arrays(6)[0]).outputs.keys() == OUTPUTS.keys()


def test_backward_needs_the_gradient_of_every_output():
    """Otherwise parameters of an output would silently stay unchanged."""
    network = Network(spec()["network"], loss={"kind": "softmax_cross_entropy"})
    passing = network.forward(arrays(6)[0], training=True)
    with pytest.raises(TinynetError, match="gradient of the output"):
        passing.backward({"kind": np.ones((6, 3), np.float32)})
    ones = {name: np.ones_like(array) for name, array in passing.outputs.items()}
    assert passing.backward(ones).keys() == network.params.keys()


def test_figures_have_only_the_losses_that_exist(folder):
    run = tinynet.train(folder / "spec.json", folder / "run")
    assert {"train/loss", "train/accuracy", "val/loss", "val/accuracy"} <= run.figures.keys()
    assert not any("area" in name or "kind/" in name for name in run.figures)
    assert list(run.evaluate()) == ["loss", "accuracy"]


def test_a_run_is_resumed_exactly(folder):
    short = tinynet.train(folder / "spec.json", folder / "one", overrides={"training.epochs": 1})
    longer = tinynet.resume(short.path, overrides={"training.epochs": 2})
    whole = tinynet.train(folder / "spec.json", folder / "two")
    for address, array in whole.network.params.items():
        np.testing.assert_array_equal(longer.network.params[address], array)


def test_state_has_untrained_parameters_without_slots():
    trainer = tinynet.Trainer(spec())
    trainer.train_step(*arrays(8))
    fresh = tinynet.Trainer(spec(), threads=1)
    fresh.network.params["area/weight"][...] = 0
    fresh.load_state(trainer.state(), Progress(step=1))
    np.testing.assert_array_equal(
        fresh.network.params["area/weight"], trainer.network.params["area/weight"]
    )


def test_metric_measures_an_output_with_loss_weight_zero():
    """The error for a metric of an output without a loss suggests this."""
    x, _ = arrays(8)
    trainer = tinynet.Trainer(
        spec(
            loss={"kind": "softmax_cross_entropy", "area": {"type": "mse", "weight": 0}},
            metrics=[{"type": "mae", "output": "area"}],
            checkpoint={},
        )
    )
    trainer.train_step(x, {"kind": arrays(8)[1], "area": np.zeros((8, 1), np.float32)})
    assert trainer.network.trainable == {
        *TRAINED, "hidden/weight", "hidden/bias", "norm/gamma", "norm/beta", "area/weight",
        "area/bias",
    }  # fmt: skip


def test_nothing_is_trainable_if_no_loss_depends_on_parameters(folder):
    layers = [{"type": "relu", "name": "kind"}, {"type": "dense", "units": 2, "name": "features"}]
    wrong = spec(layers, {"kind": "kind", "features": "features"})
    with pytest.raises(TinynetError, match="nothing is trainable: no loss depends on"):
        tinynet.Trainer(tinynet.load_spec(wrong), root=folder).check()
