"""Starter projects: each can be trained as it is."""

import json

import pytest

import tinynet
from tinynet.commands.init.templates import templates
from tinynet.commands.project.new_project import new_project
from tinynet.errors import DataError, UsageError

TABLE = "size,kind\n" + "".join(f"{i % 7},{'ab'[i % 7 > 3]}\n" for i in range(200))


@pytest.mark.parametrize("template", [part.name for part in templates()])
def test_a_project_of_every_template(tmp_path, template):
    project = new_project("my-net", template, into=tmp_path)
    assert project.folder == tmp_path / "my-net"
    assert set(project.files) >= {"README.md", "train.py", ".gitignore", "my-net.json"}
    assert tinynet.load_spec(project.folder / "my-net.json").name == "my-net"
    readme = (project.folder / "README.md").read_text()
    assert "tinynet train my-net.json" in readme
    assert "$" not in readme
    assert not any("/.my-net" in note for note in project.spec.notes)


def test_a_project_of_a_table_holds_a_copy_and_trains(tmp_path, monkeypatch):
    data = tmp_path / "flowers.csv"
    data.write_text(TABLE)
    project = new_project("flowers", data, targets=["kind"], into=tmp_path)
    data.unlink()
    monkeypatch.chdir(project.folder)
    spec = json.loads((project.folder / "flowers.json").read_text())
    assert spec["data"]["path"] == "data/flowers.csv"
    run = tinynet.train("flowers.json", overrides={"training.epochs": 1})
    assert run.path.relative_to(project.folder).parts == ("runs", "flowers-001")


def test_nothing_is_left_of_a_project_that_fails(tmp_path):
    data = tmp_path / "flowers.csv"
    data.write_text(TABLE)
    with pytest.raises(UsageError, match="'knd'"):
        new_project("flowers", data, targets=["knd"], into=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["flowers.csv"]


@pytest.mark.parametrize(
    ("name", "source", "error", "message"),
    [
        ("a/b", None, UsageError, "cannot be the name of a project.*try 'a-b'"),
        ("-x", None, UsageError, "try 'x'"),
        ("there", None, UsageError, "exists already; choose another name"),
        ("fine", "nothing.csv", DataError, "no such file or folder"),
        ("fine", ".", UsageError, "is a folder, which is not copied"),
    ],
)
def test_wrong_names_and_sources_are_refused(tmp_path, monkeypatch, name, source, error, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    with pytest.raises(error, match=message):
        new_project(name, source)
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
