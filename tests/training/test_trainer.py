"""One training step: gradients, weights, learning rate, and errors."""

from pathlib import Path

import numpy as np
import pytest

import tinynet
from tinynet.errors import DataError, DivergedError, ShapeError
from tinynet.layer import LayerConfig
from tinynet.training.events import Evaluated, StepDone

from .states import assert_same_state, snapshot

MODELS = Path(__file__).parents[2] / "models"


# A step -------------------------------------------------------------------------------------


def test_seed_network_gives_its_known_numbers(tmp_path):
    """models/seed_cnn.json; its data are not read."""
    trainer = tinynet.Trainer(tinynet.load_spec(MODELS / "seed_cnn.json"), root=tmp_path)
    params = trainer.network.params
    draw = np.random.RandomState(42)
    image = draw.rand(28, 28).reshape(1, 28, 28, 1)
    params["conv2d_1/weight"][...] = (draw.randn(3, 3) * 0.01)[:, :, None, None]
    params["dense_1/weight"][...] = (draw.randn(10, 169) * 0.01).T
    params["dense_1/bias"][...] = 0
    label = np.array([3])

    assert trainer.network.predict(image).argmax() == 1
    assert trainer.train_step(image, label) == pytest.approx(2.303318969736378, abs=1e-8)
    assert trainer.step == 1
    assert trainer.network.predict(image).argmax() == 3
    assert params["conv2d_1/weight"].sum() == pytest.approx(0.020652257668547676, abs=1e-8)
    assert params["dense_1/weight"].sum() == pytest.approx(0.8611940511780269, abs=1e-8)
    assert trainer.train_step(image, label) == pytest.approx(2.293480832208588, abs=1e-8)


LAYERS = [
    {"type": "conv2d", "filters": 3, "kernel_size": 3},
    {"type": "layer_norm"},
    {"type": "relu"},
    {"type": "flatten"},
    {"type": "dense", "units": 10},
]


