"""`tinynet resume`, where something has changed: what refuses, what warns, and what says so."""

import errno
import fcntl
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tinynet import archive
from tinynet.checkpoint.checkpoint import Checkpoint

LONGER = ("--set", "training.epochs=3")


def newest(run: Path) -> Path:
    return max((run / "checkpoints").glob("step-*.msgpack"))


def origin(run: Path):
    return Checkpoint.read(newest(run)).lineage[-1]


def test_exact_refuses_another_environment_and_names_it(tinynet, run, spec):
    checkpoint = Checkpoint.read(newest(run))
    replace(checkpoint, environment={**checkpoint.environment, "numpy": "2.0"}).write(newest(run))
    for line in (
        ("resume", run, *LONGER, "--exact"),
        ("train", spec, "--run", run, "--resume", *LONGER, "--exact"),
    ):
        refused = tinynet(*line)
        assert refused.code == 4
        assert "numpy was 2.0, and is" in refused.err
    result = tinynet("resume", run, *LONGER)
    assert result.code == 0
    assert "warning: the result may differ from that of an uninterrupted run" in result.err
    assert "numpy was 2.0, and is" in result.err
    assert origin(run)["exact"] is False
    assert tinynet("resume", run, "--set", "training.epochs=4", "--exact").code == 0


def test_a_reset_needs_a_word_and_is_remembered(tinynet, run):
    line = ("resume", run, *LONGER, "--set", 'training.optimizer={"type": "sgd"}')
    refused = tinynet(*line)
    assert refused.code == 4
    assert (
        '/training/optimizer/type: "adam" -> "sgd" (resets the optimizer\'s state)' in refused.err
    )
    assert "add --allow-reset to continue" in refused.err
    assert "/training/epochs: 2 -> 3 (safe)" in refused.err
    result = tinynet(*line, "--allow-reset")
    assert result.code == 0
    assert "warning: the changes reset the optimizer's state" in result.err
    classes = {change["pointer"]: change["effect"] for change in origin(run)["changes"]}
    assert classes["/training/optimizer/type"] == "resets state"


def test_another_type_drops_what_it_cannot_take_and_says_so(tinynet, run):
    """The checkpoint's spec holds every default of its optimizer, and none can be unset."""
    line = ("resume", run, *LONGER, "--set", "training.optimizer.type=sgd")
    refused = tinynet(*line)
    assert refused.code == 4
    assert "/training/optimizer/beta_1: 0.9 -> (not set)" in refused.err
    assert "/training/optimizer/nesterov: (not set) -> false" in refused.err
    result = tinynet(*line, "--allow-reset")
    assert result.code == 0, result.err
    assert (
        "warning: training.optimizer.type=sgd dropped the parameters amsgrad, beta_1, beta_2,"
        " epsilon of the old type, which 'sgd' does not have or cannot take"
    ) in result.err.replace("\n", " ")
    kept = Checkpoint.read(newest(run)).spec["training"]["optimizer"]
    assert (kept["type"], kept["learning_rate"]) == ("sgd", 0.01)


def test_check_says_what_another_type_drops(tinynet, run):
    spec = json.loads((run / "spec.json").read_text())
    spec["training"]["optimizer"] = {"type": "adam", "beta_1": 0.8}
    spec["network"]["input_shape"] = [8, 8, 1]
    Path("adam.json").write_text(json.dumps(spec))
    result = tinynet("check", "adam.json", "--no-data", "--set", "training.optimizer.type=sgd")
    assert result.code == 0
    assert "training.optimizer.type=sgd dropped the parameter beta_1" in result.err


def test_fewer_epochs_than_were_made_are_2_and_change_nothing(tinynet, run):
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    result = tinynet("resume", run, "--set", "training.epochs=1")
    assert result.code == 2
    assert "the run has reached step 12" in result.err
    assert "training.epochs" in result.err
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_allowed_data_are_noted_with_what_changed(tinynet, table_run, folder):
    with (folder / "table.csv").open("a") as file:
        file.write("0.9,0.1,rose\n")
    line = ("resume", table_run, "--set", "training.epochs=31")
    refused = tinynet(*line)
    assert refused.code == 4
    assert "the dataset 'data' has changed since the checkpoint was made" in refused.err
    assert tinynet(*line, "--allow-data-change").code == 0
    noted = origin(table_run)
    assert noted["data_changes"] == ["the dataset 'data' has changed since the checkpoint was made"]
    assert noted["exact"] is False
    assert tinynet(*line, "--exact").code == 0, "these are the run's data now"


def test_changed_data_are_warned_of_once(tinynet, table_spec, folder):
    """The best checkpoint, which the test split is evaluated with, is older than the change."""
    kept = 'training.checkpoint.keep_best={"metric": "val/accuracy"}'
    assert tinynet("train", table_spec, "--run", "flowers", "--quiet", "--set", kept).code == 0
    with (folder / "table.csv").open("a") as file:
        file.write("0.9,0.1,rose\n")
    line = ("resume", "flowers", "--set", "training.epochs=31")
    resumed = tinynet(*line, "--allow-data-change", "--quiet")
    assert resumed.code == 0
    assert resumed.err == (
        "warning: the result may differ from that of an uninterrupted run:\n"
        "  the dataset 'data' has changed since the checkpoint was made\n"
    )
    again = tinynet("resume", "flowers", "--set", "training.epochs=32", "--quiet")
    assert again.err == "warning: the dataset 'data' has changed since the checkpoint was made\n"


def test_where_there_are_no_locks_it_says_so_and_goes_on_when_told(tinynet, run, spec, monkeypatch):
    def refuse(file, operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    for line in (("resume", run, *LONGER), ("train", spec, "--run", "new")):
        result = tinynet(*line)
        assert result.code == 4
        assert "No locks available; add --no-lock to train without a lock" in result.err
    assert tinynet("resume", run, *LONGER, "--no-lock").code == 0
    assert tinynet("train", spec, "--run", "newer", "--no-lock").code == 0


def test_no_lock_does_not_break_into_a_run_that_another_process_holds(tinynet, run):
    with (run / "run.lock").open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert tinynet("resume", run, *LONGER, "--no-lock").code == 75


@pytest.mark.parametrize("command", ["evaluate", "predict"])
def test_a_network_with_nan_is_told_or_refused(tinynet, run, folder, command):
    path = newest(run)
    saved = archive.read(path)
    saved.tensors["params/dense_1/bias"][0] = float("nan")
    archive.write(path, saved.sections, saved.tensors, run_id=saved.run_id, step=saved.step)
    words = [command, path]
    if command == "predict":
        np.save(folder / "x.npy", np.zeros((2, 8, 8, 1)))
        words.append("x.npy")
    result = tinynet(*words, "--json")
    assert "warning: params/dense_1/bias of the checkpoint holds NaN or infinity" in result.err
    assert json.loads(result.out)
    assert tinynet(*words, "--strict-finite").code == 4
