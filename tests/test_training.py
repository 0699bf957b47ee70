"""The loop in memory: what a step does, how batches are weighed, when a run ends."""

from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

import tinynet
from tinynet.errors import (
    CheckpointMismatchError,
    DataError,
    DivergedError,
    ShapeError,
    SpecError,
)
from tinynet.events import EpochDone, Evaluating, StepDone
from tinynet.layer import LayerConfig
from tinynet.metric import MetricConfig

MODELS = Path(__file__).parents[1] / "models"


def make_spec(*, layers=None, data=None, network=None, **training):
    """Digits through a small dense network in float64, unless something else is said."""
    length = {} if "steps" in training else {"epochs": 2}
    return tinynet.load_spec(
        {
            "tinynet": 1,
            "name": "test",
            "data": data or {"type": "digits", "split": {"validation": 60, "test": 1637}},
            "network": {
                "dtype": "float64",
                "layers": layers or [{"type": "flatten"}, {"type": "dense", "units": 10}],
                **(network or {}),
            },
            "training": {
                **length,
                "batch_size": 16,
                "seed": 5,
                "loss": "softmax_cross_entropy",
                "optimizer": {"type": "sgd", "learning_rate": 0.001},
                **training,
            },
        }
    )


def make_trainer(*, root=None, **parts):
    return tinynet.Trainer(make_spec(**parts), root=root)


def write_csv(folder, rows, header="a,b,kind"):
    lines = [header, *(",".join(map(str, row)) for row in rows)]
    (folder / "data.csv").write_text("\n".join(lines) + "\n")
    return {"type": "csv", "path": "data.csv", "target": "kind"}


def assert_same_state(one, other, **tolerance):
    ours, theirs = one.state(), other.state()
    assert ours.keys() == theirs.keys()
    for name, array in ours.items():
        if tolerance:
            np.testing.assert_allclose(array, theirs[name], err_msg=name, **tolerance)
        else:
            np.testing.assert_array_equal(array, theirs[name], err_msg=name)


def snapshot(trainer):
    return {name: array.tobytes() for name, array in trainer.state().items()}


# A step -------------------------------------------------------------------------------------


def test_the_smallest_network_gives_the_numbers_that_were_worked_out_by_hand(tmp_path):
    """models/seed_cnn.json, in memory: its data are never read."""
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
def test_accumulated_batches_are_one_large_batch(accumulate):
    """The last step of the epoch has 100 % 32 samples, which no batch divides."""
    whole = make_trainer(layers=LAYERS, batch_size=32)
    parts = make_trainer(layers=LAYERS, batch_size=32 // accumulate, accumulate=accumulate)
    assert whole.steps_per_epoch == parts.steps_per_epoch == 4
    losses = [
        [event.loss for event in trainer.run() if isinstance(event, StepDone)]
        for trainer in (whole, parts)
    ]
    np.testing.assert_allclose(*losses, rtol=1e-10)
    assert_same_state(whole, parts, rtol=1e-9, atol=1e-12)


def test_a_weight_of_two_is_the_sample_twice():
    """The sum is divided by the number of samples, whatever they weigh."""
    rng = np.random.default_rng(0)
    x, y = rng.random((6, 8, 8, 1)), rng.integers(10, size=6)
    weighted, repeated = make_trainer(), make_trainer()
    loss = weighted.train_step(x, y, np.array([2, 1, 1, 0, 1, 1]))
    rows = [0, 0, 1, 2, 4, 5]
    assert repeated.train_step(x[rows], y[rows]) == pytest.approx(loss, rel=1e-12)
    for name, array in weighted.network.params.items():
        np.testing.assert_allclose(array, repeated.network.params[name], rtol=1e-12)


def test_weights_may_be_of_any_dtype_and_do_not_change_the_networks():
    trainer = make_trainer(network={"dtype": "float32"}, metrics=["accuracy"])
    x, y = np.random.default_rng(0).random((4, 8, 8, 1)), np.arange(4)
    trainer.train_step(x, y, np.array([1.5, 0.5, 1, 1], np.float64))
    trainer.train_step(x, y, np.array([1, 0, 1, 1]))
    state = trainer.state()
    assert {a.dtype.name for n, a in state.items() if "figures" not in n} == {"float32"}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", ["softmax_cross_entropy", "mse"])
def test_everything_stays_in_the_networks_dtype(dtype, loss):
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
    "too few targets": ((3, 8, 8, 1), np.arange(2), None, ShapeError, "a row for each sample"),
    "too few weights": ((3, 8, 8, 1), np.arange(3), np.ones(2), ShapeError, r"weights \(2,\)"),
    "no samples": ((0, 8, 8, 1), np.arange(0), None, ShapeError, "a row for each sample"),
    "a number": ((3, 8, 8, 1), np.array(3), None, ShapeError, r"y \(\)"),
    "images of another size": ((3, 9, 9, 1), np.arange(3), None, ShapeError, r"\(N, 8, 8, 1\)"),
    "a label out of range": ((3, 8, 8, 1), np.array([1, 10, 2]), None, DataError, "target 1 of"),
    "targets of another shape": ((3, 8, 8, 1), np.zeros((3, 7)), None, ShapeError, "softmax_cross"),
}


