"""`evaluations.jsonl`: figures of a test split that a list of runs shows without computing them."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import tinynet
from tinynet.errors import CheckpointMismatchError
from tinynet.run.evaluation_log import NAME, append_evaluation, read_evaluations
from tinynet.run.folder import RunFolder
from tinynet.run.record import read_record

SPEC = {
    "tinynet": 1,
    "name": "small",
    "data": {"type": "digits", "split": {"validation": 60, "test": 1673}},
    "network": {"layers": ["flatten", {"type": "dense", "units": 10}]},
    "training": {
        "steps": 4,
        "batch_size": 32,
        "loss": "softmax_cross_entropy",
        "optimizer": {"type": "sgd", "learning_rate": 0.001},
    },
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return tinynet.train(SPEC, tmp_path_factory.mktemp("made") / "small")


@pytest.fixture
def folder(trained, tmp_path):
    return RunFolder(Path(shutil.copytree(trained.path, tmp_path / "small")))


def test_evaluations_are_logged(folder):
    evaluation = tinynet.evaluate(folder.path)
    tinynet.evaluate(folder.path, "val")
    test, val = read_evaluations(folder.path)
    assert test.pop("time")
    assert test == {
        "checkpoint": 4,
        "split": "test",
        "samples": 1673,
        "metrics": dict(evaluation),
    }
    assert (val["split"], val["samples"]) == ("val", 60)
    assert read_record(folder.path).test == dict(evaluation)


def test_run_that_was_just_trained_logs_too(tmp_path):
    run = tinynet.train(SPEC, tmp_path / "run")
    evaluation = run.evaluate()
    assert read_record(run.path).test == dict(evaluation)


def test_kept_data_are_not_read_again(tmp_path):
    """A whole job on MNIST would unpack its images twice."""
    np.savez(tmp_path / "data.npz", x=np.eye(40), y=np.arange(40) % 10)
    data = {"type": "npz", "path": "data.npz", "inputs": "x", "targets": "y"}
    layers = {"layers": [{"type": "dense", "units": 10}]}
    spec = {**SPEC, "data": {**data, "split": {"validation": 8, "test": 8}}, "network": layers}
    run = tinynet.train(spec, tmp_path / "run", data_root=tmp_path, keep_data=True)
    read = dict(tinynet.evaluate(run.path, data_root=tmp_path))
    (tmp_path / "data.npz").unlink()
    assert dict(run.evaluate()) == read


def test_arrays_that_changed_since_the_training_are_refused(tmp_path):
    """Their figures would be logged as those of the test split."""
    x, y = np.eye(40), np.arange(40) % 10
    layers = {"layers": [{"type": "dense", "units": 10}]}
    spec = {**SPEC, "data": {"split": {"validation": 8, "test": 8}}, "network": layers}
    run = tinynet.train(spec, tmp_path / "run", data=(x, y), keep_data=True)
    x *= 3
    with pytest.raises(CheckpointMismatchError, match="has changed"):
        run.evaluate()


def test_the_same_evaluation_is_logged_once(folder):
    """So a command that is repeated, such as `resume` of a finished run, changes no file."""
    tinynet.evaluate(folder.path)
    content = (folder.path / NAME).read_bytes()
    tinynet.evaluate(folder.path)
    assert (folder.path / NAME).read_bytes() == content


def test_evaluation_of_other_samples_is_not_one_of_the_run(folder, tmp_path):
    """Else a table of test metrics would mix different data."""
    tinynet.evaluate(folder.path, data=(np.zeros((10, 8, 8, 1)), np.arange(10)))
    assert not (folder.path / NAME).exists()
    copy = tmp_path / "checkpoints" / folder.checkpoint(4).name
    copy.parent.mkdir()
    shutil.copy(folder.checkpoint(4), copy)
    tinynet.evaluate(copy)
    assert not (tmp_path / NAME).exists()


def test_log_that_cannot_be_written_is_no_error(folder):
    """A run on a read-only disk can be evaluated."""
    (folder.path / NAME).mkdir()
    assert tinynet.evaluate(folder.path)["loss"] > 0


def test_stranger_cannot_redirect_the_log(folder, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (folder.path / NAME).symlink_to(victim)
    tinynet.evaluate(folder.path)
    (folder.path / NAME).unlink()
    os.link(victim, folder.path / NAME)
    tinynet.evaluate(folder.path)
    assert victim.read_text() == "mine"


def test_line_that_a_kill_cut_short_costs_only_itself(folder):
    path = folder.path / NAME
    path.write_bytes(b'{"checkpoint": 4, "spl')
    append_evaluation(folder.checkpoint(4), 4, "test", 9, {"loss": 0.5})
    problems = []
    assert [line["metrics"] for line in read_evaluations(folder.path, problems)] == [{"loss": 0.5}]
    assert problems == [f"line 1 of {path} is damaged and skipped"]


@pytest.mark.parametrize(
    "change",
    [
        {"checkpoint": -1},
        {"split": "all"},
        {"split": ["test"]},
        {"samples": "9"},
        {"metrics": [1]},
    ],
)
def test_line_with_wrong_values_is_skipped(folder, change):
    line = {"checkpoint": 4, "split": "test", "samples": 9, "metrics": {"loss": 1.0}, "time": "x"}
    (folder.path / NAME).write_text(json.dumps({**line, **change}) + "\n" + json.dumps(line) + "\n")
    assert read_evaluations(folder.path) == [{**line, "time": None}]


def test_figures_that_are_not_finite_are_null(folder):
    append_evaluation(folder.checkpoint(4), 4, "test", 9, {"loss": float("inf"), "accuracy": 0.5})
    assert json.loads((folder.path / NAME).read_text())["metrics"] == {
        "loss": None,
        "accuracy": 0.5,
    }
    assert read_record(folder.path).test == {"accuracy": 0.5}
