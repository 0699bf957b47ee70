"""`tinynet convert`: the logic is tested in tests/commands/test_convert.py."""

import json

import numpy as np
import pytest


@pytest.fixture
def table(folder):
    (folder / "table.csv").write_text("a,b,kind\n1,2.5,dog\n3,-4,cat\n")
    return "table.csv"


def test_the_lines_for_a_spec_are_printed_and_work(tinynet, table, folder):
    result = tinynet("convert", table, "out", "--target", "kind")
    assert result.code == 0
    assert result.err == ""
    first, second, line = result.out.splitlines()
    assert (first, second) == ("out: 2 rows", "in a spec:")
    spec = {
        "tinynet": 1,
        "name": "converted",
        "data": json.loads(line.strip().removeprefix('"data": ')),
        "network": {"layers": [{"type": "dense", "units": 2}]},
        "training": {
            "epochs": 1,
            "batch_size": 2,
            "loss": "softmax_cross_entropy",
            "optimizer": {"type": "sgd", "learning_rate": 0.1},
        },
    }
    (folder / "spec.json").write_text(json.dumps(spec))
    assert tinynet("train", "spec.json", "--run", "r", "--quiet").code == 0


def test_json_holds_the_result(tinynet, table):
    result = tinynet("convert", table, "out", "--columns", "b, a", "--json").json
    assert (result["destination"], result["rows"]) == ("out", 2)
    assert result["features"] == ["b", "a"]
    assert result["files"] == ["data.json", "features.json", "inputs.npy"]


def test_parquet_lists_its_columns(tinynet, table):
    pytest.importorskip("pyarrow", reason="writes Parquet")
    result = tinynet("convert", table, "t.parquet", "--target", "kind")
    assert "  kind: string" in result.out.splitlines()
    assert '{"type": "parquet", "path": "t.parquet", "target": "kind"}' in result.out


def test_a_dialect_has_options(tinynet, folder):
    (folder / "t.tsv").write_bytes("x\n1.5\t1 000,5\n".encode("utf-16"))
    words = ["--no-header", "--skip-rows", 1, "--thousands", " ", "--encoding", "utf-16"]
    assert tinynet("convert", "t.tsv", "o", "--columns", "1", *words, "--decimal", ",").code == 0
    assert np.load("o/inputs.npy").tolist() == [[1000.5]]


def test_npz_lists_its_arrays(tinynet):
    np.savez("z.npz", x=np.zeros((2, 3)))
    assert tinynet("convert", "z.npz", "out").out == "out/x.npy: shape (2, 3)\n"
    assert tinynet("convert", "z.npz", "again", "--quiet").out == ""


def test_mistakes_have_their_exit_codes(tinynet, table):
    assert tinynet("convert", "nowhere.csv", "out").code == 3
    assert tinynet("convert", table).code == 2
    assert tinynet("convert", table, "out", "--decimal", "x").code == 2
    assert tinynet("convert", table, "out").code == 3  # a column of text
    tinynet("convert", table, "out", "--columns", "a")
    result = tinynet("convert", table, "out", "--columns", "a", "--json")
    assert result.code == 2
    assert "--force" in result.json["error"]["message"]
    assert tinynet("convert", table, "out", "--columns", "a", "--force").code == 0
