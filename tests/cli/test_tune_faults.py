"""`tinynet tune` where something fails that no value of a trial causes: no trial is lost."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("optuna", reason="tinynet tune needs Optuna")

pytestmark = pytest.mark.extra

RATE = "training.optimizer.learning_rate"


@pytest.fixture
def table_spec(tmp_path):
    """A spec with relative data, in a folder of its own."""
    folder = tmp_path / "project"
    folder.mkdir()
    write_table(folder / "t.csv")
    spec = {
        "tinynet": 1,
        "name": "t",
        "data": {
            "type": "csv",
            "path": "t.csv",
            "target": "y",
            "split": {"validation": 20},
        },
        "network": {"layers": [{"type": "dense", "units": 4}, {"type": "dense", "units": 1}]},
        "training": {"epochs": 2, "batch_size": 20, "loss": "mse", "optimizer": "adam"},
    }
    path = folder / "spec.json"
    path.write_text(json.dumps(spec))
    return path


def write_table(path, seed=0):
    values = np.random.default_rng(seed).normal(size=(80, 3))
    np.savetxt(path, values, delimiter=",", header="a,b,y", comments="", fmt="%.4f")


def rows(study):
    with open(Path(study, "trials.csv"), encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def tune(tinynet, path, *words, trials=2):
    return tinynet(
        "tune", path, "--param", f"{RATE}=log:1e-3:1e-1", "--trials", trials, "--run", "s", *words
    )


def test_missing_data_stop_the_study_and_moved_data_continue_it(tinynet, table_spec):
    """All trials that are left would fail, and never be tried again."""
    assert tune(tinynet, table_spec, trials=1).code == 0
    Path("moved").mkdir()
    shutil.move(table_spec.with_name("t.csv"), "moved/t.csv")
    lost = tinynet("tune", "--run", "s", "--resume", "--trials", 2)
    assert lost.code == 3
    assert "if the data were moved: tinynet tune --run s --resume --data-root" in lost.err
    assert len(rows("s")) == 1
    done = tinynet("tune", "--run", "s", "--resume", "--trials", 2, "--data-root", "moved")
    assert done.code == 0, done.err
    assert [row["state"] for row in rows("s")] == ["finished"] * 2


def test_changed_data_are_refused(tinynet, table_spec):
    """Values of two validation splits would be ranked in one table."""
    assert tune(tinynet, table_spec, trials=1).code == 0
    write_table(table_spec.with_name("t.csv"), seed=1)
    for words in ((), (table_spec, "--param", f"{RATE}=log:1e-3:1e-1")):
        resume = ["tune", *words, "--run", "s", "--resume", "--trials", 2]
        refused = tinynet(*resume)
        assert refused.code == 4, refused.err
        assert "has changed since the study was started" in refused.err
    done = tinynet(*resume, "--allow-data-change")
    assert done.code == 0, done.err
    assert tinynet(*resume).code == 0, "the change was accepted"


@pytest.mark.parametrize("place", ["trials", "journal.log", "trials.csv", "best.json"])
def test_link_in_a_study_is_not_followed(tinynet, table_spec, place):
    assert tune(tinynet, table_spec, trials=1).code == 0
    shutil.move(f"s/{place}", "elsewhere")
    Path("s", place).symlink_to(Path("elsewhere").resolve())
    refused = tinynet("tune", "--run", "s", "--resume", "--trials", 2)
    assert refused.code == 4
    assert f"s/{place} is a symbolic link" in refused.err


PLUGIN = """
import os, signal
from pathlib import Path

from tinynet.commands.tune import worker

train = worker.train


def failing(spec, run, **options):
    marks = Path(os.environ["MARKS"])
    faults = json.loads(marks.read_text())
    for index, (trial, fault) in enumerate(faults):
        if run.endswith(trial):
            del faults[index]
            marks.write_text(json.dumps(faults))
            if fault == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            raise eval(fault)
    return train(spec, run, **options)


