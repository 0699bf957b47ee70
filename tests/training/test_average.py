"""Averages of the weights: their values, what evaluations use, and their state."""

import json

import numpy as np
import pytest

import tinynet
from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.commands.exchange import export_weights
from tinynet.commands.verify_resume import verify_exact_resume
from tinynet.errors import CheckpointMismatchError, SpecError
from tinynet.training.events import Evaluated, Evaluating
from tinynet.training.trainer import Trainer

EMA = {"type": "ema", "decay": 0.8}
SWA = {"type": "swa", "start_step": 3, "every_steps": 2}
LAYERS = ["flatten", "batch_norm", {"type": "dense", "units": 10}]


@pytest.fixture
def spec():
    return {
        "tinynet": 1,
        "name": "averaged",
        "data": {"type": "digits", "split": {"validation": 60, "test": 1637}},
        "network": {"layers": LAYERS},
        "training": {
            "steps": 8,
            "batch_size": 16,
            "evaluate_every_steps": 4,
            "loss": "softmax_cross_entropy",
            "optimizer": "adam",
            "average": EMA,
            "checkpoint": {"every_steps": 2, "keep_best": {"metric": "val/loss"}},
        },
    }


def weights_after_steps(trainer, steps):
    """Return copies of the trained weights after each of some steps, by name."""
    draw, history = np.random.default_rng(0), []
    for _ in range(steps):
        trainer.train_step(draw.random((16, 8, 8, 1)), draw.integers(0, 10, 16))
        history.append(
            {n: a.copy() for n, a in trainer.state().items() if n.startswith(("params", "buffers"))}
        )
    return history


def averages(trainer):
    return {n[8:]: a for n, a in trainer.state().items() if n.startswith("average/")}


def test_ema_starts_with_the_first_update_and_decays(make_trainer):
    trainer = make_trainer(layers=LAYERS, average=EMA)
    history = weights_after_steps(trainer, 6)
    assert averages(trainer).keys() == history[0].keys()
    for name, array in averages(trainer).items():
        expected = history[0][name]
        for weights in history[1:]:
            expected = 0.8 * expected + 0.2 * weights[name]
        np.testing.assert_allclose(array, expected, rtol=1e-12, atol=1e-15, err_msg=name)


def test_swa_is_the_mean_of_every_second_step_from_its_start(make_trainer):
    trainer = make_trainer(layers=LAYERS, average=SWA)
    history = weights_after_steps(trainer, 8)
    for name, array in averages(trainer).items():
        expected = np.mean([history[step - 1][name] for step in (3, 5, 7)], axis=0)
        np.testing.assert_allclose(array, expected, rtol=1e-12, atol=1e-15, err_msg=name)


def test_before_its_start_swa_has_the_weights_themselves(make_trainer):
    trainer = make_trainer(layers=LAYERS, average=SWA)
    last = weights_after_steps(trainer, 2)[-1]
    for name, array in averages(trainer).items():
        np.testing.assert_array_equal(array, last[name], err_msg=name)


@pytest.mark.parametrize("average", [EMA, SWA])
def test_training_itself_is_the_same_with_an_average(make_trainer, average):
    plain, averaged = make_trainer(layers=LAYERS), make_trainer(layers=LAYERS, average=average)
    expected, found = (weights_after_steps(one, 5)[-1] for one in (plain, averaged))
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)


def test_validation_uses_the_average(make_trainer):
    trainer = make_trainer(layers=LAYERS, average=EMA)
    event = next(e for e in trainer.run() if isinstance(e, Evaluated))
    batch = next(iter(trainer.data.batches("val", 60)))
    losses = {}
    for network in (trainer.network, trainer.evaluated_network):
        rows = np.arange(60), batch.targets["target"]
        losses[network] = -np.log(network.predict(batch.inputs)[rows]).mean()
    assert event.figures["val/loss"] == pytest.approx(losses[trainer.evaluated_network], rel=1e-9)
    assert event.figures["val/loss"] != pytest.approx(losses[trainer.network], rel=1e-6)


def test_state_within_an_evaluation_has_the_trained_weights(make_trainer):
    trainer = make_trainer(layers=LAYERS, average=EMA)
    before = {}
    for event in trainer.run():
        state = {name: array.tobytes() for name, array in trainer.state().items()}
        if isinstance(event, Evaluating):
            assert state == before
            break
        before = state
    else:
        pytest.fail("no evaluation")


def test_model_export_and_evaluation_use_the_average(spec, tmp_path):
    run = tinynet.train(spec, tmp_path / "run")
    last = Checkpoint.read(run.checkpoints[-1])
    network = tinynet.load_model(run.path, "last").network
    export_weights(run.path, tmp_path / "weights.npz", checkpoint="last")
    with np.load(tmp_path / "weights.npz") as file:
        exported = dict(file)
    for address, array in network.params.items():
        average = last.tensors[f"average/params/{address}"]
        np.testing.assert_array_equal(array, average, err_msg=address)
        np.testing.assert_array_equal(exported[address], average, err_msg=address)
        np.testing.assert_array_equal(run.network.params[address], average, err_msg=address)
        assert not np.array_equal(last.tensors[f"params/{address}"], average)
    measured = run.evaluate("val", checkpoint="last")["loss"]
    assert measured == pytest.approx(run.figures["val/loss"], rel=1e-6)


def test_fine_tuning_starts_from_the_average(spec, tmp_path):
    run = tinynet.train(spec, tmp_path / "run")
    source = Checkpoint.read(run.checkpoints[-1])
    spec["training"]["optimizer"] = {"type": "sgd", "learning_rate": 1e-30}
    tuned = tinynet.train(spec, tmp_path / "tuned", source=run.checkpoints[-1])
    state = Checkpoint.read(tuned.checkpoints[-1]).tensors
    for address in run.network.params:
        average = source.tensors[f"average/params/{address}"]
        for group in ("params", "average/params"):
            np.testing.assert_allclose(state[f"{group}/{address}"], average, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("average", [EMA, SWA])
def test_a_killed_run_resumes_exactly(spec, tmp_path, average):
    spec["training"] |= {"average": average, "log_every_steps": 2}
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(spec), encoding="utf-8")
    assert verify_exact_resume(path, tmp_path / "runs", kills=1).exact


def test_any_number_of_threads_gives_the_same_averages(spec):
    found = []
    for threads in (1, 2, 4):
        trainer = Trainer(spec, threads=threads)
        list(trainer.run())
        found.append({name: array.tobytes() for name, array in trainer.state().items()})
    assert found[0] == found[1] == found[2]


def test_an_average_cannot_change_on_resuming(spec, tmp_path):
    run = tinynet.train(spec, tmp_path / "run")
    changes = {"training.steps": 12, "training.average.decay": 0.5}
    with pytest.raises(CheckpointMismatchError, match="/training/average/decay"):
        tinynet.resume(run.path, overrides=changes, allow_reset=True)
    tinynet.resume(run.path, overrides={"training.steps": 10})


@pytest.mark.parametrize(
    ("average", "message"),
    [
        ({"type": "emma"}, "ema"),
        ({"type": "ema", "decay": 1}, "less than 1"),
        ({"type": "swa"}, "start_step"),
        ({"type": "swa", "start_step": 3, "decay": 0.9}, "decay"),
    ],
)
def test_wrong_averages_are_errors(spec, average, message):
    spec["training"]["average"] = average
    with pytest.raises(SpecError, match=message):
        tinynet.load_spec(spec)