@pytest.mark.parametrize(
    ("shape", "y", "weights", "error", "message"), WRONG_STEPS.values(), ids=WRONG_STEPS.keys()
)
def test_a_step_with_wrong_arrays_is_explained_and_changes_nothing(
    shape, y, weights, error, message
):
    trainer = make_trainer(metrics=["accuracy"])
    before = snapshot(trainer)
    with pytest.raises(error, match=message):
        trainer.train_step(np.zeros(shape), y, weights)
    assert (snapshot(trainer), trainer.step) == (before, 0)


# Rates --------------------------------------------------------------------------------------


def test_the_schedule_with_its_warm_up_reaches_the_optimizer():
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


def test_the_rate_of_an_epoch_is_that_of_its_last_update():
    """Not that of the update which never comes: a cosine would always end with 0."""
    trainer = make_trainer(schedule={"type": "cosine"})
    last = None
    for event in trainer.run():
        if isinstance(event, StepDone):
            last = event.learning_rate
        elif isinstance(event, EpochDone):
            assert event.figures["learning_rate"] == last > 0


def test_the_gradient_of_all_parameters_together_is_clipped():
    limit = 0.01
    clipped = {"type": "sgd", "learning_rate": 1.0, "clip_norm": limit}
    trainer = make_trainer(layers=LAYERS, optimizer=clipped)
    before = {name: array.copy() for name, array in trainer.network.params.items()}
    trainer.train_step(np.random.default_rng(0).random((20, 8, 8, 1)), np.arange(20) % 10)
    moved = sum(np.square(before[n] - a).sum() for n, a in trainer.network.params.items())
    assert np.sqrt(moved) == pytest.approx(limit, rel=1e-9)


# Class weights ------------------------------------------------------------------------------

ROWS = [(1.0, 2.0, "x"), (2.0, 1.0, "y"), (0.5, 3.0, "y"), (0.1, 0.2, "y")] * 5
ALL = {"split": {"validation": 0, "test": 0}}
SMALL = [{"type": "dense", "units": 2}]


def weighed(folder, class_weights, transforms=()):
    data = {**write_csv(folder, ROWS), **ALL, "transforms": list(transforms)}
    trainer = make_trainer(
        root=folder, data=data, layers=SMALL, batch_size=20, steps=1, class_weights=class_weights
    )
    trainer.check()
    (first, *_) = trainer.run()
    return first.loss, trainer


def by_hand(folder, weights):
    """The same step with a weight for each sample."""
    data = {**write_csv(folder, ROWS), **ALL}
    trainer = make_trainer(root=folder, data=data, layers=SMALL, batch_size=20, steps=1)
    batch = trainer.data.batch("train", trainer.data.order(0), epoch=0)
    targets = batch.targets["target"]
    return trainer.train_step(batch.inputs, targets, np.array(weights)[targets]), trainer


