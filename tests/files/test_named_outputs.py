"""Files that a user names for a result: a spec, a log or a checkpoint is never replaced."""

import os
from pathlib import Path

import pytest

from tinynet.errors import CheckpointIOError, UsageError
from tinynet.files.atomic import replacing_output
from tinynet.files.outputs import require_ending


@pytest.fixture
def run(tmp_path):
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    (tmp_path / "run" / "metrics.jsonl").touch()
    return tmp_path / "run"


@pytest.mark.parametrize(
    "name", ["metrics.jsonl", "spec.json", "run.lock", "checkpoints/step-000000000001.msgpack"]
)
def test_files_of_a_run_are_kept(run, name):
    (run / name).write_text("kept")
    link = run.parent / "link"
    link.symlink_to(run / name)
    for path in (run / name, link):
        with pytest.raises(UsageError, match="name another file"), replacing_output(path):
            pass
    assert (run / name).read_text() == "kept"


def test_other_files_in_a_run_and_equal_names_elsewhere_are_written(run):
    for path in (run / "predictions.csv", run.parent / "spec.json"):
        with replacing_output(path) as write_at:
            write_at(0, b"x")
        assert path.read_bytes() == b"x"


def test_files_of_a_study_are_kept(tmp_path):
    (tmp_path / "study.json").touch()
    with pytest.raises(UsageError, match="belongs to the study"):  # noqa: SIM117
        with replacing_output(tmp_path / "trials.csv"):
            pass


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("spec.json", r"'spec\.json' does not; name it 'spec\.html'"),
        ("page", r"name it 'page\.html'"),
        ("-", "not written to stdout; name a file that ends in .html or .htm"),
        ("", "ends in .html or .htm"),
    ],
)
def test_ending_must_fit(name, message):
    with pytest.raises(UsageError, match=message):
        require_ending(name, (".html", ".htm"), "a page")


def test_fitting_endings():
    for name in ("a.html", "b/c.HTM"):
        require_ending(name, (".html", ".htm"), "a page")


def test_pipes_are_not_replaced(tmp_path):
    """The program that reads it would wait forever."""
    os.mkfifo(tmp_path / "page.html")
    with (
        pytest.raises(CheckpointIOError, match="is a pipe"),
        replacing_output(tmp_path / "page.html"),
    ):
        pass


def test_a_dash_is_no_file(tmp_path, monkeypatch):
    """`rm -` and `cat -` do not mean the file."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="not written to stdout"), replacing_output(Path("-")):
        pass
    assert not list(tmp_path.iterdir())
