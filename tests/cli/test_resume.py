"""`tinynet resume`: resume from the newest intact checkpoint, or explain why not."""

import hashlib
import json
from pathlib import Path

import pytest

import tinynet as library


def hashes(folder: Path):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def newest(run: Path) -> Path:
    return max((run / "checkpoints").glob("step-*.msgpack"))


def test_resuming_a_finished_run_says_so_and_changes_no_file(tinynet, run):
    before = hashes(run)
    result = tinynet("resume", run)
    assert result.code == 0
    assert result.err == (
        f"{run} has already finished (step 12). To train longer: tinynet resume {run} --set"
        " training.epochs=4\n"
    )
    assert "accuracy" in result.out
    assert hashes(run) == before


def test_resume_gives_the_same_object_as_train(forked, tinynet, run, spec):
    result = forked("resume", run, "--json")
    assert result.code == 0
    assert result.json["step"] == 12
    assert result.json["finished"]
    trained = tinynet("train", spec, "--json").json
    assert result.json["metrics"] == trained["metrics"]


def test_more_epochs_go_on_where_the_run_was(tinynet, run):
    result = tinynet("resume", run, "--set", "training.epochs=4")
    assert result.code == 0
    assert result.err.startswith(f"{run}: resuming at step 12 (24 steps, 4 epochs)\n")
    log = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [record["epoch"] for record in log] == [1, 2, 3, 4]
    assert json.loads((run / "spec.json").read_text())["training"]["epochs"] == 4
    assert tinynet("resume", run).err.startswith(f"{run} has already finished (step 24)"), (
        "the change is remembered"
    )


def test_more_epochs_end_where_a_run_of_as_many_ends(tinynet, run, write_spec):
    tinynet("resume", run, "--set", "training.epochs=3")
    tinynet("train", write_spec(epochs=3), "--run", "whole")
    extended, whole = (library.load_model(path, "last").network for path in (run, "whole"))
    for name, array in whole.params.items():
        assert extended.params[name].tobytes() == array.tobytes()


def test_incompatible_changes_are_an_error_that_lists_all(tinynet, run):
    before = hashes(run)
    result = tinynet(
        "resume", run,
        "--set", "network.layers.dense_1.units=11",
        "--set", "training.batch_size=32",
    )  # fmt: skip
    assert result.code == 4
    assert "/network/layers/1/units: 10 -> 11" in result.err
    assert "/training/batch_size: 256 -> 32" in result.err
    assert hashes(run) == before


def test_a_wrong_change_is_a_wrong_spec(tinynet, run):
    result = tinynet("resume", run, "--set", "training.epochs=-1")
    assert result.code == 2
    assert " training.epochs)" in result.err


def test_an_edited_spec_json_is_reported_even_when_quiet(tinynet, run):
    path = run / "spec.json"
    path.write_text(path.read_text().replace('"epochs": 2', '"epochs": 7'))
    result = tinynet("resume", run, "--quiet")
    assert result.code == 0
    assert f"warning: {path} was edited, but the run uses the spec in its checkpoint" in result.err
    assert "test" in result.out


def test_what_is_no_run_is_4_and_is_not_started_anew(tinynet, folder):
    (folder / "empty").mkdir()
    for name, fault in (
        ("empty", "empty is not a run folder"),
        ("missing", "no such run: missing"),
    ):
        result = tinynet("resume", name)
        assert result.code == 4
        assert fault in result.err
    assert list((folder / "empty").iterdir()) == []
    assert not (folder / "missing").exists()


def test_damaged_checkpoint_is_set_aside_and_the_previous_one_used(tinynet, run):
    damaged = newest(run)
    damaged.write_bytes(damaged.read_bytes()[:-1])
    result = tinynet("resume", run)
    assert result.code == 0
    assert "warning: skipped a damaged checkpoint" in result.err
    assert "resuming at step 6" in result.err
    assert damaged.with_name(damaged.name + ".bad").exists()
    assert damaged.exists(), "the step was made again"


def test_a_run_with_no_whole_checkpoint_is_4_and_lists_why(tinynet, run):
    files = sorted((run / "checkpoints").iterdir())
    for path in files:
        path.write_bytes(b"nonsense")
    result = tinynet("resume", run)
    assert result.code == 4
    assert all(str(path) in result.err for path in files)


def test_changed_data_are_refused_unless_they_are_allowed(tinynet, table_run, folder):
    with (folder / "table.csv").open("a") as file:
        file.write("0.9,0.1,rose\n")
    line = ("resume", table_run, "--set", "training.epochs=31")
    refused = tinynet(*line)
    assert refused.code == 4
    assert "has changed since" in refused.err
    assert "--allow-data-change" in refused.err
    assert tinynet(*line, "--allow-data-change").code == 0


def test_a_run_goes_on_from_anywhere_and_from_another_data_root(
    tinynet, table_run, folder, monkeypatch
):
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    run = folder / table_run
    assert tinynet("resume", run, "--set", "training.epochs=31").code == 0
    (folder / "table.csv").rename(folder / "elsewhere" / "table.csv")
    longer = ("resume", run, "--set", "training.epochs=32")
    assert tinynet(*longer).code == 3
    assert tinynet(*longer, "--data-root", ".", "--threads", 1).code == 0


def test_max_params_holds_for_a_checkpoint_too(tinynet, run):
    assert tinynet("resume", run, "--max-params", 649).code == 2


ODD = """
from tinynet.layer import LayerConfig

class Odd:
    per_sample = True

    class Config(LayerConfig):
        pass

    def __init__(self, config, in_shapes, build):
        (self.out_shape,) = in_shapes
        self.params = {}

    def forward(self, ctx, x):
        return -x, None

    def backward(self, ctx, cache, dy):
        return (-dy,), {}
"""


def odd_spec(write_spec):
    layers = ["flatten", {"type": "odd"}, {"type": "dense", "units": 10}]
    return write_spec({**library.load_spec(write_spec()).resolved(), "network": {"layers": layers}})


def test_a_missing_plugin_is_5_with_the_line_that_installs_it(forked, write_spec, plugin):
    environment = plugin(ODD)
    assert forked("train", odd_spec(write_spec), "--run", "r", env=environment).code == 0
    for command in (["resume", "r"], ["evaluate", "r"], ["predict", "r", "x.npy"]):
        result = forked(*command)
        assert result.code == 5
        assert "pip install 'tinynet-odd==1.2'" in result.err
        assert "Traceback" not in result.err


@pytest.mark.parametrize(
    "source", ["import nothing_like_it", "def broken(:", "raise SystemExit(0)"]
)
def test_a_broken_plugin_is_5_and_hurts_nobody_who_does_not_use_it(
    forked, write_spec, plugin, source
):
    environment = plugin(source)
    result = forked("train", odd_spec(write_spec), env=environment)
    assert result.code == 5
    assert "tinynet-odd:odd (version 1.2)" in result.err
    assert "Traceback" not in result.err
    assert forked("check", write_spec(), env=environment).code == 0
