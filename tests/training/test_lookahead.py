"""Lookahead in training: the parameters it has, its state, and resumed runs."""

import json

import numpy as np
import pytest

import tinynet
from tinynet.commands.verify_resume import verify_exact_resume
from tinynet.errors import CheckpointMismatchError

LOOKAHEAD = {"every_steps": 3, "fraction": 0.4}
LAYERS = ["flatten", {"type": "dense", "units": 6}, "batch_norm", {"type": "dense", "units": 10}]


@pytest.fixture
def spec():
    return {
        "tinynet": 1,
        "name": "slow",
        "data": {"type": "digits", "split": {"validation": 60, "test": 1637}},
        "network": {"layers": LAYERS},
        "training": {
            "steps": 8,
            "batch_size": 16,
            "loss": "softmax_cross_entropy",
            "optimizer": {"type": "adam", "groups": [{"params": "*/bias", "rate_factor": 0.5}]},
            "lookahead": LOOKAHEAD,
            "checkpoint": {"every_steps": 2},
        },
    }


def take_steps(trainer, count):
    """Return copies of the parameters after each of some steps."""
    draw, history = np.random.default_rng(0), []
    for _ in range(count):
        trainer.train_step(draw.random((16, 8, 8, 1)), draw.integers(0, 10, 16))
        history.append({name: array.copy() for name, array in trainer.network.params.items()})
    return history


def slow_weights(trainer):
    start = "lookahead/params/"
    state = trainer.state().items()
    return {name.removeprefix(start): a for name, a in state if name.startswith(start)}


def test_only_trained_parameters_have_slow_weights(make_trainer):
    trainer = make_trainer(layers=LAYERS, lookahead=LOOKAHEAD, trainable=["*", "!dense_1/*"])
    assert slow_weights(trainer).keys() == trainer.network.trainable
    frozen = trainer.network.params["dense_1/weight"].copy()
    take_steps(trainer, 3)
    np.testing.assert_array_equal(trainer.network.params["dense_1/weight"], frozen)


def test_weights_return_to_the_slow_ones(make_trainer):
    trainer, plain = make_trainer(layers=LAYERS, lookahead=LOOKAHEAD), make_trainer(layers=LAYERS)
    start = {name: array.copy() for name, array in plain.network.params.items()}
    (*fast, last), expected = take_steps(trainer, 3), take_steps(plain, 3)
    for name, array in last.items():
        np.testing.assert_array_equal(fast[-1][name], expected[1][name])
        right = start[name] + 0.4 * (expected[2][name] - start[name])
        np.testing.assert_allclose(array, right, rtol=1e-12, atol=1e-15)
        np.testing.assert_array_equal(slow_weights(trainer)[name], array)


def test_fraction_of_one_changes_no_bit(make_trainer):
    lookahead = {"every_steps": 2, "fraction": 1.0}
    trainers = make_trainer(layers=LAYERS, lookahead=lookahead), make_trainer(layers=LAYERS)
    found, expected = (take_steps(trainer, 5)[-1] for trainer in trainers)
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)


def test_constraints_hold_after_it_for_both_copies(make_trainer):
    """The mean of two columns of norm 1 is shorter."""
    optimizer = {"type": "sgd", "learning_rate": 0.5}
    constraints = [{"params": "dense_2/weight", "type": "unit_norm"}]
    parts = {"lookahead": LOOKAHEAD, "optimizer": optimizer, "constraints": constraints}
    trainer = make_trainer(layers=LAYERS, **parts)
    for params in take_steps(trainer, 6)[1:]:
        norms = np.linalg.norm(params["dense_2/weight"], axis=0)
        np.testing.assert_allclose(norms, 1, rtol=1e-12)
    slow, param = slow_weights(trainer)["dense_2/weight"], params["dense_2/weight"]
    np.testing.assert_array_equal(slow, param)


def test_average_is_that_of_the_weights_after_it(make_trainer):
    average = {"type": "swa", "start_step": 2}
    trainer = make_trainer(layers=LAYERS, lookahead=LOOKAHEAD, average=average)
    history = take_steps(trainer, 4)
    for name, array in trainer.evaluated_network.params.items():
        expected = np.mean([params[name] for params in history[1:]], axis=0)
        np.testing.assert_allclose(array, expected, rtol=1e-12, atol=1e-15)


def test_a_killed_run_resumes_exactly(spec, tmp_path):
    spec["training"] |= {"average": {"type": "ema"}, "constraints": ["max_norm"]}
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(spec), encoding="utf-8")
    assert verify_exact_resume(path, tmp_path / "runs", kills=1).exact


@pytest.mark.parametrize(
    "change", [{"training.lookahead.fraction": 0.5}, {"training.lookahead": {}}]
)
def test_it_cannot_change_on_resuming(spec, tmp_path, change):
    if change == {"training.lookahead": {}}:
        del spec["training"]["lookahead"]
    run = tinynet.train(spec, tmp_path / "run")
    with pytest.raises(CheckpointMismatchError, match="/training/lookahead"):
        tinynet.resume(run.path, overrides={"training.steps": 9, **change}, allow_reset=True)


def test_slow_weights_start_again_with_the_optimizer(spec, tmp_path):
    """The trained parameters may be others than before."""
    run = tinynet.train(spec, tmp_path / "run")
    before = run.network.params["dense_1/bias"].copy()
    changes = {"training.steps": 9, "training.trainable": ["dense_1/*"]}
    changes["training.optimizer.learning_rate"] = 1e-30
    with pytest.warns(UserWarning, match="the changes reset the optimizer's state"):
        resumed = tinynet.resume(run.path, overrides=changes, allow_reset=True)
    np.testing.assert_array_equal(resumed.network.params["dense_1/bias"], before)


def test_fine_tuning_starts_from_the_loaded_weights(spec, tmp_path):
    run = tinynet.train(spec, tmp_path / "run")
    before = run.network.params["dense_1/weight"].copy()
    spec["training"] |= {"optimizer": {"type": "sgd", "learning_rate": 1e-30}, "steps": 3}
    tuned = tinynet.train(spec, tmp_path / "tuned", source=run.checkpoints[-1])
    np.testing.assert_array_equal(tuned.network.params["dense_1/weight"], before)
