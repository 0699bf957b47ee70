"""`tinynet inspect`: what is in a checkpoint or a run, for people and for programs."""

import re

import numpy as np

from tinynet import archive


def newest(run):
    return sorted((run / "checkpoints").iterdir())[-1]


def damage(path):
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def test_a_checkpoint_is_told_to_a_person(tinynet, run):
    result = tinynet("inspect", newest(run))
    assert result.code == 0
    assert re.search(r"^size +[\d,]+ bytes, version 1 of the format$", result.out, re.M)
    assert re.search(r"^spec +small, digest [0-9a-f]{32}$", result.out, re.M)
    assert re.search(r"^  layers:dense +.*distribution tinynet-core, .*version", result.out, re.M)
    assert re.search(r"^params: 2 tensors, 2,600 bytes$", result.out, re.M)
    assert re.search(r"^  dense_1/weight +float32 +64x10 +2,560$", result.out, re.M)
    assert "--verify" in result.out


def test_a_checkpoint_is_told_to_a_program(tinynet, run):
    value = tinynet("inspect", newest(run), "--verify", "--json").json
    assert value["path"] == str(newest(run))
    assert (value["format"], value["verified"], value["not_finite"]) == (1, True, [])
    assert value["size"] == newest(run).stat().st_size
    assert value["step"] == value["sections"]["progress"]["step"]
    assert value["sections"]["spec"]["name"] == "small"
    weight = next(t for t in value["tensors"] if t["name"] == "params/dense_1/weight")
    assert (weight["dtype"], weight["shape"], weight["bytes"]) == ("float32", [64, 10], 2560)


def test_a_run_lists_its_checkpoints(tinynet, run):
    result = tinynet("inspect", run, "--verify")
    assert result.code == 0
    assert result.out.count("whole") == 3
    assert re.search(r"step-0+\.msgpack +0 +[\d,]+ +whole", result.out)
    assert "best, last" in result.out
    value = tinynet("inspect", run, "--json").json
    assert [c["last"] for c in value["checkpoints"]] == [False, False, True]


def test_a_damaged_checkpoint_of_a_run_is_listed_with_the_reason(tinynet, run):
    damage(newest(run))
    result = tinynet("inspect", run, "--verify")
    assert result.code == 0
    assert "does not match its digest" in result.out
    problems = [
        c["problem"] for c in tinynet("inspect", run, "--verify", "--json").json["checkpoints"]
    ]
    assert problems[:2] == [None, None]
    assert "does not match its digest" in problems[2]


def test_run_with_only_damaged_checkpoints_is_listed_and_exit_4(tinynet, run):
    files = sorted((run / "checkpoints").iterdir())
    for path in files:
        damage(path)
    assert tinynet("inspect", run).code == 0, "the bytes of tensors are not read"
    result = tinynet("inspect", run, "--verify")
    assert result.code == 4
    assert result.out.count("does not match its digest") == len(files) == 3
    first, *others = result.err.splitlines()
    assert first.startswith(f"error: no checkpoint of {run} is intact; restore one of these files")
    assert [line.split(":")[0] for line in others] == [f"  {path}" for path in files]
    listed = tinynet("inspect", run, "--verify", "--json")
    assert listed.code == 4
    assert [c["path"] for c in listed.json["checkpoints"]] == list(map(str, files))
    assert all("does not match" in c["problem"] for c in listed.json["checkpoints"])


def test_run_with_unreadable_checkpoints_alone_is_exit_4(tinynet, run):
    for path in (run / "checkpoints").iterdir():
        path.write_bytes(b"nonsense")
    assert tinynet("inspect", run).code == 4


def test_run_whose_checkpoints_were_all_set_aside_is_exit_4(tinynet, run):
    for path in (run / "checkpoints").iterdir():
        path.rename(path.with_name(f"{path.name}.bad"))
    result = tinynet("inspect", run)
    assert result.code == 4
    assert result.out.count("set aside as damaged: step-") == 3
    assert "holds no checkpoint that can be read" in result.err


def test_a_damaged_checkpoint_named_alone_is_exit_4(tinynet, run):
    damage(newest(run))
    result = tinynet("inspect", newest(run), "--verify")
    assert (result.code, result.out) == (4, "")
    assert "does not match its digest" in result.err


def test_what_is_no_run_and_no_checkpoint_is_exit_4(tinynet, folder):
    (folder / "x.msgpack").write_bytes(b"something else")
    for path in ("nowhere", ".", "x.msgpack"):
        result = tinynet("inspect", path, "--json")
        assert result.code == 4
        assert result.json["error"]["message"]


def test_a_checkpoint_needs_none_of_its_plugins(forked, plugin, folder):
    """Not even one that is installed and would do harm when imported."""
    types = {"layers:odd": {"entry": "tinynet-odd:odd", "distribution": "tinynet-odd"}}
    spec = {"name": "odd", "network": {"layers": [{"type": "odd"}]}}
    archive.write("c.msgpack", {"spec": spec, "types": types}, {}, run_id="r", step=0)
    environment = plugin("raise SystemExit(99)\n")
    result = forked("inspect", "c.msgpack", env=environment)
    assert result.code == 0
    assert "tinynet-odd:odd" in result.out


def test_a_stranger_s_text_cannot_steer_the_terminal(tinynet, folder):
    evil = "\x1b]0;owned\x07\n\u202e\x9b2J"
    sections = {"spec": {"name": evil}, evil: {evil: [evil]}, "types": {"a": {evil: evil}}}
    archive.write("c.msgpack", sections, {"w": np.zeros(1)}, run_id="r", step=0)
    result = tinynet("inspect", "c.msgpack")
    assert result.code == 0
    assert all(c.isprintable() or c == "\n" for c in result.out)
    assert "owned" in result.out


def test_sections_of_any_kind_are_printed(tinynet, folder):
    sections = {"spec": 3, "a": 0, "b": [], "c": {}, "d": None, "e": [{"f": {"g": [1, None]}}]}
    archive.write("c.msgpack", sections, {}, run_id="r", step=0)
    result = tinynet("inspect", "c.msgpack")
    assert result.code == 0
    assert "\nb: none\n" in result.out
    assert "f (g [1, null])" in result.out
