"""`tinynet export` and `tinynet import`: a round trip by way of another tool's file."""

from pathlib import Path

import numpy as np
import pytest


@pytest.mark.parametrize("ending", ["npz", "safetensors"])
def test_weights_go_out_and_come_back(tinynet, run, spec, ending):
    if ending == "safetensors":
        pytest.importorskip("safetensors")
    out = tinynet("export", run, "-o", f"w.{ending}", "--json")
    assert out.code == 0
    assert (out.json["path"], out.json["arrays"]) == (f"w.{ending}", 2)
    back = tinynet("import", f"w.{ending}", "--spec", spec, "-o", "fresh.msgpack", "--json")
    assert back.code == 0
    assert (back.json["checkpoint"], back.json["elements"]) == ("fresh.msgpack", 650)
    fresh, trained = (
        tinynet("evaluate", path, "--json").json["metrics"] for path in ("fresh.msgpack", run)
    )
    assert fresh == trained


def test_all_exports_the_optimizer_s_state_too(tinynet, run):
    result = tinynet("export", run, "-o", "all.npz", "--all", "--checkpoint", "last")
    assert result.code == 0
    assert "all.npz: " in result.out
    with np.load("all.npz") as file:
        assert "slots/dense_1/weight/first_moment" in file.files


def test_another_spec_lists_what_does_not_fit_with_exit_4(tinynet, run, spec):
    tinynet("export", run, "-o", "w.npz", "--quiet")
    result = tinynet(
        "import", "w.npz", "--spec", spec, "-o", "x.msgpack",
        "--set", "network.layers.dense_1.use_bias=false", "--json",
    )  # fmt: skip
    assert result.code == 4
    assert "dense_1/bias is not in the network" in result.json["error"]["message"]


def test_mistakes_have_their_exit_codes(tinynet, run, spec):
    assert tinynet("export", run, "-o", "w.pt").code == 3
    assert tinynet("export", "nowhere", "-o", "w.npz").code == 4
    assert tinynet("export", run).code == 2
    assert tinynet("import", "nowhere.npz", "--spec", spec, "-o", "x.msgpack").code == 3
    tinynet("export", run, "-o", "w.npz")
    assert tinynet("import", "w.npz", "--spec", "no.json", "-o", "x.msgpack").code == 2
    assert tinynet("import", "w.npz", "--spec", spec, "-o", spec).code == 2


def test_quiet_prints_nothing(tinynet, run, spec):
    assert tinynet("export", run, "-o", "w.npz", "--quiet").out == ""
    words = ("import", "w.npz", "--spec", spec, "-o", "x.msgpack", "--quiet")
    assert tinynet(*words).out == ""


def test_a_damaged_newest_checkpoint_is_not_replaced_by_an_older_one(tinynet, run):
    newest = sorted((run / "checkpoints").iterdir())[-1]
    newest.write_bytes(newest.read_bytes()[:100])
    result = tinynet("export", run, "-o", "w.npz", "--json")
    assert result.code == 4
    assert newest.name in result.json["error"]["message"]
    assert not Path("w.npz").exists()


def test_weights_of_torch_are_planned_and_imported(tinynet, run, spec):
    tinynet("export", run, "-o", "own.npz", "--quiet")
    with np.load("own.npz") as file:
        weight, bias = file["dense_1/weight"], file["dense_1/bias"]
    np.savez("torch.npz", **{"net.1.weight": weight.T, "net.1.bias": bias})
    words = ("import", "torch.npz", "--spec", spec, "--layout", "torch")
    plan = tinynet(*words, "--plan", "--json")
    assert plan.code == 0
    sources = [tensor["source"]["address"] for tensor in plan.json["tensors"]]
    assert sources == ["net.1.weight", "net.1.bias"]
    assert "from net.1.weight (10, 64): transposed" in tinynet(*words, "--plan").out
    assert tinynet(*words).code == 2
    assert tinynet(*words, "-o", "fresh.msgpack").code == 0
    fresh, trained = (
        tinynet("evaluate", path, "--json").json["metrics"] for path in ("fresh.msgpack", run)
    )
    assert fresh == trained
    assert tinynet("train", spec, "--layout", "torch").code == 2
    assert tinynet("train", spec, "--from", run, "--layout", "torch").code == 2
