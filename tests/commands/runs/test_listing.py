"""Lists of runs: filters, order and columns, and folders in which something is wrong."""

import json
import os
import re
import shutil

import pytest

from tinynet import archive, registry
from tinynet.commands.runs.columns import differing, spec_cells
from tinynet.commands.runs.comparison import compare_runs
from tinynet.commands.runs.direction import greater_is_better
from tinynet.commands.runs.listing import list_runs
from tinynet.errors import CheckpointIOError, UsageError
from tinynet.run import record_log
from tinynet.run.folder import RunFolder
from tinynet.run.lock import locked


def names(**choice):
    return [entry.name for entry in list_runs(**choice).entries]


ALL = ["small-001", "small-002", "small-003", "small-004"]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (["training.optimizer.learning_rate<=0.001"], ["small-001", "small-004"]),
        (["learning_rate < 0.001"], ["small-004"]),
        (["learning_rate=1e-2"], ["small-002"]),
        (["learning_rate==0.01"], ["small-002"]),
        (["learning_rate!=0.01"], ["small-001", "small-003", "small-004"]),
        (["name=small-00[12]"], ["small-001", "small-002"]),
        (["name=*-00*", "epoch>1"], ["small-001", "small-003"]),
        (["state=finished"], ALL),
        (["state!=finished"], []),
        (["val/loss>0"], ALL),
        (["val/loss>1e9"], []),
        (["test/accuracy>=0"], ["small-002"]),
        (["test/accuracy=null"], ["small-001", "small-003", "small-004"]),
        (["started>2020-01-01", "updated<2999-12-31T23:59"], ALL),
        (["training.metrics.0.type=acc*"], ALL),
        (["network.layers.1.use_bias=true"], ALL),
    ],
)
def test_filters(folder, filters, expected):
    assert names(filters=filters) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not a filter; write COLUMN=VALUE"),
        ("val/loss", "is not a filter; write COLUMN=VALUE"),
        (">3", "is not a filter"),
        (
            "accuracy>0.9",
            "no run has a column 'accuracy'; did you mean 'val/accuracy', 'test/accuracy' or",
        ),
        ("val/los<1", "did you mean 'val/loss'?"),
        ("training.optimizer.learningrate<1", "did you mean 'training.optimizer.learning_rate'?"),
        ("state>finished", "'finished' is neither a number nor a date"),
        ("type=dense", "no run has a column 'type'; "),
    ],
)
def test_wrong_filters(folder, text, message):
    with pytest.raises(UsageError) as caught:
        list_runs(filters=[text])
    assert message in str(caught.value)


def test_order_and_limit(folder):
    assert names(sort="learning_rate") == ["small-004", "small-001", "small-003", "small-002"]
    assert names(sort="learning_rate", reverse=True, limit=2) == ["small-002", "small-003"]
    assert names(sort="test/loss")[0] == names(sort="test/loss", reverse=True)[0] == "small-002"
    assert names(reverse=True) == ALL[::-1]
    with pytest.raises(UsageError, match="did you mean 'val/loss'"):
        list_runs(sort="val/lost")


def test_the_best_runs_are_first(folder):
    """The first two of a list sorted by accuracy must not be the two worst runs."""
    table = list_runs(sort="val/accuracy").table()["val/accuracy"]
    assert table == sorted(table, reverse=True)
    losses = list_runs(sort="val/loss").table()["val/loss"]
    assert losses == sorted(losses)
    assert list_runs(sort="val/accuracy", reverse=True).table()["val/accuracy"] == table[::-1]


def test_direction_of_metrics():
    """A built-in metric that is added later must have its direction here, too."""
    registered = registry.default()
    entries = [one for one in registered.entries("metrics") if one.distribution == "tinynet-core"]
    assert len(entries) > 20
    for entry in entries:
        greater = registered.load("metrics", entry.name).greater_is_better
        name = entry.name.rpartition(":")[2]
        assert greater_is_better(f"val/{name}", []) == greater, name
    specs = [{"training": {"metrics": [{"type": "auc", "name": "area"}, {"type": "x:accuracy"}]}}]
    assert greater_is_better("test/area", specs)
    assert not greater_is_better("val/accuracy", specs)  # of a plugin, which is not imported
    assert greater_is_better("val/kind/accuracy", [])
    assert not greater_is_better("val/kind/loss", [])
    assert not greater_is_better("accuracy", [])


def test_names_that_are_shown_are_names_of_columns(folder):
    for shown, name in (
        ("time", "seconds"),
        ("best", "best_epoch"),
        ("stop reason", "stop_reason"),
    ):
        assert [*list_runs(columns=[shown]).table()] == [name]
        assert names(sort=shown) == names(sort=name)
    assert names(filters="time>=0") == ALL
    assert names(filters=["best<=1"]) == names(filters=["best_epoch<=1"])


