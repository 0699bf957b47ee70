"""Resuming a run with another length."""

import warnings

import pytest

import tinynet
from tinynet.errors import SpecError

SPEC = {
    "tinynet": 1,
    "name": "length",
    "data": {"type": "digits", "split": {"validation": 60, "test": 1637}},
    "network": {"layers": ["flatten", {"type": "dense", "units": 10}]},
    "training": {
        "epochs": 4,
        "batch_size": 20,
        "loss": "softmax_cross_entropy",
        "optimizer": {"type": "sgd", "learning_rate": 0.1},
        "schedule": {"type": "cosine"},
        "checkpoint": {"every_steps": 1},
        "log_every_steps": 1,
    },
}


def train(path, **changes):
    return tinynet.train(SPEC, path, overrides=changes)


def rates(run):
    return {line["step"]: line["learning_rate"] for line in run.history if "loss" in line}


def test_learning_rate_jump_is_a_warning_with_both_rates(tmp_path):
    """A rate that rises again can undo the end of a schedule."""
    run = train(tmp_path / "run")
    with pytest.warns(UserWarning, match="the learning rate jumps") as caught:
        longer = tinynet.resume(run.path, overrides={"training.epochs": 6})
    logged = rates(longer)
    (text,) = [str(w.message) for w in caught]
    assert text == (
        f"the learning rate jumps from {logged[20]:.4g} to {logged[21]:.4g}, because the schedule"
        " follows the length of the run, which changes from 20 to 30 steps; to stay at the rate it"
        " had reached, add --set training.schedule=null --set"
        f" training.optimizer.learning_rate={logged[20]:.4g}"
    )
    assert logged[21] > 2 * logged[20]


def test_suggested_overrides_keep_the_rate(tmp_path):
    run = train(tmp_path / "run")
    last = float(f"{rates(run)[20]:.4g}")
    kept = {"training.schedule": None, "training.optimizer.learning_rate": last}
    longer = tinynet.resume(run.path, overrides={"training.epochs": 6, **kept})
    assert {rates(longer)[step] for step in range(21, 31)} == {last}


@pytest.mark.parametrize(
    ("changes", "overrides"),
    [
        ({"training.schedule": None}, {"training.epochs": 6}),
        ({}, {"training.epochs": 6, "training.schedule": {"type": "constant"}}),
        ({}, {"training.epochs": 6, "training.optimizer.learning_rate": 0.05}),
        (
            {"training.schedule": {"type": "step", "step_size": 8, "gamma": 0.5}},
            {"training.epochs": 6},
        ),
    ],
)
def test_constant_and_requested_rates_give_no_warning(tmp_path, changes, overrides):
    run = train(tmp_path / "run", **changes)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tinynet.resume(run.path, overrides=overrides)


@pytest.mark.parametrize(
    ("changes", "override", "message"),
    [
        (
            {},
            {"training.epochs": 3},
            "has reached step 20 after 4 complete epochs, past its new end at step 15; to train"
            " longer use --set training.epochs=5",
        ),
        (
            {"training.epochs": 1},
            {"training.epochs": None, "training.steps": 3},
            "has reached step 5 after 1 complete epoch, past its new end at step 3; to train longer"
            " use --set training.steps=6",
        ),
        (
            {"training.epochs": None, "training.steps": 7},
            {"training.epochs": 1, "training.steps": None},
            "has reached step 7, in epoch 2, past its new end at step 5; to train longer use --set"
            " training.epochs=2",
        ),
    ],
)
def test_error_for_a_length_already_passed_suggests_a_valid_one(
    tmp_path, changes, override, message
):
    """After 4 complete epochs, no step of the fifth has been made."""
    run = train(tmp_path / "run", **changes)
    with pytest.raises(SpecError) as caught:
        tinynet.resume(run.path, overrides=override)
    assert message in str(caught.value)
    key, _, value = message.rpartition("--set ")[2].partition("=")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert tinynet.resume(run.path, overrides={**override, key: int(value)}).step > run.step
