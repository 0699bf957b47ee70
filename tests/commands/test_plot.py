"""Pictures of curves: files in each format, and names that matplotlib would misread."""

import shutil
from pathlib import Path

import pytest

import tinynet
from tinynet.commands.plot import legend_names, plot_runs, run_colors
from tinynet.commands.runs.entries import RunEntry
from tinynet.errors import CheckpointIOError, UsageError

pytestmark = pytest.mark.extra

SPEC = {
    "tinynet": 1,
    "name": "small",
    "data": {"type": "digits", "split": {"validation": 60, "test": 1673}},
    "network": {"layers": ["flatten", {"type": "dense", "units": 10}]},
    "training": {
        "epochs": 3,
        "batch_size": 32,
        "loss": "softmax_cross_entropy",
        "optimizer": {"type": "sgd", "learning_rate": 0.001},
        "metrics": ["accuracy"],
        "log_every_steps": 1,
    },
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return tinynet.train(SPEC, tmp_path_factory.mktemp("made") / "small-001").path


@pytest.fixture
def folder(made, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib", reason="it draws the pictures")
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(made, tmp_path / "runs" / "small-001")).parent


def test_picture_of_a_run(folder, tmp_path):
    plot = plot_runs(["runs/small-001"])
    assert plot.figures == ["loss", "accuracy", "learning_rate"]
    assert plot.problems == []
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_pictures_of_hostile_names_in_each_format(folder, tmp_path):
    """A name with a dollar is no formula, and one with a script of another font no warning."""
    names = ("$x^$_{", "_hidden", "\x1b[2J<script>", "数字")
    for name in names:
        shutil.copytree(folder / "small-001", folder / name)
    for ending, start in ((".svg", b"<?xml"), (".PDF", b"%PDF")):
        options = {"axis": "step", "log": True, "smooth": 0.5, "metrics": ["loss"]}
        plot = plot_runs(["runs"], f"x{ending}", **options)
        assert len(plot.runs) == 5
        content = (tmp_path / f"x{ending}").read_bytes()
        assert content.startswith(start)
    text = (tmp_path / "x.svg").read_text()
    assert "_hidden" in text
    assert "<script>" not in text
    assert "\x1b" not in text


def test_same_runs_give_the_same_picture(folder, tmp_path):
    """A picture under version control changes only with its runs."""
    for name in ("a.svg", "b.svg"):
        plot_runs(["runs"], name, metrics=["accuracy"])
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_damaged_run_is_left_out(folder):
    shutil.copytree(folder / "small-001", folder / "small-002")
    for path in (folder / "small-002" / "checkpoints").iterdir():
        path.write_bytes(b"?")
    plot = plot_runs(["runs"], "x.svg", metrics=["val/accuracy"])
    assert [path.name for path in plot.runs] == ["small-001"]
    assert plot.problems[0].startswith("small-002: no checkpoint of")


def test_mistakes(folder, tmp_path):
    with pytest.raises(UsageError, match=r"'x\.gif' is unknown; name a \.png, \.svg or \.pdf"):
        plot_runs(["runs"], "x.gif")
    with pytest.raises(UsageError, match="did you mean 'val/loss'"):
        plot_runs(["runs"], metrics=["val/los"])
    with pytest.raises(CheckpointIOError, match="no such run"):
        plot_runs(["rum"])
    (folder / "small-001" / "metrics.jsonl").unlink()
    with pytest.raises(CheckpointIOError, match="there is nothing to draw"):
        plot_runs(["runs"])
    assert not (tmp_path / "curves.png").exists()


def test_legend_of_very_many_runs():
    entries = [RunEntry(Path(f"run-{number}"), None) for number in range(100)]
    names = legend_names(entries)
    assert len(names) == 41
    assert names[-1] == "and 60 more"


def test_long_names_keep_their_ends():
    names = legend_names([RunEntry(Path("a" * 60 + end), None) for end in "xy"])
    assert len(set(names)) == 2
    assert max(map(len, names)) == 40


@pytest.mark.parametrize("count", [9, 10, 18, 19, 20])
def test_no_run_has_the_gray_of_the_splits(count):
    pytest.importorskip("matplotlib", reason="it draws the pictures")
    colors = run_colors(count)
    assert len(set(colors)) == count
    assert all(max(color[:3]) - min(color[:3]) > 0.05 for color in colors)
