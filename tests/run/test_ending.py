"""Attributes of a finished run: the stop reason and the best evaluation."""

import pytest

import tinynet
from tests.small_spec import HUNDRED, small_spec
from tinynet.training.events import BestEvaluation

SGD = {"type": "sgd", "learning_rate": 0.001}
SPEC = small_spec("ending", data=HUNDRED, epochs=4, batch_size=50, optimizer=SGD)
NEVER_BETTER = {"metric": "val/loss", "patience": 2, "min_delta": 1e9}


def train(tmp_path, **training):
    spec = {**SPEC, "training": {**SPEC["training"], **training}}
    if "steps" in training:
        del spec["training"]["epochs"]
    return tinynet.train(spec, tmp_path / "run")


@pytest.mark.parametrize(
    ("training", "reason", "step"),
    [
        ({}, "epochs", 8),
        ({"steps": 3}, "steps", 3),
        ({"early_stopping": NEVER_BETTER}, "early_stopping", 6),
        ({"early_stopping": {**NEVER_BETTER, "patience": 3}}, "epochs", 8),
    ],
)
def test_stop_reason(tmp_path, training, reason, step):
    run = train(tmp_path, **training)
    assert (run.stop_reason, run.step) == (reason, step)
    assert tinynet.resume(run.path).stop_reason == reason


@pytest.mark.parametrize(
    "training",
    [
        {"early_stopping": NEVER_BETTER},
        {"early_stopping": {**NEVER_BETTER, "patience": 1, "min_delta": 0}, "epochs": 1},
        {"checkpoint": {"keep_best": {"metric": "val/loss"}}},
    ],
)
def test_best_evaluation(tmp_path, training):
    run = train(tmp_path, **training)
    best = run.best_evaluation
    logged = {line["step"]: line for line in run.history}[best.step]
    assert best == BestEvaluation("val/loss", logged["val/loss"], best.step, logged["epoch"])


def test_best_evaluation_without_a_monitor_is_none(tmp_path):
    assert train(tmp_path).best_evaluation is None
