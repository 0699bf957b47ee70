"""Several inputs and outputs: the weighted sum of losses, and the figures of each output."""

import json
from itertools import pairwise

import numpy as np
import pytest
from pydantic import TypeAdapter

import tinynet
from tinynet.engine import sharding
from tinynet.errors import DataError, DivergedError, ShapeError, SpecError
from tinynet.layer.context import Context
from tinynet.training.events import Evaluated, StepDone
from tinynet.training.progress import Progress

from .states import snapshot

CLASSES, SAMPLES = 3, 40

LAYERS = [
    {"type": "dense", "units": 5, "name": "a", "inputs": "input:left"},
    {"type": "dense", "units": 5, "name": "b", "inputs": "input:right"},
    {"type": "multiply", "inputs": ["a", "b"]},
    {"type": "tanh", "name": "seen"},
    {"type": "dense", "units": 3, "name": "kind", "inputs": "seen"},
    {"type": "dense", "units": 1, "name": "area", "inputs": ["seen"]},
]
WITH_DROPOUT = [
    *LAYERS[:4],
    {"type": "dropout", "rate": 0.2, "name": "drop"},
    *({**node, "inputs": "drop"} for node in LAYERS[4:]),
]
LOSSES = {
    "kind": {"type": "softmax_cross_entropy", "weight": 0.5},
    "area": {"type": "mse", "weight": 3.0},
}
SHAPES = {"left": [4], "right": [2]}


def trainer_of(outputs=("kind", "area"), layers=LAYERS, losses=LOSSES, **training):
    """Return a trainer whose step subtracts the gradients from the parameters: SGD at rate 1."""
    spec = {
        "tinynet": 1,
        "name": "several",
        "network": {
            "input_shape": SHAPES,
            "dtype": "float64",
            "layers": layers,
            "outputs": outputs,
        },
        "training": {
            "steps": 1,
            "seed": 3,
            "loss": losses,
            "optimizer": {"type": "sgd", "learning_rate": 1.0},
            **training,
        },
    }
    return tinynet.Trainer(spec)


def arrays(count=SAMPLES, seed=0):
    rng = np.random.default_rng(seed)
    left, right = rng.standard_normal((count, 4)), rng.standard_normal((count, 2))
    kind = rng.integers(CLASSES, size=count)
    return {"left": left, "right": right}, {"kind": kind, "area": left[:, :1] * right[:, :1]}


def losses_of(network, x, y):
    """Return the mean loss of each output, computed by hand."""
    outputs = network.forward(x).outputs
    heads = {head.name: head.loss for head in network.losses}
    sums = {name: heads[name].forward(Context(), outputs[name], y[name])[0] for name in heads}
    return {name: float(total) / len(x["left"]) for name, total in sums.items()}


def weighted(losses, settings=LOSSES):
    return sum(settings[name].get("weight", 1.0) * loss for name, loss in losses.items())


def gradients(trainer, x, y, weights=None):
    """Return the change of each trainable parameter in a step, and undo the step."""
    params = trainer.network.params
    before = {address: params[address].copy() for address in params}
    trainer.train_step(x, y, weights)
    grads = {}
    for address, value in before.items():
        grads[address] = value - params[address]
        params[address][...] = value
    return {address: grads[address] for address in trainer.network.trainable}


def slopes(network, x, y, settings, epsilon=1e-6):
    """Return gradients of the weighted sum by central differences."""
    by_address = {}
    for address in network.trainable:
        flat = network.params[address].reshape(-1)
        ends = np.empty((flat.size, 2))
        for index, value in enumerate(flat.copy()):
            for end, sign in enumerate((1, -1)):
                flat[index] = value + sign * epsilon
                ends[index, end] = weighted(losses_of(network, x, y), settings)
            flat[index] = value
        slope = (ends[:, 0] - ends[:, 1]) / (2 * epsilon)
        by_address[address] = slope.reshape(network.params[address].shape)
    return by_address


# Gradients ----------------------------------------------------------------------------------