def test_figures_that_no_run_has_are_empty(folder):
    shutil.rmtree(folder / "small-002")
    assert list_runs(columns=["test/loss"]).table() == {"test/loss": [None] * 3}
    assert names(filters=["test/loss<9"]) == []


def test_unknown_column_names_few_others(folder):
    for name, message in (
        ("loss", "did you mean 'val/loss', 'test/loss' or 'train/loss'?"),
        ("qqq", "available: val/loss, val/accuracy, "),
    ):
        with pytest.raises(UsageError, match=re.escape(message)) as caught:
            list_runs(columns=[name])
        assert len(str(caught.value)) < 300


def test_run_without_its_checkpoints_is_listed(folder):
    shutil.rmtree(folder / "small-002" / "checkpoints")
    listing = list_runs()
    assert listing.table()["state"][1] == "unreadable"
    (problem,) = listing.problems
    assert "small-002 holds no checkpoint, although" in problem


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "is missing"),
        (b"", "has lost at least"),
        (b"\x00\xff" * 5000, "is damaged"),
        (b"[" * 10**5 + b"\n", "is damaged"),
    ],
)
def test_lost_log_is_reported_and_no_time_invented(folder, content, words):
    log = folder / "small-002" / "metrics.jsonl"
    log.unlink()
    if content is not None:
        log.write_bytes(content)
    table = list_runs(filters="name=small-002").table()
    assert words in table["problem"][0]
    assert (table["seconds"], table["started"]) == ([None], [None])
    assert table["state"] == ["finished"]


def test_columns_are_facts_figures_and_differing_settings(folder):
    table = list_runs().table()
    assert table["name"] == ALL
    assert table["training.optimizer.learning_rate"] == [0.001, 0.01, 0.002, 0.0005]
    assert "training.batch_size" not in table
    assert table["epoch"] == table["training.epochs"] == [2, 1, 2, 1]
    assert [value is None for value in table["test/loss"]] == [True, False, True, True]
    shown = list_runs(columns=["name", "batch_size"]).table()
    assert shown == {"name": ALL, "training.batch_size": [32] * 4}


def test_list_as_json(folder):
    runs = list_runs().to_json()["runs"]
    assert json.loads(json.dumps(runs)) == runs
    assert runs[1]["name"] == "small-002"
    assert runs[1]["started"].endswith("+00:00")


def cut(run):
    for step in run.steps():
        path = run.checkpoint(step)
        path.write_bytes(path.read_bytes()[:-9])


def newer(run):
    """Make checkpoints that say they are of format 2."""
    from xxhash import xxh3_128_digest

    for step in run.steps():
        path = run.checkpoint(step)
        prefix = bytearray(path.read_bytes()[:48])
        prefix[14:16] = (2).to_bytes(2, "little")
        path.write_bytes(prefix + xxh3_128_digest(bytes(prefix)) + path.read_bytes()[64:])


def newer_section(run):
    """Make checkpoints with a section that a newer tinynet may write."""
    for step in run.steps():
        content = archive.read(run.checkpoint(step))
        sections = {**content.sections, "future": 1}
        path = run.checkpoint(step)
        archive.write(path, sections, content.tensors, run_id=content.run_id, step=content.step)


def unsaved(run):
    shutil.rmtree(run.checkpoints)
    run.checkpoints.mkdir()


def linked(run):
    run.checkpoints.rename(run.path / "moved")
    run.checkpoints.symlink_to("moved")


def pipes(run):
    for step in run.steps():
        run.checkpoint(step).unlink()
        os.mkfifo(run.checkpoint(step))


def huge(run):
    """Make sparse checkpoints of a terabyte."""
    for step in run.steps():
        os.truncate(run.checkpoint(step), 2**40)