@pytest.mark.parametrize(
    ("asked", "weights"),
    [
        ({"x": 3.0}, [3, 1]),
        ({"y": 0.0, "x": 0.5}, [0.5, 0]),
        ("balanced", [20 / (2 * 5), 20 / (2 * 15)]),
    ],
)
@pytest.mark.parametrize("transforms", [[], [{"type": "one_hot", "on": "target"}]])
def test_class_weights_weigh_the_samples_of_a_class(tmp_path, asked, weights, transforms):
    loss, trainer = weighed(tmp_path, asked, transforms)
    expected, twin = by_hand(tmp_path, weights)
    assert loss == pytest.approx(expected, rel=1e-12)
    for name, array in trainer.network.params.items():
        np.testing.assert_allclose(array, twin.network.params[name], rtol=1e-12, atol=1e-15)


def test_class_weights_and_sample_weights_multiply(tmp_path):
    rows = [(*row, 0.5 + (index % 3)) for index, row in enumerate(ROWS)]
    data = {**write_csv(tmp_path, rows, "a,b,kind,w"), **ALL, "weights": "w"}
    parts = {"root": tmp_path, "data": data, "layers": SMALL, "batch_size": 20, "steps": 1}
    trainer = make_trainer(**parts, class_weights={"x": 4.0})
    (first, *_) = trainer.run()
    twin = make_trainer(**parts)
    batch = twin.data.batch("train", np.arange(20))
    targets = batch.targets["target"]
    weights = batch.weights * np.where(targets == 0, 4.0, 1.0)
    assert first.loss == pytest.approx(twin.train_step(batch.inputs, targets, weights), rel=1e-12)


def test_weights_change_what_is_minimised_and_not_how_well_it_is_judged(tmp_path):
    """The training loss is weighted; validation counts every sample once."""
    split = {"split": {"validation": 8, "test": 0, "stratify": True}}
    figures = {}
    for asked in (None, {"x": 0.0, "y": 1e-9}):
        data = {**write_csv(tmp_path, ROWS), **split}
        trainer = make_trainer(
            root=tmp_path,
            data=data,
            layers=SMALL,
            epochs=1,
            metrics=["accuracy"],
            optimizer={"type": "sgd", "learning_rate": 1e-12},
            **({} if asked is None else {"class_weights": asked}),
        )
        (*_, done) = trainer.run()
        figures[asked is None] = done.figures
    assert figures[False]["train/loss"] < 1e-8 < figures[True]["train/loss"]
    for name in ("val/loss", "val/accuracy", "train/accuracy"):
        assert figures[False][name] == pytest.approx(figures[True][name], rel=1e-6)


BAD_WEIGHTS = {
    "an unknown class": ({"z": 2.0}, "kind", "'z' is no class of the data"),
    "nothing left to learn": ({"x": 0.0, "y": 0.0}, "kind", "every class would weigh 0"),
    "numbers": ("balanced", "a", "one class for each sample"),
}


@pytest.mark.parametrize(("asked", "target", "message"), BAD_WEIGHTS.values(), ids=BAD_WEIGHTS)
def test_bad_class_weights_are_found_before_training(tmp_path, asked, target, message):
    data = {**write_csv(tmp_path, ROWS), **ALL, "target": target}
    if target == "a":
        data |= {"features": ["b"], "type": "csv"}
    loss = "mse" if target == "a" else "softmax_cross_entropy"
    units = [{"type": "dense", "units": 1 if target == "a" else 2}]
    trainer = make_trainer(root=tmp_path, data=data, layers=units, loss=loss, class_weights=asked)
    with pytest.raises(SpecError, match=message) as caught:
        trainer.check()
    assert caught.value.problems[0].pointer == "/training/class_weights"


# Checks before training ---------------------------------------------------------------------


def test_a_metric_that_cannot_take_the_targets_is_found_before_training(tmp_path):
    rows = [(index, 0.5, index / 7) for index in range(20)]
    data = {**write_csv(tmp_path, rows), **ALL}
    parts = {"root": tmp_path, "data": data, "loss": "mse"}
    wide = [{"type": "dense", "units": 1}]
    trainer = make_trainer(**parts, layers=wide, metrics=["r2", "accuracy"])
    with pytest.raises(DataError, match=r"metric 'accuracy': .* is not a number from 0 to 1"):
        trainer.check()
    with pytest.raises(ShapeError, match="top_k_accuracy") as caught:
        make_trainer(**parts, layers=wide, metrics=["r2", "top_k_accuracy"])
    assert caught.value.problems[0].pointer == "/training/metrics/1"
    make_trainer(**parts, layers=wide, metrics=["mae", "r2"]).check()