MET_AGAIN = [*LAYERS, {"type": "dense", "units": 2, "name": "more", "inputs": ["kind"]}]

GRAPHS = {
    "two heads of one body": {},
    "an output that other nodes follow": {
        "layers": MET_AGAIN,
        "outputs": ["kind", "area", "more"],
        "losses": {**LOSSES, "more": {"type": "mse", "weight": 2.0}},
    },
    "two outputs of one node": {
        "outputs": {"kind": "kind", "area": "area", "again": "kind"},
        "losses": {**LOSSES, "again": {"type": "softmax_cross_entropy", "target": "kind"}},
    },
    "an output that nothing trained leads to": {"trainable": ["area/*"]},
}


@pytest.mark.parametrize("graph", GRAPHS.values(), ids=GRAPHS.keys())
def test_gradients_are_those_of_the_weighted_sum(graph):
    trainer, (x, y) = trainer_of(**graph), arrays(6)
    y["more"] = np.stack([y["area"][:, 0]] * 2, axis=1)
    grads = gradients(trainer, x, y)
    y["again"] = y["kind"]
    right = slopes(trainer.network, x, y, graph.get("losses", LOSSES))
    assert grads.keys() == right.keys() == trainer.network.trainable
    for address, gradient in right.items():
        np.testing.assert_allclose(grads[address], gradient, rtol=1e-5, atol=1e-7, err_msg=address)


def test_loss_is_the_weighted_sum_over_the_outputs():
    trainer, (x, y) = trainer_of(), arrays(6)
    losses = losses_of(trainer.network, x, y)
    assert trainer.train_step(x, y) == pytest.approx(0.5 * losses["kind"] + 3 * losses["area"])


def test_an_output_of_weight_zero_trains_nothing():
    x, y = arrays(6)
    silent = trainer_of(losses={**LOSSES, "area": {"type": "mse", "weight": 0.0}})
    grads = gradients(silent, x, y)
    assert not grads["area/weight"].any()
    assert grads["kind/weight"].any()
    kind = losses_of(silent.network, x, y)["kind"]
    assert silent.train_step(x, y) == pytest.approx(0.5 * kind)


def test_weight_of_an_only_output_scales_its_loss():
    layers = [{"type": "dense", "units": 1, "inputs": "input:left"}]
    x, y = arrays(6)
    one, three = (
        trainer_of(None, layers, {"type": "mse", "weight": weight, "target": "area"})
        for weight in (1.0, 3.0)
    )
    for address, gradient in gradients(one, x, y).items():
        np.testing.assert_allclose(gradients(three, x, y)[address], 3 * gradient)
    assert three.train_step(x, y) == pytest.approx(3 * one.train_step(x, y))


def test_sample_weights_apply_to_all_outputs():
    trainer, (x, y) = trainer_of(), arrays(6)
    weighed = gradients(trainer, x, y, np.array([2.0, 1, 1, 0, 1, 1]))
    rows = [0, 0, 1, 2, 4, 5]
    repeated = ({name: array[rows] for name, array in part.items()} for part in (x, y))
    for address, gradient in gradients(trainer, *repeated).items():
        np.testing.assert_allclose(weighed[address], gradient, rtol=1e-9, atol=1e-13)


# A run --------------------------------------------------------------------------------------


@pytest.fixture
def spec(tmp_path):
    """Write a spec with two inputs and two targets."""
    x, y = arrays(120)
    np.savez(tmp_path / "data.npz", **x, **y)
    return {
        "tinynet": 1,
        "name": "several",
        "data": {
            "type": "npz",
            "path": "data.npz",
            "inputs": {"left": "left", "right": "right"},
            "targets": {"kind": "kind", "area": "area"},
            "split": {"validation": 30, "test": 10, "stratify": True},
            "transforms": [{"type": "standardize", "on": ["left", "area"]}],
        },
        "network": {"dtype": "float64", "layers": WITH_DROPOUT, "outputs": ["kind", "area"]},
        "training": {
            "epochs": 3,
            "batch_size": 16,
            "seed": 4,
            "loss": LOSSES,
            "optimizer": {"type": "adam", "learning_rate": 0.01},
            "metrics": [{"type": "accuracy", "output": "kind"}, {"type": "r2", "output": "area"}],
            "early_stopping": {"metric": "val/area/loss", "patience": 50},
            "checkpoint": {"keep_best": {"metric": "val/kind/accuracy"}},
        },
    }