def strange_spec(run):
    """Make checkpoints whose spec is no spec, and whose digests are right."""
    from tinynet.checkpoint.sections import hash_of

    for step in run.steps():
        content = archive.read(run.checkpoint(step))
        spec = {"training": {"epochs": "\x1b[2J", "steps": [], "early_stopping": 3}, "network": 0}
        sections = {**content.sections, "spec": spec, "spec_hash": hash_of(spec)}
        path = run.checkpoint(step)
        archive.write(path, sections, content.tensors, run_id=content.run_id, step=content.step)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (cut, "no checkpoint of"),
        (newer, "it has version 2 of the format; this tinynet reads up to version 1"),
        (newer_section, "was written by a newer tinynet"),
        (unsaved, "holds no checkpoint"),
        (linked, "is a symbolic link"),
        (pipes, "it is not a regular file"),
        (huge, "no checkpoint of"),
    ],
)
def test_run_that_cannot_be_read_costs_only_itself(folder, damage, words):
    damage(RunFolder(folder / "small-002"))
    listing = list_runs()
    assert [entry.name for entry in listing.entries] == ALL
    assert listing.table()["state"] == ["finished", "unreadable", "finished", "finished"]
    (problem,) = listing.problems
    assert problem.startswith("small-002: ")
    assert words in problem
    assert names(filters=["state=unreadable"]) == ["small-002"]
    assert names(filters=["learning_rate>0"]) == ["small-001", "small-003", "small-004"]
    assert names(sort="val/loss")[-1] == "small-002"


def test_spec_of_a_stranger_is_listed(folder):
    strange_spec(RunFolder(folder / "small-002"))
    table = list_runs().table()
    assert table["state"] == ["finished", "stopped", "finished", "finished"]
    assert table["epochs"] == [2, None, 2, 1]


def test_run_in_training_is_listed(folder):
    with locked(RunFolder(folder / "small-003").lock):
        assert names(filters=["state=training"]) == ["small-003"]


def test_folder_of_a_run_that_may_not_be_read_is_listed(folder, monkeypatch):
    real = os.listdir

    def listdir(path="."):
        if "small-002" in str(path):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "listdir", listdir)
    (problem,) = list_runs().problems
    assert problem.endswith("Permission denied")


def test_missing_and_empty_folders(folder, tmp_path):
    with pytest.raises(CheckpointIOError, match=r"no such run: run; did you mean runs\?|no such"):
        list_runs("run")
    (tmp_path / "empty").mkdir()
    assert list_runs("empty").entries == []
    assert list_runs("empty", filters=["x=1"], columns=["x"]).table() == {"x": []}


def test_cost_of_a_list(folder, monkeypatch):
    """Twenty runs with long logs must be listed in a fraction of a second."""
    for number in range(5, 21):
        shutil.copytree(folder / "small-001", folder / f"small-{number:03}")
    step = '{"step": 1, "epoch": 1, "loss": 1.0, "wall": {"seconds": 1.0}}\n'
    for run in folder.iterdir():
        log = run / "metrics.jsonl"
        log.write_text(step * 1000 + log.read_text())
    outlines, lines = [], []
    read_outline, loads = archive.read_outline, json.loads

    def count_outline(path):
        outlines.append(path)
        return read_outline(path)

    def count_line(line):
        lines.extend([line] * isinstance(line, bytes))
        return loads(line)

    monkeypatch.setattr(archive, "read_outline", count_outline)
    monkeypatch.setattr(archive, "read", None)  # no array is read
    monkeypatch.setattr(record_log.json, "loads", count_line)
    assert len(list_runs().table()["name"]) == 20
    assert len(outlines) == 20
    assert len(lines) == 18 * 2 + 2 + 1  # the evaluations, and one of a test split


def test_differing_values():
    specs = [
        {"name": "a", "x": {"rate": 1, "same": 0, "list": [1, 2]}, "layers": [{"n": 1}, {"n": 2}]},
        {"name": "b", "x": {"rate": 2, "same": 0, "list": [1, 3]}, "layers": [{"n": 1}, {"n": 3}]},
    ]
    assert differing(specs) == {"x.rate": [1, 2], "x.list": [[1, 2], [1, 3]], "layers.1.n": [2, 3]}
    specs[1]["layers"].append({})
    specs[1]["x"] = None
    assert [*differing(specs)] == ["x", "layers"]
    assert differing([]) == differing(specs[:1]) == {}
    assert spec_cells(specs[0])["layers.1.n"] == 2
    assert spec_cells(specs[0])["x.list"] == [1, 2]


def test_runs_whose_figures_are_of_unsaved_steps_are_named(folder):
    """Their test figures are of an older step than the others, and no file has these weights."""
    assert list_runs().problems == []
    steps = {row["name"]: row["test_step"] for row in list_runs().to_json()["runs"]}
    assert [name for name, step in steps.items() if step] == ["small-002"]
    for name in ALL:
        run = RunFolder(folder / name)
        run.checkpoint(max(run.steps())).unlink()
    for problems in (list_runs().problems, compare_runs([folder]).problems):
        assert len(problems) == 4
        assert problems[0].startswith("small-001: step ")
        assert "were not saved. Continue with: tinynet resume runs/small-001" in problems[0]
        assert problems[3] == "1 more run with steps that were not saved"
