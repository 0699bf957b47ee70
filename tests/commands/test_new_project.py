"""Starter projects: each can be trained as it is."""

import json
import runpy
from pathlib import Path

import pytest

import tinynet
from tinynet.commands.init.new_spec import new_spec
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
    monkeypatch.chdir(tmp_path)  # train.py runs from any folder, and changes to its own
    spec = json.loads((project.folder / "flowers.json").read_text())
    assert spec["data"]["path"] == "data/flowers.csv"
    script = runpy.run_path(str(project.folder / "train.py"))
    assert (project.folder / script["run"].path).samefile(project.folder / "runs/flowers-001")


def test_messages_name_the_file_that_was_given(tmp_path, monkeypatch):
    """The copy in a temporary folder is gone when the message is read."""
    monkeypatch.chdir(tmp_path)
    Path("my flowers.csv").write_text(TABLE)
    with pytest.raises(UsageError) as caught:
        new_project("p", "my flowers.csv")
    assert str(caught.value) == (
        "name the column of my flowers.csv to predict, such as: tinynet new p 'my flowers.csv'"
        " --target kind; its columns: 'size', 'kind'"
    )
    with pytest.raises(UsageError, match=r"^my flowers.csv has no column 'knd'"):
        new_project("p", "my flowers.csv", targets=["knd"])


def test_a_folder_that_another_process_creates_meanwhile_is_kept(tmp_path, monkeypatch):
    def slow_spec(*args, **settings):
        (tmp_path / "same").mkdir()
        (tmp_path / "same/file").touch()
        return new_spec(*args, **settings)

    monkeypatch.setattr("tinynet.commands.project.new_project.new_spec", slow_spec)
    with pytest.raises(UsageError, match="exists already; choose another name"):
        new_project("same", "digits_mlp", into=tmp_path)
    assert [path.name for path in tmp_path.rglob("*")] == ["same", "file"]


def test_comments_in_the_readme_are_aligned(tmp_path):
    folder = new_project("a-long-name", "digits_mlp", into=tmp_path).folder
    lines = (folder / "README.md").read_text().splitlines()
    assert len({line.index("# ") for line in lines if line.startswith("tinynet ")}) == 1


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
        ("tinynet", None, UsageError, "would take its folder for the package; try 'my-tinynet'"),
        ("TinyNet", None, UsageError, "would take its folder for the package"),
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