worker.train = failing
worker.main()
"""


@pytest.fixture
def faults(tmp_path, monkeypatch):
    """Faults of trials, each of which happens once in the process that trains it."""
    from tinynet.commands.tune import jobs

    marks = tmp_path / "marks.json"
    monkeypatch.setenv("MARKS", str(marks))
    monkeypatch.setattr(jobs, "_CODE", "import errno, json\nfrom tinynet import errors\n" + PLUGIN)
    return lambda *listed: marks.write_text(json.dumps(listed))


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("OSError(errno.ENOSPC, 'No space left on device')", 4),
        ("errors.DataError('t.csv: no such file')", 3),
        ("errors.PluginError('no layer')", 5),
        ("errors.UsageError('wrong')", 2),
        ("KeyError('a')", 1),
    ],
)
def test_error_that_no_value_causes_stops_the_study(tinynet, table_spec, faults, fault, code):
    faults(("0001", fault))
    stopped = tune(tinynet, table_spec, trials=3)
    assert stopped.code == code, stopped.err
    assert "trial 1: " in stopped.err
    assert "to continue the study: tinynet tune --run s --resume" in stopped.err
    assert [row["state"] for row in rows("s")] == ["finished", "unfinished"]
    assert tinynet("tune", "--run", "s", "--resume").code == 0
    assert [row["state"] for row in rows("s")] == ["finished"] * 3


def test_killed_trial_is_resumed_once_and_several_stop_the_study(tinynet, table_spec, faults):
    faults(("0000", "kill"), ("0001", "kill"), ("0001", "kill"))
    done = tune(tinynet, table_spec)
    assert done.code == 0, done.err
    assert "trial 0: its process was ended by SIGKILL, perhaps for lack of memory" in done.err
    assert [row["state"] for row in rows("s")] == ["finished", "failed"]
    assert "SIGKILL" in rows("s")[1]["error"]
    faults(*[(f"000{n}", "kill") for n in (2, 2, 3, 3)])
    stopped = tinynet("tune", "--run", "s", "--resume", "--trials", 4)
    assert stopped.code == 1, stopped.err
    assert [row["state"] for row in rows("s")][1:] == ["failed", "failed", "unfinished"]


@pytest.mark.parametrize("content", [None, "", "half"])
def test_journal_that_lost_trials_is_refused(tinynet, table_spec, content):
    """Or other trials would be computed into the runs of these."""
    assert tune(tinynet, table_spec).code == 0
    journal = Path("s/journal.log")
    lines = journal.read_text().splitlines(keepends=True)
    journal.unlink()
    if content is not None:
        journal.write_text("".join(lines[:4]) if content else "")
    table = Path("s/trials.csv").read_bytes()
    refused = tinynet("tune", "--run", "s", "--resume", "--trials", 3)
    assert refused.code == 4
    assert "so the study cannot be continued" in refused.err
    assert Path("s/trials.csv").read_bytes() == table


def test_search_ends_when_every_combination_was_tried(tinynet, table_spec):
    words = ["tune", table_spec, "--param", "training.batch_size=choice:20,30", "--run", "s"]
    done = tinynet(*words, "--trials", 30, "--sampler", "random", "--jobs", 2)
    assert done.code == 0, done.err
    assert "all 2 combinations were tried" in done.err
    assert len(rows("s")) < 30
    assert json.loads(Path("s/study.json").read_text())["jobs"] == 2


def test_best_spec_of_relative_data_trains_as_it_is(tinynet, table_spec):
    done = tune(tinynet, table_spec, trials=1)
    assert done.out.splitlines()[-1] == "to train it: tinynet train project/spec-tuned.json"
    trained = tinynet("train", "project/spec-tuned.json")
    assert trained.code == 0, trained.err
    tuned = Path("project/spec-tuned.json")
    assert tinynet("tune", "--run", "s", "--resume", "--trials", 2).code == 0
    assert tuned.read_bytes() == Path("s/best.json").read_bytes(), "it was replaced"
    tuned.write_text("mine")
    last = tinynet("tune", "--run", "s", "--resume")
    assert "tinynet train s/best.json --data-root" in last.out
    assert tuned.read_text() == "mine"
    taken = tune(tinynet, table_spec, "-o", tuned, "--run", "t")
    assert (taken.code, Path("t").exists()) == (2, False)
    assert "already exists; name a new file" in taken.err
    assert tinynet("tune", "--run", "s", "--resume", "-o", tuned).code == 2
    assert tune(tinynet, table_spec, "-o", "project/mine.json", "--run", "t").code == 0
    assert tinynet("train", "project/mine.json").code == 0


def test_study_as_a_run_names_its_best_run(tinynet, table_spec):
    assert tune(tinynet, table_spec).code == 0
    best = min(rows("s"), key=lambda row: float(row["val/loss"]))["run"]
    for command in (["report"], ["evaluate"], ["export"], ["inspect"], ["resume"]):
        done = tinynet(*command, "s", *(["-o", "m.onnx"] if command == ["export"] else []))
        assert done.code == 4, command
        assert f"s is a study; its best run is s/{best}" in done.err, command


def test_unfinished_trial_continues_on_changed_data(tinynet, table_spec, faults):
    """The option that the error names must work for trials that have a checkpoint, too."""
    faults(("0001", "KeyError('a')"))
    assert tune(tinynet, table_spec, trials=2).code == 1
    shutil.copytree("s/trials/0000", "s/trials/0001", dirs_exist_ok=True)  # as one that was saved
    write_table(table_spec.with_name("t.csv"), seed=1)
    assert tinynet("tune", "--run", "s", "--resume").code == 4
    done = tinynet("tune", "--run", "s", "--resume", "--allow-data-change")
    assert done.code == 0, done.err
    assert [row["state"] for row in rows("s")] == ["finished"] * 2
