"""`tinynet train`: a run from a spec, with progress on stderr and the result on stdout."""

import json
import os
import resource
import sys
from pathlib import Path

import numpy as np
import pytest

import tinynet as library


def params(run):
    return dict(library.load_model(run, "last").network.params)


def test_output_ends_with_test_figures_run_and_checkpoint(tinynet, spec):
    result = tinynet("train", spec)
    assert result.code == 0
    figures, run, checkpoint = result.out.splitlines()
    assert figures.startswith("test (180 samples): loss ")
    assert "accuracy 0." in figures
    assert run == "run: runs/small-001"
    assert checkpoint == ("best checkpoint: runs/small-001/checkpoints/step-000000000012.msgpack")


def test_without_keep_best_it_names_the_last_checkpoint(tinynet, write_spec):
    result = tinynet("train", write_spec(checkpoint={}))
    assert "\nlast checkpoint: runs/small-001/checkpoints/step-000000000012" in result.out


def test_paths_outside_the_current_folder_are_shown_whole(tinynet, spec, folder, monkeypatch):
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    result = tinynet("train", spec, "--run", folder / "there")
    assert f"run: {folder / 'there'}\n" in result.out


def test_every_run_gets_a_folder_of_its_own(tinynet, spec):
    for number in (1, 2, 3):
        assert f"run: runs/small-{number:03d}\n" in tinynet("train", spec, "--quiet").out


def test_progress_goes_to_stderr_a_row_for_each_epoch(tinynet, spec):
    lines = tinynet("train", spec).err.splitlines()
    assert lines[0] == "runs/small-001 (12 steps, 2 epochs)"
    assert lines[1] == (
        "data: 1,437 samples for training, 180 for validation, 180 for the test"
        " (validation and test: 10% by default, set by data.split)"
    )
    assert lines[2].split() == [
        "epoch", "train/loss", "train/accuracy", "val/loss", "val/accuracy", "samples/s"
    ]  # fmt: skip
    assert lines[3].split()[0] == "1/2"
    assert lines[3].endswith("  best")
    assert lines[4].split()[0] == "2/2"
    assert lines[5].startswith("Best epoch ")
    assert len(lines) == 6


def test_quiet_leaves_only_the_result(tinynet, spec):
    result = tinynet("train", spec, "--quiet")
    assert result.err == ""
    assert len(result.out.splitlines()) == 3


def test_json_is_one_object_on_stdout_and_nothing_else(process, spec, folder):
    result = process("train", spec, "--json")
    assert result.code == 0
    assert result.err == ""
    report = result.json
    assert report["run"] == str(folder / "runs" / "small-001")
    assert Path(report["checkpoint"]).is_file()
    assert (report["step"], report["epoch"], report["finished"]) == (12, 2, True)
    assert report["seconds"] > 0
    assert set(report["metrics"]) == {
        f"{split}/{figure}" for split in ("train", "val", "test") for figure in ("loss", "accuracy")
    }


def test_a_run_is_never_trained_over(tinynet, spec, run):
    before = (run / "metrics.jsonl").read_bytes()
    result = tinynet("train", spec, "--run", run)
    assert result.code == 2
    assert result.err == (
        f"error: {run} already exists; continue it with resume=True (--resume), or choose"
        " another folder\n"
    )
    assert (run / "metrics.jsonl").read_bytes() == before


def test_run_and_resume_is_one_line_that_starts_and_goes_on(tinynet, spec, write_spec):
    line = ("train", spec, "--run", "mine", "--resume")
    assert tinynet(*line).err.startswith("mine (12 steps, 2 epochs)\n")
    again = tinynet(*line)
    assert again.code == 0
    assert again.err == (
        "mine has already finished (step 12). To train longer: tinynet resume mine --set"
        " training.epochs=4\n"
    )
    write_spec(epochs=3)
    longer = tinynet(*line, "--json")
    assert longer.json["step"] == 18


def test_resume_wants_the_runs_folder_named(tinynet, spec):
    result = tinynet("train", spec, "--resume")
    assert result.code == 2
    assert "--run" in result.err


def test_set_changes_the_spec_before_it_is_checked(tinynet, spec):
    result = tinynet(
        "train", spec, "--json",
        "--set", "training.epochs=1",
        "--set", "name=other",
        "--set", 'training.optimizer={"type": "sgd"}',
        "--set", "network.layers.dense_1.use_bias=false",
    )  # fmt: skip
    run = Path(result.json["run"])
    assert run.name == "other-001"
    assert result.json["epoch"] == 1
    written = json.loads((run / "spec.json").read_text())
    assert written["training"]["optimizer"]["type"] == "sgd"
    assert set(params(run)) == {"dense_1/weight"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("training.epochs", "'training.epochs' is not of the form PATH=JSON"),
        ("=3", "'=3' is not of the form PATH=JSON"),
        ("training.epochs=0", " training.epochs)"),
        ("training.epoch=3", "did you mean 'epochs'?"),
        ("network.layers.dense_2.units=3", "there is no node 'dense_2'; did you mean 'dense_1'?"),
    ],
)
def test_a_wrong_set_is_explained(tinynet, spec, change, message):
    result = tinynet("train", spec, "--set", change)
    assert result.code == 2
    assert message in result.err
    assert not Path("runs").exists()


