"""The options suggested for data outside of a spec's folder work as they are printed."""

import json
import shlex

import pytest

from .conftest import TABLE

TEXT = "a,kind\n" + "".join(f"{i % 7},{'xy'[i % 2]}\n" for i in range(60))


@pytest.fixture
def train(tinynet, folder):
    """Write files and a spec that names them, then train in ``specs``."""

    def train(data, *files, options=()):
        for file in files:
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(TEXT)
        (folder / "specs").mkdir(exist_ok=True)
        spec = {**TABLE, "data": {"type": "csv", "target": "kind", **data}}
        spec["training"] = {**TABLE["training"], "epochs": 1}
        (folder / "specs" / "s.json").write_text(json.dumps(spec))
        return tinynet("train", "specs/s.json", "--run", "run", *options)

    return train


def suggested(result):
    assert result.code == 3
    assert not result.out
    return shlex.split(result.err.strip().partition("to allow it, add: ")[2])


@pytest.mark.parametrize("file", ["table.csv", "my data/it's 1.csv", "12", "true", "specs2/t.csv"])
def test_a_path_beside_the_specs_folder(train, folder, file):
    data = {"path": f"../{file}"}
    refused = train(data, file)
    assert f"'../{file}'" in refused.err or f'"../{file}"' in refused.err
    assert f"(data.path) leads to {folder / file}, outside of {folder / 'specs'}" in refused.err
    options = suggested(refused)
    assert options[:2] == ["--data-root", str((folder / file).parent)]
    assert train(data, options=options).code == 0


def test_an_absolute_path_needs_a_data_root_alone(train, folder):
    data = {"path": str(folder / "far" / "t.csv")}
    options = suggested(train(data, "far/t.csv"))
    assert options == ["--data-root", str(folder / "far")]
    assert train(data, options=options).code == 0


def test_all_paths_are_listed_and_those_inside_are_written_anew(train, folder):
    """Relative paths start at the data root, so a new one moves those that were right."""
    data = {
        "path": "own/t.csv",
        "validation": {"type": "csv", "target": "kind", "path": "../val/t.csv"},
        "test": {"type": "csv", "target": "kind", "path": str(folder / "test" / "t.csv")},
    }
    refused = train(data, "specs/own/t.csv", "val/t.csv", "test/t.csv")
    assert "(data.validation.path)" in refused.err
    assert "(data.test.path)" in refused.err
    assert "(data.path)" not in refused.err
    options = suggested(refused)
    assert "data.path=specs/own/t.csv" in options
    assert train(data, options=options).code == 0


def test_a_path_to_nothing_suggests_no_option(train):
    refused = train({"path": "../nothing.csv"})
    assert refused.code == 3
    assert "nothing.csv does not exist: correct the path" in refused.err
    assert "--data-root" not in refused.err
