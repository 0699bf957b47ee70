"""`tinynet init` on the command line."""

import json

import pytest

TABLE = "x,kind\n" + "".join(f"{i % 7}.5,{'ab'[i % 7 > 3]}\n" for i in range(80))


@pytest.fixture
def table(folder):
    (folder / "things.csv").write_text(TABLE)
    return folder


def test_the_printed_commands_work(table, tinynet):
    made = tinynet("init", "things.csv", "--target", "kind")
    assert made.code == 0
    lines = made.out.splitlines()
    assert lines[0].startswith("things.json: a network of ")
    assert lines[1] == "data: 56 samples for training, 12 for validation, 12 for the test"
    assert lines[-1] == "train it with: tinynet train things.json"
    trained = tinynet("train", "things.json", "--set", "training.epochs=2", "--run", "run")
    assert trained.code == 0, trained.err
    assert tinynet("check", "things.json").code == 0


def test_json_has_the_spec(table, tinynet):
    result = tinynet("init", "things.csv", "--target", "kind", "-o", "s.json", "--json").json
    assert result["spec"] == json.loads((table / "s.json").read_text())
    assert result["samples"] == {"train": 56, "val": 12, "test": 12}


def test_data_elsewhere_are_trained_with_the_printed_root(table, tinynet, monkeypatch):
    (table / "work").mkdir()
    monkeypatch.chdir(table / "work")
    made = tinynet("init", "../things.csv", "--target", "kind")
    command = made.out.splitlines()[-1].removeprefix("train it with: tinynet ").split()
    assert "--data-root" in command
    assert tinynet(*command, "--set", "training.epochs=1").code == 0


def test_without_a_source_templates_are_listed(tinynet):
    listed = tinynet("init").out
    assert "digits_cnn" in listed
    assert tinynet("init", "digits_cnn").code == 0
    assert tinynet("train", "digits_cnn.json", "--set", "training.epochs=1").code == 0
    names = [t["name"] for t in tinynet("init", "--json").json["templates"]]
    assert names == sorted(names)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("things.csv",), "such as --target kind; its columns: 'x', 'kind'"),
        (("things.csv", "--target", "kin"), "has no column 'kin'; did you mean 'kind'?"),
        (("thing.csv", "--target", "kind"), "did you mean things.csv?"),
        ((".", "--target", "kind"), "for all tables in it: tinynet init '*.csv'"),
        (("things.csv", "--target", "kind", "--set", "training.epochs=1"), "options of a table"),
    ],
)
def test_mistakes_are_explained(table, tinynet, words, message):
    result = tinynet("init", *words)
    assert result.code in (2, 3)
    assert message in result.err
    assert not list(table.glob("*.json"))
