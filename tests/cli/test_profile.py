"""`tinynet train --profile` and `tinynet profile`."""

import json

from tests.cli.conftest import DIGITS

SPEC = {**DIGITS, "training": {**DIGITS["training"], "epochs": 6}}


def test_the_table_goes_to_stderr_and_can_be_printed_again(tinynet, folder):
    (folder / "spec.json").write_text(json.dumps(SPEC), encoding="utf-8")
    words = "train spec.json --run run --profile-steps 4 --kernels numpy --json"
    done = tinynet(*words.split())
    assert done.json["finished"]
    table = done.err.splitlines()
    assert table[0].startswith("Profile of 4 steps (steps 7 to 15) of ")
    assert table[-1] == (
        "trace: run/trace.json.gz (open it in https://ui.perfetto.dev); the table again: tinynet"
        " profile run"
    )
    again = tinynet("profile", "run")
    assert again.code == 0
    assert again.out.splitlines()[0] == table[0]
    stored = tinynet("profile", "run", "--json").json
    assert stored["recorded"]["count"] == 4
    layers = [row["name"] for row in stored["rows"] if row["kind"] == "layer"]
    assert layers == ["flatten_1", "dense_1"]


def test_a_run_without_a_profile_says_how_to_get_one(tinynet, folder):
    (folder / "spec.json").write_text(json.dumps(SPEC), encoding="utf-8")
    assert tinynet("train", "spec.json", "--run", "run", "--epochs", 1).code == 0
    refused = tinynet("profile", "run")
    assert refused.code == 4
    assert "run has no profile; add --profile to tinynet train or tinynet resume" in refused.err
    assert "no such run: nothing" in tinynet("profile", "nothing").err
