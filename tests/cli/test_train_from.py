"""`tinynet train --from`: the plan on stderr, its refusals, and `--plan` alone."""

import json
import shlex
from pathlib import Path

import pytest


@pytest.fixture
def wider(folder, spec):
    """The spec of a run with two more classes than the run `done` has."""
    changed = json.loads(spec.read_text())
    changed["network"]["layers"][1]["units"] = 12
    path = folder / "wider.json"
    path.write_text(json.dumps(changed))
    return path


OVERLAP = ("--map", "dense_1=dense_1", "--overlap", "dense_1/*")
SOURCE = "done/checkpoints/step-000000000012.msgpack"


def test_the_plan_is_told_before_the_run(tinynet, run, spec):
    result = tinynet("train", spec, "--from", run)
    assert result.code == 0
    assert result.err.splitlines()[:4] == [
        f"from {SOURCE}: 2 carried",
        "carried     dense_1/weight (64, 10)",
        "carried     dense_1/bias (10,)",
        "runs/small-001 (12 steps, 2 epochs)",
    ]


def test_quiet_still_says_what_the_run_starts_from(tinynet, run, wider):
    for option in ("--quiet", "--json"):
        result = tinynet("train", wider, "--from", run, option, *OVERLAP)
        start, warning = result.err.splitlines()
        assert start == f"from {SOURCE}: 2 overlapped"
        assert "12 units, but 'target' has only 10 classes" in warning
    assert result.json["step"] == 12


def test_a_source_that_does_not_fit_is_exit_4_with_the_options_that_would(tinynet, run, wider):
    result = tinynet("train", wider, "--from", run)
    assert result.code == 4
    assert result.out == ""
    assert result.err.splitlines()[0] == "error: the checkpoint does not fit the network:"
    assert "--allow-new 'dense_1/*'" in result.err
    assert "--allow-dropped 'dense_1/*'" in result.err
    assert "--map" not in result.err, "no other name would make the shapes equal"
    assert not Path("runs").exists()


def test_what_the_message_says_is_what_works(tinynet, run, wider):
    allowed = ("--allow-new", "dense_1/*", "--allow-dropped", "dense_1/*")
    assert tinynet("train", wider, "--from", run, "--quiet", *allowed).code == 0


def test_plan_prints_what_would_happen_and_stops(tinynet, run, wider):
    result = tinynet("train", wider, "--from", run, "--plan", *OVERLAP)
    assert result.code == 0
    assert result.out.splitlines() == [
        f"from {SOURCE}: 2 overlapped",
        "overlapped  dense_1/weight (64, 12), [:64, :10] of it from dense_1/weight (64, 10)",
        "overlapped  dense_1/bias (12,), [:10] of it from dense_1/bias (10,)",
        "note        dense_1: units 10 -> 12",
    ]
    assert not Path("runs").exists()


def test_a_plan_that_is_refused_shows_what_would_be_carried_too(tinynet, run, spec):
    """Only what is wrong would not tell whether most of the network fits."""
    wrong = json.loads(Path(spec).read_text())
    last = wrong["network"]["layers"][-1]
    wrong["network"]["layers"] += [{**last, "name": "extra"}, {**last, "units": 10, "name": "end"}]
    wrong["network"]["layers"][-3] = {**last, "units": 12}
    Path("wrong.json").write_text(json.dumps(wrong))
    line = ("train", "wrong.json", "--from", run, "--plan", "--map", "dense_1=dense_1")
    result = tinynet(*line)
    assert result.code == 4
    *plan, options = result.out.splitlines()
    assert plan == [
        f"from {SOURCE}: 4 new, 2 differs",
        "differs     dense_1/weight (64, 12), in the checkpoint dense_1/weight (64, 10)",
        "differs     dense_1/bias (12,), in the checkpoint dense_1/bias (10,)",
        "new         extra/weight (12, 10)",
        "new         extra/bias (10,)",
        "new         end/weight (10, 10)",
        "new         end/bias (10,)",
        "note        dense_1: units 10 -> 12",
    ]
    assert "error: the checkpoint does not fit the network:" in result.err
    added = shlex.split(options.removeprefix("to allow this, add: "))
    allowed = tinynet(*line, *added)
    assert allowed.code == 0, allowed.err
    assert "2 dropped" in allowed.out
    refusal = tinynet(*line, "--json")
    assert refusal.code == 4
    assert shlex.split(" ".join(refusal.json["options"])) == added
    assert [tensor["action"] for tensor in refusal.json["tensors"]] == ["differs"] * 2 + ["new"] * 4
    assert refusal.json["error"]["message"].startswith("the checkpoint does not fit the network")
    assert not Path("runs").exists()


def test_plan_as_data(tinynet, run, wider):
    result = tinynet("train", wider, "--from", SOURCE, "--plan", "--json", *OVERLAP).json
    assert result["checkpoint"] == SOURCE
    assert result["notes"] == ["dense_1: units 10 -> 12"]
    assert result["tensors"][1] == {
        "action": "overlapped",
        "source": {"address": "dense_1/bias", "shape": [10], "dtype": "float32"},
        "target": {"address": "dense_1/bias", "shape": [12], "dtype": "float32"},
    }


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--plan"], "--plan needs --from"),
        (["--overlap", "*"], "--overlap needs --from"),
        (["--keep-preprocessing"], "--keep-preprocessing needs --from"),
        (["--from", "done", "--map", "a"], "'a' is not of the form OLD=NEW"),
        (["--from", "done", "--map", "a=b", "--map", "a=b"], "'a=b' is given twice"),
    ],
)
def test_bad_usage_is_told(tinynet, spec, words, message):
    result = tinynet("train", spec, *words)
    assert result.code == 2
    assert message in result.err


def test_one_node_may_be_loaded_into_several(tinynet, run, wider):
    changed = json.loads(wider.read_text())
    last = {**changed["network"]["layers"][-1], "units": 10}
    heads = [{**last, "name": name, "inputs": "flatten_1"} for name in ("left", "right")]
    changed["network"]["layers"][-1:] = [*heads, {"type": "add", "inputs": ["left", "right"]}]
    wider.write_text(json.dumps(changed))
    maps = ("--map", "dense_1=left", "--map", "dense_1=right")
    result = tinynet("train", wider, "--from", run, "--plan", *maps)
    assert result.code == 0, result.err
    assert result.out.splitlines()[0] == f"from {SOURCE}: 4 carried"
