"""`tinynet diff`: the same, or what differs."""

import json
import re

import numpy as np
import pytest

from tinynet import archive


@pytest.fixture
def other(tinynet, run, write_spec):
    """A run of the same spec but for its rate."""
    optimizer = {"type": "adam", "learning_rate": 0.02}
    spec = write_spec(name="other.json", optimizer=optimizer)
    assert tinynet("train", spec, "--run", "other", "--quiet").code == 0
    return run.with_name("other")


def test_a_run_and_itself_are_equal(tinynet, run):
    result = tinynet("diff", run, run)
    assert result.code == 0
    assert "equal: yes" in result.out
    assert "spec: equal" in result.out


def test_two_runs_differ_in_what_differs(tinynet, run, other):
    result = tinynet("diff", run, other)
    assert result.code == 0
    assert "/training/optimizer/learning_rate: 0.01 -> 0.02 [safe]" in result.out
    assert re.search(r"^  params/dense_1/weight +[\d,]+ of 640 ", result.out, re.M)
    assert "equal: no" in result.out
    first, second = re.findall(r"tensors ([0-9a-f]{32})$", result.out, re.M)
    assert first != second


def test_a_program_is_told_equal_or_not_with_exit_0(tinynet, run, other):
    """Exit code 1 means a failure of ours; a script asks for "equal"."""
    same, differ = (tinynet("diff", run, b, "--json") for b in (run, other))
    assert (same.code, same.json["equal"]) == (0, True)
    assert (differ.code, differ.json["equal"]) == (0, False)
    assert same.json["a"]["digest"] == differ.json["a"]["digest"] != differ.json["b"]["digest"]
    weight = next(t for t in differ.json["tensors"] if t["name"] == "params/dense_1/weight")
    assert weight["kind"] == "values"
    assert weight["max_abs"] > 0


def test_every_kind_of_tensor_difference_is_printed(tinynet, folder):
    zeros = np.zeros(2)
    for name, tensors in (
        ("a", {"old": zeros, "shape": zeros, "value": zeros}),
        ("b", {"new": zeros, "shape": np.zeros((), np.float32), "value": zeros + np.nan}),
    ):
        archive.write(name, {"spec": {}}, tensors, run_id=name, step=0)
    result = tinynet("diff", "a", "b")
    assert result.code == 0
    assert "old: only in a" in result.out
    assert "new: only in b" in result.out
    assert "shape: float64 2 -> float32 scalar" in result.out
    assert re.search(r"value +2 of 2 +nan +inf|value +2 of 2 +nan", result.out)
    value = tinynet("diff", "a", "b", "--json").json
    assert value["tensors"][-1]["max_abs"] is None


def test_specs_are_compared_without_tensors(tinynet, run, spec, write_spec):
    longer = write_spec(name="longer.json", epochs=9)
    result = tinynet("diff", spec, longer)
    assert "/training/epochs: 2 -> 9 [safe]" in result.out
    assert "tensors" not in result.out
    assert tinynet("diff", run, spec, "--json").json["equal"] is True


def test_a_skipped_checkpoint_is_told_on_stderr(tinynet, run):
    newest = sorted((run / "checkpoints").iterdir())[-1]
    newest.write_bytes(newest.read_bytes()[:100])
    result = tinynet("diff", run, run, "--json")
    assert result.code == 0
    assert newest.name in result.err
    assert result.json["a"]["path"] != str(newest)


def test_what_cannot_be_read_is_an_exit_code(tinynet, run, folder):
    assert tinynet("diff", run, "nowhere").code == 4
    (folder / "bad.json").write_text("{")
    assert tinynet("diff", run, "bad.json").code == 2


def test_a_stranger_s_text_cannot_steer_the_terminal(tinynet, folder):
    for name, evil in (("a", "\x1b[2J"), ("b", "\x9b2J\n")):
        sections = {"spec": {"name": evil, evil: 1}, "progress": {evil: {"x": evil}}}
        archive.write(name, sections, {}, run_id=name, step=0)
    result = tinynet("diff", "a", "b")
    assert result.code == 0
    assert all(c.isprintable() or c == "\n" for c in result.out)
    assert json.dumps(tinynet("diff", "a", "b", "--json").json)