def test_checking_leaves_no_trace():
    trainer, twin = make_trainer(metrics=["accuracy"]), make_trainer(metrics=["accuracy"])
    trainer.check()
    assert_same_state(trainer, twin)


def test_outputs_that_do_not_fit_the_targets_are_found_before_training():
    units = [{"type": "flatten"}, {"type": "dense", "units": 9}]
    with pytest.raises(DataError, match=r"digits, .*row .*9 is not an integer label from 0 to 8"):
        make_trainer(layers=units).check()
    with pytest.raises(ShapeError, match="softmax_cross_entropy wants outputs") as caught:
        make_trainer(layers=[{"type": "dense", "units": 10}]).check()
    assert caught.value.problems[0].pointer == "/training/loss"


def test_an_input_shape_that_is_not_the_datas_is_found_before_training():
    trainer = make_trainer(network={"input_shape": [28, 28, 1]})
    with pytest.raises(ShapeError, match=r"input has the shape \(28, 28, 1\) here") as caught:
        trainer.check()
    assert caught.value.problems[0].pointer == "/network/input_shape"
    layers = [
        {"type": "flatten", "inputs": "input:image"},
        {"type": "dense", "units": 10},
    ]
    trainer = make_trainer(layers=layers, network={"input_shape": [8, 8, 1]})
    with pytest.raises(ShapeError, match="the data have no 'input:image'; their inputs are input"):
        trainer.check()


@pytest.mark.parametrize(
    "watching",
    [{"early_stopping": {}}, {"checkpoint": {"keep_best": {"metric": "val/loss"}}}],
)
def test_a_figure_that_is_watched_needs_its_split(watching):
    data = {"type": "digits", "split": {"validation": 0}}
    with pytest.raises(DataError, match="val split is empty"):
        make_trainer(data=data, **watching).check()


def test_without_data_the_loop_says_what_is_missing():
    with pytest.raises(SpecError, match="the spec has no 'data'"):
        tinynet.Trainer(
            tinynet.load_spec(
                {
                    "tinynet": 1,
                    "name": "bare",
                    "network": {"layers": [{"type": "relu"}]},
                    "training": {"epochs": 1, "loss": "mse", "optimizer": "sgd"},
                }
            )
        )


# The loop -----------------------------------------------------------------------------------


def kinds(events):
    return [type(event).__name__ for event in events]


