"""Naming the classes of an existing run that read them from its data."""

from pathlib import Path

import pytest

import tinynet
from tinynet.errors import CheckpointMismatchError

SPEC = {
    "tinynet": 1,
    "name": "named",
    "data": {"type": "csv", "path": "table.csv", "target": "kind", "split": {"validation": 8}},
    "network": {"layers": [{"type": "dense", "units": 2}]},
    "training": {"epochs": 1, "loss": "softmax_cross_entropy", "optimizer": "adam"},
}


@pytest.fixture(autouse=True)
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"{i / 40},{'no' if i % 3 else 'yes'}\n" for i in range(40))
    Path("table.csv").write_text("x,kind\n" + rows)
    tinynet.train(SPEC, "run")


def test_naming_the_classes_of_a_run_keeps_it_exact():
    """A run with a class such as "NA", now a missing value, needs this to be resumed."""
    changes = {"training.epochs": 2, "data.classes": ["no", "yes"]}
    assert tinynet.resume("run", overrides=changes, exact=True).finished


def test_another_order_of_classes_is_an_error_that_shows_the_right_one():
    changes = {"training.epochs": 2, "data.classes": ["yes", "no"]}
    with pytest.raises(CheckpointMismatchError, match=r"classes of 'target': \('no', 'yes'\) ->"):
        tinynet.resume("run", overrides=changes)
