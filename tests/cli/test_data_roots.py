"""Data are read from where the run read them last, unless only a stranger can have said so."""

import json
import shlex
import shutil
from pathlib import Path

import pytest

from tinynet.run.roots import resume_command
from tinynet.spec.reading import load_spec

COMMANDS = {
    "resume": ["--set", "training.epochs=3"],
    "evaluate": ["--split", "val"],
    "summary": [],
    "check": [],
}


@pytest.fixture
def make_run(tinynet, table_spec):
    """Train on a table in the folder ``home``; the run's folder."""

    def make(home, run, **training):
        home.mkdir(parents=True)
        shutil.copy(table_spec.with_name("table.csv"), home)
        spec = json.loads(table_spec.read_text())
        spec["training"] |= {"epochs": 2, **training}
        (home / "spec.json").write_text(json.dumps(spec))
        result = tinynet("train", home / "spec.json", "--run", run, "--quiet")
        assert result.code == 0, result.err
        return run

    return make


def arguments(command, run):
    return [command, run, *COMMANDS[command]]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("home", "run", "here"),
    [
        ("project/models", "project/runs/one", "project"),
        ("project/models", "project/runs/one", "elsewhere"),
        ("project", "project/one", "elsewhere"),
        ("project/models", "far/one", "project/models"),
    ],
)
def test_a_run_is_used_from_its_project_and_by_its_absolute_path(
    tinynet, make_run, folder, monkeypatch, command, home, run, here
):
    path = make_run(folder / home, folder / run)
    (folder / here).mkdir(exist_ok=True)
    monkeypatch.chdir(folder / here)
    result = tinynet(*arguments(command, path))
    assert result.code == 0, result.err


@pytest.mark.parametrize("command", COMMANDS)
def test_a_recorded_root_elsewhere_is_named_and_needs_the_option(
    tinynet, make_run, folder, monkeypatch, command
):
    """A crafted checkpoint made these commands print a line of any file like a table."""
    path = make_run(folder / "private data", folder / "downloads/runs/one")
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    result = tinynet(*arguments(command, path))
    assert result.code == 3
    option = f"--data-root '{folder / 'private data'}'"
    assert result.err.endswith(
        f"the run recorded the data root {folder / 'private data'}, which is neither in the current"
        f" folder nor beside the run; if you trust it, add {option}\n"
    )
    assert tinynet(*arguments(command, path), "--data-root", folder / "private data").code == 0


def test_a_spec_that_the_user_names_says_where_its_data_are(tinynet, make_run, folder, monkeypatch):
    """The same command starts a run, and resumes it, from wherever it is called."""
    run = make_run(folder / "models", folder / "far/runs/one")
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    words = ["train", folder / "models/spec.json", "--run", run, "--resume"]
    result = tinynet(*words, "--set", "training.epochs=4")
    assert result.code == 0, result.err


def test_a_run_that_reads_no_file_is_used_from_anywhere(tinynet, spec, folder, monkeypatch):
    assert tinynet("train", spec, "--run", folder / "far/runs/one", "--quiet").code == 0
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    assert tinynet("evaluate", folder / "far/runs/one").code == 0


@pytest.mark.parametrize("command", COMMANDS)
def test_a_link_in_the_runs_own_folder_is_not_followed_out_of_it(
    tinynet, make_run, folder, command
):
    """A stranger's run may bring the link along."""
    secret = folder / "secret.csv"
    run = make_run(folder / "box/data", folder / "far/run")
    (folder / "box/data/table.csv").rename(secret)
    shutil.rmtree(folder / "box")
    run.rename(folder / "box")
    (folder / "box/data").mkdir()
    (folder / "box/data/table.csv").symlink_to(secret)
    result = tinynet(*arguments(command, folder / "box"))
    assert result.code == 3
    assert "table.csv is a link that leads out of the run's folder" in result.err
    root = folder / "box/data"
    assert tinynet(*arguments(command, folder / "box"), "--data-root", root).code == 0


def test_the_newest_root_counts_though_an_older_checkpoint_is_the_best(tinynet, make_run, folder):
    """Else the run trains, saves, and then evaluates data that have moved."""
    run = make_run(folder / "one", folder / "run", checkpoint={"keep_best": {"metric": "val/loss"}})
    Path("one").rename("two")
    still = ["--set", "training.optimizer.learning_rate=1e-30", "--quiet"]
    longer = ["resume", run, *still, "--set"]
    assert tinynet(*longer, "training.epochs=3", "--data-root", "two").code == 0
    result = tinynet(*longer, "training.epochs=4")
    assert result.code == 0, result.err
    assert "step-000000000006" in result.out, "the case must have an older best checkpoint"
    assert tinynet(*longer, "training.epochs=5").code == 0
    for command in ("evaluate", "summary", "check"):
        result = tinynet(*arguments(command, run))
        assert result.code == 0, result.err
    Path("new.csv").write_text("width,height\n1,0\n")
    assert tinynet("predict", run, "new.csv").code == 0


def test_the_command_of_an_interrupted_run_names_the_root_where_it_must(
    make_run, tinynet, folder, monkeypatch
):
    """Else the command that was printed is refused."""
    make_run(folder / "private data", folder / "far/runs/one")
    (folder / "elsewhere").mkdir()
    spec = load_spec(folder / "private data/spec.json")
    for here, named in (("elsewhere", True), ("private data", False)):
        monkeypatch.chdir(folder / here)
        command = resume_command(folder / "far/runs/one", folder / "private data", spec)
        assert ("--data-root" in command) == named
        assert tinynet(*shlex.split(command)[1:]).code == 0


def test_the_command_of_a_killed_run_names_the_root_too(make_run, tinynet, folder, monkeypatch):
    """Nor is the name of the run taken for an option."""
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    make_run(folder / "private data", "-run")
    max(Path("-run/checkpoints").iterdir()).unlink()
    root = ["--data-root", folder / "private data"]
    result = tinynet("evaluate", "./-run", "--split", "val", *root)
    command = result.err.partition("Continue with: ")[2].partition("\n")[0]
    assert command.startswith("tinynet resume ./-run --data-root ")
    assert tinynet(*shlex.split(command)[1:]).code == 0
