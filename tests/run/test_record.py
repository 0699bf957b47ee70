"""Summaries of runs, which lists and reports read from run folders, also from a stranger's."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tinynet
from tinynet.errors import CheckpointCorruptError, CheckpointError, CheckpointIOError
from tinynet.run import record_log
from tinynet.run.evaluation_log import append_evaluation
from tinynet.run.folder import RunFolder
from tinynet.run.lock import is_locked, locked
from tinynet.run.record import find_runs, read_record

SPEC = {
    "tinynet": 1,
    "name": "small",
    "data": {"type": "digits", "split": {"validation": 60, "test": 1673}},
    "network": {"layers": ["flatten", {"type": "dense", "units": 10}]},
    "training": {
        "epochs": 3,
        "batch_size": 32,
        "loss": "softmax_cross_entropy",
        "optimizer": {"type": "sgd", "learning_rate": 0.001},
        "metrics": ["accuracy"],
        "log_every_steps": 1,
        "checkpoint": {"keep_best": {"metric": "val/accuracy"}},
    },
}
"""Two steps in each epoch."""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    path = tmp_path_factory.mktemp("made") / "small-001"
    return tinynet.train(SPEC, path)


@pytest.fixture
def folder(trained, tmp_path):
    return RunFolder(Path(shutil.copytree(trained.path, tmp_path / "small-001")))


def edit_log(folder, edit):
    lines = [json.loads(line) for line in folder.log.read_text().splitlines()]
    folder.log.write_text("".join(json.dumps(line) + "\n" for line in edit(lines)))


def test_record_has_what_training_returned(trained):
    record = read_record(trained.path)
    assert (record.name, record.state, record.stop_reason) == ("small-001", "finished", "epochs")
    assert (record.epoch, record.epochs, record.step, record.total_steps) == (3, 3, 6, 6)
    assert record.best == trained.best_evaluation
    assert record.best_checkpoint == trained.best
    assert record.checkpoint == trained.checkpoints[-1]
    assert record.parameters == 64 * 10 + 10
    evaluations = [line for line in trained.history if "train/loss" in line]
    assert record.history == evaluations
    assert record.steps == [line for line in trained.history if "train/loss" not in line]
    assert record.figures["val/accuracy"] == record.best.value
    assert record.seconds == trained.history[-1]["wall"]["seconds"]
    assert record.started <= record.updated
    assert record.test is None
    assert record.problems == ()


def test_reading_a_record_imports_no_plugin(trained):
    """A run of a plugin that is not installed must be listed too.

    Nor does it import the packages that take most of the time to start: a list of runs must appear
    at once.
    """
    code = (
        "import sys; from tinynet.run.record import read_record; read_record(sys.argv[1]);"
        "slow = ('builtin', 'data.data', 'engine.node', 'network', 'spec.models');"
        "print([name for name in slow if f'tinynet.{name}' in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, trained.path], check=True, capture_output=True, text=True
    )
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"training.checkpoint.keep_best": None}, "val/loss"),
        ({"training.checkpoint.keep_best": None, "data.split.validation": 0}, "train/loss"),
        (
            {
                "training.checkpoint.keep_best": None,
                "training.early_stopping": {"metric": "train/accuracy", "patience": 9},
            },
            "train/accuracy",
        ),
    ],
)
def test_best_follows_the_rules_of_the_spec(changes, expected, tmp_path):
    run = tinynet.train(SPEC, tmp_path / "run", overrides=changes)
    record = read_record(run.path)
    assert record.best.metric == expected
    values = [line[expected] for line in record.history]
    assert record.best.value == (max if "accuracy" in expected else min)(values)
    assert record.best.epoch == values.index(record.best.value) + 1
    assert record.best_checkpoint is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"training.epochs": None, "training.steps": 3}, "steps"),
        (
            {
                "training.epochs": 50,
                "training.early_stopping": {"metric": "val/loss", "patience": 1, "min_delta": 9},
            },
            "early_stopping",
        ),
    ],
)
def test_reason_of_the_end(changes, reason, tmp_path):
    run = tinynet.train(SPEC, tmp_path / "run", overrides=changes)
    record = read_record(run.path)
    assert record.stop_reason == run.stop_reason == reason
    assert record.state == "finished"


def test_states_of_a_run(folder):
    """A list that shows a dead run as training, or the reverse, misleads."""
    for step in (4, 6):
        folder.checkpoint(step).unlink()
    assert read_record(folder.path).state == "stopped"
    with locked(folder.lock):
        assert read_record(folder.path).state == "training"
    assert read_record(folder.path).state == "stopped"
    folder.lock.write_text("process 1 on a machine since yesterday\n")  # left by a killed process
    assert not is_locked(folder.lock)
    assert read_record(folder.path).state == "stopped"


def test_run_without_a_checkpoint_says_whether_it_starts(folder):
    shutil.rmtree(folder.checkpoints)
    folder.checkpoints.mkdir()
    with locked(folder.lock), pytest.raises(CheckpointIOError, match="its training is starting"):
        read_record(folder.path)
    with pytest.raises(CheckpointIOError, match="holds no checkpoint"):
        read_record(folder.path)


def test_seconds_are_those_of_all_processes(folder):
    """`wall.seconds` starts at 0 in each process."""
    tinynet.resume(folder.path, overrides={"training.epochs": 4})

    def edit(lines):
        for line in lines:
            # The second process is slower: its first line has more seconds than the last before.
            line["wall"]["seconds"] = float(line["step"] if line["step"] <= 6 else line["step"] * 2)
        return lines

    edit_log(folder, edit)
    record = read_record(folder.path)
    assert record.seconds == 6 + 16
    edit_log(folder, lambda lines: [*lines, {**lines[-1], "step": 9, "wall": {"seconds": 1.5}}])
    assert read_record(folder.path).seconds == 6 + 16 + 1.5


def test_log_ahead_of_the_checkpoint_counts(folder):
    """A run that saves once an hour is shown where it is."""
    edit_log(folder, lambda lines: [*lines, {"step": 7, "epoch": 4, "loss": 1.0, "wall": {}}])
    record = read_record(folder.path)
    assert (record.step, record.epoch) == (7, 4)
    assert record.updated > record.started


def test_run_without_a_log_has_the_best_of_its_checkpoint(folder):
    folder.log.unlink()
    record = read_record(folder.path)
    assert record.figures == {"val/accuracy": record.best.value}
    assert record.history == record.steps == []
    assert record.best.epoch in (1, 2, 3)
    assert record.started == record.updated


def test_test_metrics_are_those_of_the_best_checkpoint(folder):
    record = read_record(folder.path)
    best, last = record.best.step, record.step
    append_evaluation(folder.checkpoint(last), last, "test", 9, {"loss": 3.0})
    if best != last:
        assert read_record(folder.path).test == {"loss": 3.0}
    append_evaluation(folder.checkpoint(best), best, "test", 9, {"loss": 1.0})
    append_evaluation(folder.checkpoint(best), best, "val", 9, {"loss": 4.0})
    append_evaluation(folder.checkpoint(best), best, "test", 9, {"loss": 2.0, "x": float("nan")})
    record = read_record(folder.path)
    assert record.test == {"loss": 2.0}
    assert [line["split"] for line in record.evaluations] == ["test", "test", "val", "test"]


def test_damaged_newest_checkpoint_is_replaced_by_an_older_one(folder):
    path = folder.checkpoint(6)
    path.write_bytes(path.read_bytes()[:-100])
    record = read_record(folder.path)
    assert record.checkpoint == folder.checkpoint(4)
    assert len(record.problems) == 1
    assert record.problems[0].startswith(f"a damaged checkpoint is skipped: {path}")


def test_run_whose_checkpoints_are_all_damaged_is_an_error(folder):
    for step in folder.steps():
        folder.checkpoint(step).write_bytes(b"?")
    with pytest.raises(CheckpointCorruptError, match=r"no checkpoint of .* is intact"):
        read_record(folder.path)


def test_renamed_checkpoint_is_not_trusted(folder):
    folder.checkpoint(6).rename(folder.checkpoint(8))
    record = read_record(folder.path)
    assert record.checkpoint == folder.checkpoint(4)
    assert "holds step 6" in record.problems[0]


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"\xff",
        b"3",
        b'{"step": 9, "train/loss": 1}',
        b'{"step": -1, "epoch": 1, "train/loss": 1}',
        b'{"step": true, "epoch": 1, "train/loss": 1}',
        b'{"step": 1e3, "epoch": 1, "train/loss": 1}',
        b'{"step": 99999999999999999999, "epoch": 1, "train/loss": 1}',
        b"[" * 100_000,
    ],
)
def test_damaged_line_costs_only_itself(folder, line):
    text = folder.log.read_bytes()
    marked = line if b"train/loss" in line else line + b'"train/loss"'
    folder.log.write_bytes(marked + b"\n" + text + b'{"step": 10, "train/lo')
    record = read_record(folder.path)
    assert len(record.history) == 3
    assert record.problems == (f"line 1 of {folder.log} is damaged and skipped",)
    edit = [marked, *text.splitlines(), marked]
    folder.log.write_bytes(b"".join(part + b"\n" for part in edit))
    (problem,) = read_record(folder.path).problems
    assert problem == f"line 1 (and 1 more) of {folder.log} is damaged and skipped"


def test_figures_are_finite_floats_or_none(folder):
    """Text, infinities and integers of a thousand digits of a stranger must not reach a table."""
    strange = {"a": "x", "b": True, "c": 10**999, "d": None, "e": [1], "f": 2, "\x1b[2J": 1.5}
    wall = {"seconds": -1e999, "time": "\x1b[2J"}
    raw = json.dumps({"step": 9, "epoch": 4, "train/loss": 1, "wall": wall} | strange)
    with folder.log.open("a") as file:
        file.write(raw[:-1] + ', "g": NaN, "h": Infinity}\n')
    line = read_record(folder.path).history[-1]
    assert line == {
        "step": 9,
        "epoch": 4,
        "train/loss": 1.0,
        "c": None,
        "d": None,
        "f": 2.0,
        "\x1b[2J": 1.5,
        "g": None,
        "h": None,
        "wall": {"seconds": 0.0, "time": None},
    }


def test_huge_log_is_read_in_part(folder, monkeypatch):
    monkeypatch.setattr(record_log, "_MAX_LINE", 1000)
    monkeypatch.setattr(record_log, "_MAX_LOG", 10_000)
    with folder.log.open("ab") as file:
        file.write(b'{"train/loss"' + b" " * 50_000)
    record = read_record(folder.path)
    assert len(record.history) == 3
    assert any("only the first 10,000 bytes" in problem for problem in record.problems)


@pytest.mark.parametrize("name", ["metrics.jsonl", "evaluations.jsonl", "run.lock"])
def test_links_and_pipes_are_not_followed(folder, name):
    victim = folder.path.parent / "victim"
    victim.write_text("secret")
    path = folder.path / name
    path.unlink(missing_ok=True)
    path.symlink_to(victim)
    try:
        (problem,) = read_record(folder.path).problems
    except CheckpointError as error:
        problem = str(error)
    assert problem.startswith(f"{path} is a symbolic link")
    path.unlink()
    os.mkfifo(path)
    try:
        (problem,) = read_record(folder.path).problems
    except CheckpointError as error:
        problem = str(error)
    assert problem.startswith(f"{path} is a pipe")


def test_runs_are_found_in_natural_order(folder, tmp_path):
    assert find_runs(folder.path) == [folder.path]
    for name in ("small-10", "small-2", "\x1b[2J"):
        shutil.copytree(folder.path, tmp_path / name)
    (tmp_path / "not-a-run").mkdir()
    (tmp_path / "file").touch()
    expected = ["\x1b[2J", "small-001", "small-2", "small-10"]
    assert [path.name for path in find_runs(tmp_path)] == expected
    (tmp_path / "study").mkdir()
    tmp_path.joinpath("small-2").rename(tmp_path / "moved")
    shutil.copytree(folder.path, tmp_path / "study" / "trials" / "0007")
    assert find_runs(tmp_path / "study") == [tmp_path / "study" / "trials" / "0007"]
    with pytest.raises(CheckpointIOError, match="No such file"):
        find_runs(tmp_path / "missing")