def test_an_epoch_is_every_batch_the_last_partial_and_then_the_evaluation():
    trainer = make_trainer(epochs=2, batch_size=32)
    events = list(trainer.run())
    epoch = ["StepDone"] * 4 + ["Evaluating"] * 2 + ["EpochDone"]
    assert kinds(events) == epoch * 2
    steps = [event for event in events if isinstance(event, StepDone)]
    assert [event.samples for event in steps] == [32, 32, 32, 4] * 2
    assert [(event.step, event.epoch, event.position) for event in steps] == [
        (i + 1, i // 4 + 1, i % 4 + 1) for i in range(8)
    ]
    last = [event for event in events if isinstance(event, Evaluating)][-1]
    assert last == Evaluating(60, 60)
    assert trainer.finished
    assert list(trainer.run()) == []


def test_figures_are_exact_over_the_epoch_and_not_means_of_batch_means():
    """Without learning, the running figures must be those of one pass over all samples."""
    trainer = make_trainer(
        epochs=1,
        batch_size=32,
        metrics=["accuracy"],
        optimizer={"type": "sgd", "learning_rate": 1e-300},
    )
    (*_, done) = trainer.run()
    for split in ("train", "val"):
        batch = trainer.data.batch(split, np.arange(trainer.data.size(split)))
        right = batch.targets["target"]
        probabilities = trainer.network.predict(batch.inputs)
        losses = -np.log(probabilities[np.arange(len(right)), right])
        assert done.figures[f"{split}/loss"] == pytest.approx(losses.mean(), rel=1e-12)
        accuracy = (probabilities.argmax(axis=1) == right).mean()
        assert done.figures[f"{split}/accuracy"] == accuracy


def test_a_dataset_smaller_than_a_batch_is_one_step(tmp_path):
    data = {**write_csv(tmp_path, ROWS[:6]), **ALL}
    trainer = make_trainer(root=tmp_path, data=data, layers=SMALL, batch_size=64, accumulate=4)
    assert trainer.steps_per_epoch == 1
    steps = [event for event in trainer.run() if isinstance(event, StepDone)]
    assert [event.samples for event in steps] == [6, 6]


def test_steps_end_in_the_middle_of_an_epoch_with_an_evaluation():
    trainer = make_trainer(steps=10, batch_size=16)
    events = list(trainer.run())
    assert trainer.steps_per_epoch == 7
    done = [event for event in events if isinstance(event, EpochDone)]
    assert [(event.step, event.epoch) for event in done] == [(7, 1), (10, 2)]
    assert (trainer.progress.epoch, trainer.progress.position) == (1, 3)
    assert trainer.finished


def test_a_run_that_is_extended_goes_on_in_the_middle_of_the_epoch():
    """As if it had been that long from the start."""
    short, long = make_trainer(steps=10), make_trainer(steps=20)
    list(short.run())
    extended = make_trainer(steps=20)
    extended.load_state(short.state(), short.progress)
    later, whole = list(extended.run()), list(long.run())
    assert_same_state(extended, long)
    assert later == whole[-len(later) :]
    assert later[0].step == 11


def test_a_run_may_be_extended_by_epochs():
    short, long = make_trainer(epochs=1), make_trainer(epochs=3)
    list(short.run())
    extended = make_trainer(epochs=3)
    extended.load_state(short.state(), short.progress)
    assert not extended.finished
    list(extended.run())
    list(long.run())
    assert_same_state(extended, long)
    assert extended.progress == long.progress


# When to stop, and which is the best --------------------------------------------------------


class Script:
    """A metric that gives, evaluation after evaluation, what the test wrote down."""

    greater_is_better = True
    values: ClassVar[list[float]] = []

    class Config(MetricConfig):
        pass

    def __init__(self, config):
        pass

    def start(self, out_shape):
        return {"seen": np.zeros((), np.int64)}

    def update(self, state, predictions, targets):
        state["seen"] += len(targets)

    def merge(self, state, other):
        state["seen"] += other["seen"]

    def result(self, state):
        return Script.values.pop(0) if int(state["seen"]) == 60 else 0.0


@pytest.fixture
def play(register, monkeypatch):
    """Run an epoch of one step for each of some figures; the trainer, and what ended each epoch."""
    register("metrics", "script", Script)

    def run(values, greater_is_better=True, **training):
        monkeypatch.setattr(Script, "greater_is_better", greater_is_better)
        monkeypatch.setattr(Script, "values", list(values))
        parts = {"epochs": len(values), "batch_size": 200, "metrics": ["script"]}
        trainer = make_trainer(**parts, **training)
        return trainer, [event for event in trainer.run() if isinstance(event, EpochDone)]

    return run


WATCHED = {"metric": "val/script"}


def test_early_stopping_ends_a_run_that_has_not_improved_for_long_enough(play):
    figures = [1, 2, 2, 1.9, 3, 2, 2.5, 3, 9, 9]
    trainer, done = play(figures, early_stopping={**WATCHED, "patience": 3})
    assert len(done) == 8
    assert trainer.finished
    assert trainer.stopped_early
    assert trainer.progress.best_for_stopping.value == 3
    assert list(trainer.run()) == [], "it stays stopped"


def test_early_stopping_with_a_longer_patience_goes_on(play):
    trainer, _ = play([3, 2, 1, 4, 5, 6], early_stopping={**WATCHED, "patience": 2})
    assert trainer.step == 3
    patient = make_trainer(
        epochs=6, batch_size=200, metrics=["script"], early_stopping={**WATCHED, "patience": 5}
    )
    patient.load_state(trainer.state(), trainer.progress)
    assert not patient.finished
    list(patient.run())
    assert patient.step == 6


def test_an_improvement_must_be_larger_than_min_delta(play):
    early = {**WATCHED, "patience": 2, "min_delta": 0.5}
    _, done = play([1, 1.4, 1.5, 9, 9], early_stopping=early)
    assert len(done) == 3, "1.5 is not more than 0.5 above 1"
    _, done = play([1, 1.6, 1.7, 2.2, 9], early_stopping=early)
    assert len(done) == 5


def test_the_best_is_by_the_metrics_own_direction_and_the_first_of_equals(play):
    best = {"checkpoint": {"keep_best": WATCHED}}
    values = [2, 1, 3, 3, float("nan"), 0.5]
    trainer, done = play(values, **best)
    assert [event.improved for event in done] == [True, False, True, False, False, False]
    assert (trainer.progress.best.value, trainer.progress.best.step) == (3, 3)
    trainer, done = play(values, greater_is_better=False, **best)
    assert [event.improved for event in done] == [True, True, False, False, False, True]


def test_of_the_loss_less_is_better():
    trainer = make_trainer(epochs=4, checkpoint={"keep_best": {"metric": "train/loss"}})
    done = [event for event in trainer.run() if isinstance(event, EpochDone)]
    losses = [event.figures["train/loss"] for event in done]
    assert losses == sorted(losses, reverse=True)
    assert [event.improved for event in done] == [True] * 4


# Divergence ---------------------------------------------------------------------------------


class Explode:
    """y = x, and infinity from the third pass on."""

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


def test_a_loss_that_is_not_finite_names_the_step_and_the_first_layer(register):
    """And nothing is changed: the last good state is still there to be saved or looked at."""
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
    with pytest.raises(DivergedError, match=r"not finite at step 3: .* that of 'culprit'"):
        next(events)
    assert snapshot(trainer) == before
    assert trainer.progress.to_json() == progress


def test_a_learning_rate_that_is_too_large_ends_as_a_divergence_and_not_as_a_warning():
    optimizer = {"type": "sgd", "learning_rate": 3e38}
    trainer = make_trainer(network={"dtype": "float32"}, optimizer=optimizer)
    with pytest.raises(DivergedError, match="A smaller learning_rate"):
        list(trainer.run())


# State --------------------------------------------------------------------------------------


def test_the_state_names_everything_the_next_step_depends_on():
    trainer = make_trainer(
        layers=[{"type": "flatten"}, {"type": "batch_norm"}, {"type": "dense", "units": 10}],
        optimizer={"type": "sgd", "momentum": 0.9},
        metrics=["accuracy", {"type": "f1", "name": "f1.macro"}],
    )
    params = {"batch_norm_1/gamma", "batch_norm_1/beta", "dense_1/weight", "dense_1/bias"}
    assert trainer.state().keys() == {
        *(f"params/{name}" for name in params),
        *(f"slots/{name}/velocity" for name in params),
        "buffers/batch_norm_1/running_mean",
        "buffers/batch_norm_1/running_var",
        "figures/seen",
        "figures/accuracy/correct",
        "figures/accuracy/count",
        *(f"figures/f1.macro/{name}" for name in ("hits", "predicted", "true")),
    }


def test_a_state_that_does_not_fit_is_refused_whole_with_every_reason():
    trainer = make_trainer(optimizer="adam", metrics=["accuracy"])
    list(trainer.run())
    state = {name: array.copy() for name, array in trainer.state().items()}
    state.pop("slots/dense_1/bias/first_moment")
    state.pop("figures/accuracy/count")
    state["params/dense_2/weight"] = np.zeros(3)
    state["params/dense_1/weight"] = np.zeros((3, 3))
    state["params/dense_1/bias"] = state["params/dense_1/bias"].astype("float32") + 7
    state["figures/recall/hits"] = np.zeros(3)
    fresh = make_trainer(optimizer="adam", metrics=["accuracy"])
    before = snapshot(fresh)
    with pytest.raises(CheckpointMismatchError) as caught:
        fresh.load_state(state, trainer.progress)
    assert str(caught.value).splitlines()[1:] == [
        "  figures/accuracy/count is missing",
        "  slots/dense_1/bias/first_moment is missing",
        "  figures/recall/hits belongs to nothing",
        "  params/dense_2/weight belongs to nothing",
        "  params/dense_1/bias is float32 (10,), and float64 (10,) here",
        "  params/dense_1/weight is float64 (3, 3), and float64 (64, 10) here",
    ]
    assert snapshot(fresh) == before
    assert fresh.step == 0


def test_a_loaded_state_is_the_trainers_own():
    """What was loaded may be a file's memory, mapped for reading only."""
    trainer = make_trainer(optimizer="adam", metrics=["accuracy"])
    list(trainer.run())
    state = {name: array.copy() for name, array in trainer.state().items()}
    for array in state.values():
        array.flags.writeable = False
    kept = {name: array.tobytes() for name, array in state.items()}
    fresh = make_trainer(optimizer="adam", metrics=["accuracy"], epochs=3)
    fresh.load_state(state, trainer.progress)
    list(fresh.run())
    assert {name: array.tobytes() for name, array in state.items()} == kept
    assert trainer.progress.step == 14
    assert fresh.progress.step == 21


def test_a_metric_whose_arrays_have_slashes_in_their_names_is_saved_and_loaded(register):
    class Slashed(Script):
        def start(self, out_shape):
            return {"a/b": np.zeros((), np.int64), "a/c/d": np.zeros(2)}

        def update(self, state, predictions, targets):
            state["a/b"] += len(targets)
            state["a/c/d"] += [1, 2]

        def result(self, state):
            return float(state["a/b"])

    Slashed.__qualname__ = "Slashed"
    globals()["Slashed"] = Slashed
    register("metrics", "slashed", Slashed)
    trainer, fresh = make_trainer(metrics=["slashed"]), make_trainer(metrics=["slashed"])
    events = trainer.run()
    next(events), next(events)
    fresh.load_state(trainer.state(), trainer.progress)
    assert fresh.state()["figures/slashed/a/b"] == 32
    assert_same_state(fresh, trainer)


# Resuming -----------------------------------------------------------------------------------


def everything():
    """A run with all that has state: dropout, batch norm, schedule, early stopping, metrics."""
    return make_trainer(
        data={
            "type": "digits",
            "split": {"validation": 40, "test": 1677, "stratify": True},
            "transforms": ["standardize"],
        },
        layers=[
            {"type": "conv2d", "filters": 3, "kernel_size": 3, "strides": 2},
            {"type": "batch_norm"},
            {"type": "relu"},
            {"type": "dropout", "rate": 0.3},
            {"type": "flatten"},
            {"type": "dense", "units": 10},
        ],
        network={"dtype": "float32"},
        epochs=6,
        batch_size=10,
        accumulate=2,
        optimizer={"type": "adam", "learning_rate": 0.05, "clip_norm": 1.0},
        schedule={"type": "cosine", "warmup_steps": 3},
        metrics=["accuracy", "f1", {"type": "top_k_accuracy", "k": 3}],
        class_weights={"3": 2.0},
        early_stopping={"metric": "val/loss", "patience": 2, "min_delta": 0.05},
        checkpoint={"keep_best": {"metric": "val/accuracy"}},
    )


def test_a_run_resumed_after_any_event_ends_as_the_one_that_was_never_stopped():
    """Every tensor, the progress, and every figure told on the way, to the last bit."""
    trainer = everything()
    moments, told = [], []
    for event in trainer.run():
        told.append(event)
        state = {name: array.copy() for name, array in trainer.state().items()}
        moments.append((state, trainer.progress.to_json()))
    assert trainer.stopped_early, "the case must cover it"
    end, progress = snapshot(trainer), trainer.progress
    for index, (state, saved) in enumerate(moments):
        resumed = everything()
        resumed.load_state(state, type(progress).from_json(saved))
        rest = list(resumed.run())
        assert snapshot(resumed) == end, f"resumed after {told[index]}"
        assert resumed.progress == progress
        again = [event for event in told[index + 1 :] if not isinstance(event, Evaluating)]
        assert [event for event in rest if not isinstance(event, Evaluating)] == again