@pytest.fixture
def make(spec, tmp_path):
    """Return a trainer of it; ``changes`` replace parts of the training."""

    def make(threads=None, **changes):
        changed = {**spec, "training": {**spec["training"], **changes}}
        return tinynet.Trainer(tinynet.load_spec(changed), root=tmp_path, threads=threads)

    return make


def epochs(trainer):
    return [event for event in trainer.run() if isinstance(event, Evaluated)]


def test_figures_include_every_output_and_the_weighted_sum(make):
    first, *_, last = epochs(make())
    names = ["loss", "area/loss", "kind/loss", "kind/accuracy", "area/r2"]
    expected = [f"{split}/{name}" for split in ("train", "val") for name in names]
    assert list(first.figures) == [*expected, "learning_rate"]
    for split in ("train", "val"):
        of = {name: last.figures[f"{split}/{name}"] for name in names}
        assert of["loss"] == pytest.approx(0.5 * of["kind/loss"] + 3 * of["area/loss"])


def test_each_metric_measures_its_own_output(make):
    """Figures of one output under the name of the other would look plausible."""
    trainer = make()
    *_, done = epochs(trainer)
    data, network = trainer.data, trainer.network
    (batch,) = data.batches("val", 1000)
    predicted = network.predict(batch.inputs)
    right = predicted["kind"].argmax(axis=1) == batch.targets["kind"]
    assert done.figures["val/kind/accuracy"] == pytest.approx(right.mean())
    area = batch.targets["area"]
    error = np.square(predicted["area"] - area).sum() / np.square(area - area.mean()).sum()
    assert done.figures["val/area/r2"] == pytest.approx(1 - error, abs=1e-5)


def test_monitored_figure_may_belong_to_one_output(make):
    """A larger accuracy is better; a smaller loss is better, for any output name."""
    trainer = make(early_stopping={"metric": "val/area/loss", "patience": 1, "min_delta": 10.0})
    first, second = epochs(trainer)
    assert trainer.stopped_early
    assert first.improved
    assert second.improved == (
        second.figures["val/kind/accuracy"] > first.figures["val/kind/accuracy"]
    )
    assert trainer.progress.best_for_stopping.value == first.figures["val/area/loss"]


def resolved(trainer):
    """Return the spec as a checkpoint restores it, with sorted keys."""
    return json.loads(json.dumps(trainer.spec.resolved(), sort_keys=True))


def test_resumed_run_equals_an_uninterrupted_one(make, tmp_path):
    """Bit for bit, with the spec of the checkpoint, and with all figures."""
    trainer = make()
    moments, events = [], []
    for event in trainer.run():
        events.append(event)
        state = {name: array.copy() for name, array in trainer.state().items()}
        moments.append((state, trainer.progress.to_json()))
    ends = snapshot(trainer)
    cuts = [i for i, (a, b) in enumerate(pairwise(events), 1) if type(a) is not type(b)]
    assert any(isinstance(event, StepDone) for event in events)
    for cut in [2, *cuts]:
        fresh = tinynet.Trainer(tinynet.load_spec(resolved(trainer)), root=tmp_path)
        state, progress = moments[cut - 1]
        saved = TypeAdapter(Progress).validate_json(json.dumps(progress), strict=True)
        fresh.load_state(state, saved)
        following = list(fresh.run())
        assert following[-1] == events[-1]
        assert snapshot(fresh) == ends


