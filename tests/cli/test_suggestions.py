"""A path that leads nowhere: the message says what is there, and the suggestion works."""

import os
import shutil
from pathlib import Path

import pytest


def message(result):
    return result.err.splitlines()[-1].removeprefix("error: ")


@pytest.fixture
def runs(run):
    """Two runs, `runs/small-001` and `runs/small-002`, and a run beside them."""
    for number in (1, 2):
        shutil.copytree(run, Path("runs") / f"small-00{number}")
    return Path("runs")


@pytest.mark.parametrize("word", ["specs.json", "spec", "sepc.json"])
def test_a_spec_that_is_near_is_suggested_and_trains(tinynet, spec, word):
    result = tinynet("train", word)
    assert result.code == 2
    assert message(result) == f"no such file: {word}; did you mean spec.json?"
    assert tinynet("check", "spec.json").code == 0


def test_specs_of_the_folder_are_listed(tinynet, spec):
    Path("folder").mkdir()
    Path("other.json").touch()
    Path("notes.txt").touch()
    for command in ("train", "check", "verify-resume"):
        expected = "no such file: zzzzzz; specs in this folder: other.json, spec.json"
        assert message(tinynet(command, "zzzzzz")) == expected
    assert message(tinynet("train", "folder")) == "folder is a folder, not a spec"
    assert message(tinynet("train", ".")) == (
        ". is a folder, not a spec; specs in it: other.json, spec.json"
    )
    assert message(tinynet("train", "folder/x.json")) == "no such file: folder/x.json"
    assert message(tinynet("train", "a/b.json")) == "no such file: a/b.json (there is no folder a)"


def test_a_dangling_link_is_no_file(tinynet):
    Path("spec.json").symlink_to("gone.json")
    expected = "spec.json is a symbolic link to gone.json, which does not exist, not a spec"
    assert message(tinynet("train", "spec.json")) == expected


def test_a_pipe_is_not_waited_for(tinynet):
    os.mkfifo("spec.json")
    assert message(tinynet("train", "spec.json")) == "spec.json is a pipe, not a spec"


COMMANDS = {
    "resume": ["resume"],
    "evaluate": ["evaluate"],
    "inspect": ["inspect"],
    "summary": ["summary"],
    "export": ["export", "-o", "x.npz"],
    "train --from": ["train", "spec.json", "--run", "r", "--from"],
}


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_a_folder_of_runs_lists_them(tinynet, runs, words):
    result = tinynet(*words, runs)
    assert result.code == 4
    assert message(result) == "runs is not a run folder; runs in it: small-001, small-002"


@pytest.mark.parametrize("word", ["runs/small-01", "runs/smal-001", "small-001"])
@pytest.mark.parametrize("command", ["resume", "evaluate", "inspect"])
def test_a_run_that_is_near_is_suggested_and_is_one(tinynet, runs, command, word):
    result = tinynet(command, word)
    assert result.code == 4
    assert message(result).endswith(f"{word}; did you mean runs/small-001?")
    assert tinynet("inspect", "runs/small-001").code == 0


def test_runs_are_listed_where_none_is_near(tinynet, runs):
    assert message(tinynet("resume", "zzzzzz")) == (
        "no such run: zzzzzz; runs in runs: small-001, small-002"
    )


def test_what_is_no_run_says_what_it_is(tinynet, runs, spec):
    assert message(tinynet("resume", spec.name)) == (
        "spec.json is a file, not a run folder; to train a spec: tinynet train spec.json"
    )
    assert message(tinynet("resume", runs / "small-001" / "checkpoints")) == (
        "runs/small-001/checkpoints is a part of a run; did you mean runs/small-001?"
    )


def test_a_run_without_a_checkpoint_can_be_started_again(tinynet, spec):
    Path("early/checkpoints").mkdir(parents=True)
    result = tinynet("resume", "early")
    remedy = message(result).partition("start it again: tinynet ")[2].replace("SPEC", spec.name)
    assert tinynet(*remedy.split(), "--quiet").code == 0
    assert tinynet("resume", "early").code == 0


def test_a_checkpoint_of_a_run_is_suggested(tinynet, runs):
    result = tinynet("evaluate", "runs/small-001", "--checkpoint", "step-12")
    assert result.code == 4
    start, _, names = message(result).partition("; available: ")
    assert start == "runs/small-001 has no checkpoint step-12"
    for name in names.split(", "):
        assert tinynet("evaluate", "runs/small-001", "--checkpoint", name).code == 0
