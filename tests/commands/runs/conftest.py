"""A folder of four small runs, trained once."""

import shutil
from pathlib import Path

import pytest

import tinynet

SPEC = {
    "tinynet": 1,
    "name": "small",
    "data": {"type": "digits", "split": {"validation": 60, "test": 1673}},
    "network": {"layers": ["flatten", {"type": "dense", "units": 10}]},
    "training": {
        "epochs": 2,
        "batch_size": 32,
        "loss": "softmax_cross_entropy",
        "optimizer": {"type": "sgd", "learning_rate": 0.001},
        "metrics": ["accuracy"],
    },
}
RATES = (0.001, 0.01, 0.002, 0.0005)


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("several") / "runs"
    for number, rate in enumerate(RATES, 1):
        changes = {"training.optimizer.learning_rate": rate, "training.epochs": 1 + number % 2}
        run = tinynet.train(SPEC, folder / f"small-{number:03}", overrides=changes)
        if number == 2:
            run.evaluate()
    return folder


@pytest.fixture
def folder(made, tmp_path, monkeypatch):
    """Return the runs small-001 to small-004; 002 was evaluated on the test split."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(made, tmp_path / "runs"))