def test_any_number_of_threads_gives_the_same_bits(make, monkeypatch):
    monkeypatch.setattr(sharding, "SHARD_FLOPS", 1)
    monkeypatch.setattr(sharding, "MIN_FLOPS_PER_PARAM", 0)
    monkeypatch.setattr(sharding, "MIN_SHARD", 4)
    ends = []
    for threads in (1, 2, 3, 4):
        trainer = make(threads)
        assert len(trainer.network.program.shard_slices(16, training=True)) == 4
        done = epochs(trainer)
        ends.append((snapshot(trainer), [event.figures for event in done]))
    assert ends[1:] == ends[:1] * 3


# What is wrong ------------------------------------------------------------------------------


def test_train_step_takes_targets_by_name(make):
    x, y = arrays(4)
    trainer = make()
    with pytest.raises(ShapeError, match="the outputs area, kind; pass a dict of targets"):
        trainer.train_step(x, y["kind"])
    with pytest.raises(ShapeError, match=r"are left \(4, 4\), .*y area \(3, 1\), y kind \(4,"):
        trainer.train_step(x, {**y, "area": y["area"][:3]})
    with pytest.raises(DataError, match=r"target 2 of the batch: the output 'kind': 7 is not"):
        trainer.train_step(x, {**y, "kind": np.array([0, 1, 7, 2])})
    with pytest.raises(ShapeError) as caught:
        trainer.train_step(x, {**y, "area": np.zeros((4, 2))})
    assert [problem.pointer for problem in caught.value.problems] == ["/training/loss/area"]
    assert trainer.step == 0


def test_missing_target_is_an_error_before_training(make):
    losses = {**LOSSES, "area": {"type": "mse", "target": "areas"}}
    with pytest.raises(SpecError) as caught:
        make(loss=losses).check()
    (problem,) = caught.value.problems
    assert str(problem) == (
        "/training/loss/area/target: there is no target 'areas'; did you mean 'area'?"
    )


def test_all_outputs_that_do_not_fit_are_reported(make):
    losses = {
        "kind": {"type": "mse", "target": "area"},
        "area": {"type": "softmax_cross_entropy", "target": "area"},
    }
    with pytest.raises(ShapeError) as caught:
        make(loss=losses, metrics=[], checkpoint={}).check()
    assert [problem.pointer for problem in caught.value.problems] == [
        "/training/loss/area",
        "/training/loss/kind",
    ]


def test_metric_that_does_not_fit_is_an_error_with_pointer(make):
    metrics = [{"type": "r2", "output": "area"}, {"type": "top_k_accuracy", "output": "area"}]
    with pytest.raises(ShapeError) as caught:
        make(metrics=metrics, checkpoint={})
    assert [problem.pointer for problem in caught.value.problems] == ["/training/metrics/1"]


def test_error_of_a_wrong_target_names_file_and_row(make, spec, tmp_path):
    x, y = arrays(120)
    np.savez(tmp_path / "data.npz", **x, **{**y, "kind": y["kind"] + 1})
    spec["data"]["split"] = {"validation": 30}
    with pytest.raises(ShapeError, match=r"loss/kind: the target has 4 classes \(0, 1, 2, 3\)"):
        make().check()


def test_divergence_names_the_output(make):
    trainer = make()
    x, y = arrays(4)
    trainer.network.params["area/bias"][...] = 1e200
    before = snapshot(trainer)
    with pytest.raises(
        DivergedError, match=r"all layers are finite, but the loss of 'area' is not"
    ):
        trainer.train_step(x, y)
    assert snapshot(trainer) == before


def test_patterns_of_a_spec_reach_the_optimizer(make):
    trainer = make(trainable=["*", "!a/*"])
    before = {name: array.copy() for name, array in trainer.network.params.items()}
    x, y = arrays(8)
    trainer.train_step(x, y)
    for name, array in trainer.network.params.items():
        assert np.array_equal(array, before[name]) == name.startswith("a/"), name
    assert not any(name.startswith("slots/a/") for name in trainer.state())
    with pytest.raises(SpecError, match=r"'c/.*' matches no parameter"):
        make(trainable=["c/*"])
    with pytest.raises(SpecError, match="nothing is trainable"):
        make(trainable=["a/*", "!*"]).check()