def test_the_number_of_threads_changes_no_bit(tinynet, spec):
    for threads in (1, 3):
        assert tinynet("train", spec, "--run", f"t{threads}", "--threads", threads).code == 0
    one, three = params("t1"), params("t3")
    assert all(np.array_equal(one[name], three[name]) for name in one)


def test_data_root_says_where_relative_paths_start(tinynet, table_spec, folder):
    (folder / "elsewhere").mkdir()
    (folder / "table.csv").rename(folder / "elsewhere" / "table.csv")
    assert tinynet("train", table_spec).code == 3
    result = tinynet("train", table_spec, "--data-root", "elsewhere", "--run", "r")
    assert result.code == 0
    assert tinynet("evaluate", "r").code == 0, "a run remembers its data root"
    assert tinynet("train", table_spec, "--data-root", "nowhere").code == 2


def test_max_params_refuses_a_network_before_it_takes_memory(tinynet, spec):
    large = "network.layers.dense_1.units=1000000000000"
    result = tinynet("train", spec, "--set", large)
    assert result.code == 2
    assert "256,000,000,000,000 bytes" in result.err
    assert tinynet("train", spec, "--max-params", 649).code == 2
    assert tinynet("train", spec, "--max-params", 650, "--quiet").code == 0


@pytest.mark.parametrize("words", [["train"], ["train", "a", "b"], ["train", "a", "--nope"], ["x"]])
def test_wrong_usage_is_2_and_says_how_to_get_help(tinynet, words):
    result = tinynet(*words)
    assert result.code == 2
    assert "--help" in result.err
    assert tinynet(*words, "--json").json["error"]["message"]


def test_bad_data_is_3_and_names_file_and_row(tinynet, table_spec, folder):
    with (folder / "table.csv").open("a") as file:
        file.write("1.0,much,rose\n")
    result = tinynet("train", table_spec)
    assert result.code == 3
    assert f"{folder / 'table.csv'}: column 'height' holds text ('much'; line 62)" in result.err
    assert not Path("runs").exists()


def test_a_folder_that_cannot_be_made_is_4(tinynet, spec):
    result = tinynet("train", spec, "--run", spec / "run")
    assert result.code == 4
    assert f"{spec} is a file, and a folder is expected there" in result.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_folder_is_4(tinynet, spec, folder):
    (folder / "locked").mkdir(mode=0o555)
    assert tinynet("train", spec, "--run", "locked/run").code == 4


@pytest.mark.skipif(sys.platform != "linux", reason="needs RLIMIT_FSIZE as Linux has it")
def test_a_disk_that_refuses_is_4_and_leaves_no_half_written_file(process, spec, folder):
    def no_large_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    result = process("train", spec, "--run", "r", preexec_fn=no_large_files)
    assert result.code == 4
    assert "File too large" in result.err
    assert "Traceback" not in result.err
    assert list((folder / "r" / "checkpoints").iterdir()) == []


def test_divergence_is_6_and_names_step_and_layer(tinynet, write_spec):
    spec = write_spec(optimizer={"type": "sgd", "learning_rate": 1e38})
    result = tinynet("train", spec, "--run", "r")
    assert result.code == 6
    assert "not finite" in result.err
    assert "step" in result.err
    assert tinynet("evaluate", "r", "--checkpoint", "last").code == 0, "the last good one is kept"


def test_debug_adds_the_traceback_and_changes_nothing_else(tinynet, spec):
    plain = tinynet("train", "missing.json")
    debug = tinynet("train", "missing.json", "--debug")
    assert plain.code == debug.code == 2
    assert "Traceback" in debug.err
    assert debug.err.endswith(plain.err)


def test_an_error_is_an_object_too_with_json(tinynet, write_spec):
    result = tinynet("train", write_spec(epochs=0, batch_size=0), "--json")
    assert result.code == 2
    error = result.json["error"]
    assert error["type"] == "SpecError"
    assert error["source"].endswith("spec.json")
    assert [problem["pointer"] for problem in error["problems"]] == [
        "/training/epochs",
        "/training/batch_size",
    ]
    assert all(problem["line"] == 1 for problem in error["problems"])


def test_too_many_threads_are_a_usage_error(tinynet, write_spec):
    result = tinynet("train", write_spec(), "--threads", "100000")
    assert result.code == 2
    assert "100000 is not in the range 1<=x<=1024" in result.err