@pytest.mark.parametrize("accumulate", [2, 4, 16])
def test_accumulated_batches_are_one_large_batch(make_trainer, accumulate):
    """The last step of the epoch has 100 % 32 samples."""
    whole = make_trainer(layers=LAYERS, batch_size=32)
    parts = make_trainer(layers=LAYERS, batch_size=32 // accumulate, accumulate=accumulate)
    assert whole.steps_per_epoch == parts.steps_per_epoch == 4
    losses = [
        [event.loss for event in trainer.run() if isinstance(event, StepDone)]
        for trainer in (whole, parts)
    ]
    np.testing.assert_allclose(*losses, rtol=1e-10)
    assert_same_state(whole, parts, rtol=1e-9, atol=1e-12)


def test_a_weight_of_two_is_the_sample_twice(make_trainer):
    """The sum is divided by the number of samples, not by the sum of weights."""
    rng = np.random.default_rng(0)
    x, y = rng.random((6, 8, 8, 1)), rng.integers(10, size=6)
    weighted, repeated = make_trainer(), make_trainer()
    loss = weighted.train_step(x, y, np.array([2, 1, 1, 0, 1, 1]))
    rows = [0, 0, 1, 2, 4, 5]
    assert repeated.train_step(x[rows], y[rows]) == pytest.approx(loss, rel=1e-12)
    for name, array in weighted.network.params.items():
        np.testing.assert_allclose(array, repeated.network.params[name], rtol=1e-12)


def test_dtype_of_weights_does_not_change_the_networks(make_trainer):
    trainer = make_trainer(network={"dtype": "float32"}, metrics=["accuracy"])
    x, y = np.random.default_rng(0).random((4, 8, 8, 1)), np.arange(4)
    trainer.train_step(x, y, np.array([1.5, 0.5, 1, 1], np.float64))
    trainer.train_step(x, y, np.array([1, 0, 1, 1]))
    state = trainer.state()
    assert {a.dtype.name for n, a in state.items() if "figures" not in n} == {"float32"}


def test_step_updates_the_running_statistics(make_trainer):
    """Evaluation uses them."""
    trainer = make_trainer(layers=[{"type": "batch_norm"}, *LAYERS])
    x = np.random.default_rng(0).random((9, 8, 8, 1))
    trainer.train_step(x, np.arange(9))
    (mean,) = trainer.network.buffers["batch_norm_1/running_mean"]
    assert mean == pytest.approx(0.1 * x.mean(), rel=1e-9)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", ["softmax_cross_entropy", "mse"])
def test_all_arrays_keep_the_networks_dtype(make_trainer, dtype, loss):
    one_hot = {"type": "one_hot", "on": "target"}
    data = {
        "type": "digits",
        "split": {"test": 1600},
        "transforms": [{"type": "scale", "factor": 0.1}, one_hot],
    }
    optimizer = {"type": "adam", "weight_decay": 0.1, "clip_norm": 0.1}
    trainer = make_trainer(
        data=data,
        layers=[{"type": "batch_norm"}, *LAYERS],
        network={"dtype": dtype},
        loss=loss,
        optimizer=optimizer,
        schedule={"type": "cosine", "warmup_steps": 2},
        class_weights="balanced",
        epochs=1,
    )
    list(trainer.run())
    state = {name: a for name, a in trainer.state().items() if not name.startswith("figures")}
    assert {array.dtype.name for array in state.values()} == {dtype}


WRONG_STEPS = {
    "too few targets": ((3, 8, 8, 1), np.arange(2), None, ShapeError, "one row for each sample"),
    "too few weights": ((3, 8, 8, 1), np.arange(3), np.ones(2), ShapeError, r"weights \(2,\)"),
    "wide weights": ((3, 8, 8, 1), np.arange(3), np.ones((3, 2)), ShapeError, r"\(samples,\)"),
    "no samples": ((0, 8, 8, 1), np.arange(0), None, ShapeError, "one row for each sample"),
    "a number": ((3, 8, 8, 1), np.array(3), None, ShapeError, r"y \(\)"),
    "images of another size": ((3, 9, 9, 1), np.arange(3), None, ShapeError, r"\(N, 8, 8, 1\)"),
    "a label out of range": ((3, 8, 8, 1), np.array([1, 10, 2]), None, DataError, "target 1 of"),
    "targets of another shape": ((3, 8, 8, 1), np.zeros((3, 7)), None, ShapeError, "softmax_cross"),
}


@pytest.mark.parametrize(
    ("shape", "y", "weights", "error", "message"), WRONG_STEPS.values(), ids=WRONG_STEPS.keys()
)
def test_wrong_arrays_are_an_error_and_change_nothing(
    make_trainer, shape, y, weights, error, message
):
    trainer = make_trainer(metrics=["accuracy"])
    before = snapshot(trainer)
    with pytest.raises(error, match=message):
        trainer.train_step(np.zeros(shape), y, weights)
    assert (snapshot(trainer), trainer.step) == (before, 0)


# Rates --------------------------------------------------------------------------------------


def test_optimizer_gets_the_scheduled_rate(make_trainer):
    cosine = {"type": "cosine", "warmup_steps": 3}
    trainer = make_trainer(schedule=cosine, optimizer={"type": "sgd", "learning_rate": 0.5})
    (weight,) = (a for name, a in trainer.network.params.items() if name.endswith("bias"))
    total = trainer.total_steps
    assert total == 14
    for step in range(total):
        expected = (step + 1) / 3 if step < 3 else (1 + np.cos(np.pi * (step - 3) / 11)) / 2
        rate = trainer.learning_rate
        assert rate == pytest.approx(0.5 * expected)
        before = weight.copy()
        x, y = np.zeros((1, 8, 8, 1)), np.array([0])
        softmax = np.exp(before) / np.exp(before).sum()
        trainer.train_step(x, y)
        np.testing.assert_allclose(before - weight, rate * (softmax - np.eye(10)[0]), atol=1e-12)


def test_the_rate_of_an_epoch_is_that_of_its_last_update(make_trainer):
    """Not that of the next update: a cosine schedule would always end with 0."""
    trainer = make_trainer(schedule={"type": "cosine"})
    last = None
    for event in trainer.run():
        if isinstance(event, StepDone):
            last = event.learning_rate
        elif isinstance(event, Evaluated):
            assert event.figures["learning_rate"] == last > 0


def test_the_gradient_of_all_parameters_together_is_clipped(make_trainer):
    limit = 0.01
    clipped = {"type": "sgd", "learning_rate": 1.0, "clip_norm": limit}
    trainer = make_trainer(layers=LAYERS, optimizer=clipped)
    before = {name: array.copy() for name, array in trainer.network.params.items()}
    trainer.train_step(np.random.default_rng(0).random((20, 8, 8, 1)), np.arange(20) % 10)
    moved = sum(np.square(before[n] - a).sum() for n, a in trainer.network.params.items())
    assert np.sqrt(moved) == pytest.approx(limit, rel=1e-9)


# Divergence ---------------------------------------------------------------------------------


class Explode:
    """y = x; returns infinity from the third pass on."""

    per_sample = True

    class Config(LayerConfig):
        pass

    def __init__(self, config, in_shapes, build):
        (self.out_shape,) = in_shapes
        self.params = {"gain": build.param("gain", (), "ones")}

    def forward(self, ctx, x):
        return (x * np.inf if ctx.step >= 2 else x * self.params["gain"]), x

    def backward(self, ctx, cache, dy):
        return (dy * self.params["gain"],), {"gain": (dy * cache).sum()}


def test_divergence_names_the_step_and_the_first_layer(make_trainer, register):
    """Nothing is changed, so the last good state can be saved or inspected."""
    register("layers", "explode", Explode)
    trainer = make_trainer(
        layers=[
            {"type": "batch_norm"},
            {"type": "dropout", "rate": 0.5},
            {"type": "flatten"},
            {"type": "explode", "name": "culprit"},
            {"type": "dense", "units": 10},
        ],
        optimizer={"type": "adam"},
        metrics=["accuracy"],
    )
    events = trainer.run()
    next(events), next(events)
    before, progress = snapshot(trainer), trainer.progress.to_json()
    with pytest.raises(DivergedError, match=r"not finite at step 3: .* output of 'culprit'"):
        next(events)
    assert snapshot(trainer) == before
    assert trainer.progress.to_json() == progress


def test_too_large_learning_rate_raises_divergence(make_trainer):
    optimizer = {"type": "sgd", "learning_rate": 3e38}
    trainer = make_trainer(network={"dtype": "float32"}, optimizer=optimizer)
    with pytest.raises(DivergedError, match="A smaller learning_rate"):
        list(trainer.run())
