"""Comparisons of runs, as text, CSV files, pages and DataFrames."""

import csv
import json
import re
import shutil

import pytest

import tinynet
from tinynet.commands.runs.comparison import brief, compare_runs, result_text
from tinynet.commands.runs.csv_file import write_csv
from tinynet.commands.runs.listing import list_runs
from tinynet.commands.runs.overview import comparison_rows, overview
from tinynet.commands.runs.page import write_page
from tinynet.errors import CheckpointError, CheckpointIOError
from tinynet.text.printing import short_labels


def test_comparison_has_the_settings_that_differ_and_the_results(folder):
    comparison = compare_runs(["runs/small-001", "runs/small-002"])
    rates = {"training.optimizer.learning_rate": [0.001, 0.01], "training.epochs": [2, 1]}
    assert comparison.spec == rates
    assert comparison.names == ["small-001", "small-002"]
    assert comparison.results["epoch"] == [2, 1]
    assert comparison.results["test/accuracy"][0] is None
    rows = comparison_rows(comparison)
    assert rows["training.epochs"] == ["2", "1"]
    assert rows["epochs"] == ["2/2", "1/1"]
    assert rows["test/accuracy"][0] == "-"
    content = comparison.to_json()
    assert json.loads(json.dumps(content)) == content
    assert content["runs"] == ["runs/small-001", "runs/small-002"]


def test_runs_with_equal_specs_have_no_differences(folder):
    shutil.copytree(folder / "small-001", folder / "copy")
    assert compare_runs([folder / "small-001", folder / "copy"]).spec == {}


def test_folders_are_compared_and_repeated_runs_counted_once(folder):
    assert len(compare_runs(["runs", "runs/small-001"]).entries) == 4


def test_runs_of_equal_names_are_told_apart(folder):
    shutil.copytree(folder / "small-001", "other/small-001")
    comparison = compare_runs(["runs/small-001", "other/small-001"])
    assert comparison.names == ["runs/small-001", "other/small-001"]


def test_unreadable_run_is_left_out_and_named(folder):
    (folder / "small-002" / "checkpoints" / "step-000000000002.msgpack").write_bytes(b"")
    (folder / "small-002" / "checkpoints" / "step-000000000000.msgpack").write_bytes(b"")
    comparison = compare_runs(["runs"])
    assert [entry.name for entry in comparison.entries] == ["small-001", "small-003", "small-004"]
    assert [*comparison.to_json()["unreadable"]] == ["runs/small-002"]
    (problem,) = comparison.problems
    assert problem.startswith("small-002: no checkpoint of")
    with pytest.raises(CheckpointError, match="no checkpoint of"):
        compare_runs(["runs/small-002"])


@pytest.mark.parametrize("path", ["runs/small-1", "missing", "file"])
def test_path_that_is_not_a_run_is_an_error(folder, tmp_path, path):
    (tmp_path / "file").touch()
    with pytest.raises(CheckpointIOError, match=r"no such run|is a file, not a run folder"):
        compare_runs(["runs/small-001", path])


HOSTILE = '=HYPERLINK("x")<script>alert(1)</script>\x1b[2J\u202e'


@pytest.fixture
def hostile(folder):
    """Give a run the name of an attack."""
    name = HOSTILE.replace("/", "|")
    (folder / "small-002").rename(folder / name)
    return name


def test_csv_of_hostile_names(hostile, tmp_path):
    """A spreadsheet must not compute a name, nor a terminal obey it."""
    write_csv("runs.csv", list_runs().table())
    text = (tmp_path / "runs.csv").read_text()
    assert not set(text) & set("\x1b\u202e")
    rows = [*csv.DictReader(text.splitlines())]
    assert len(rows) == 4
    assert all(not row["name"].startswith("=") for row in rows)
    (row,) = (row for row in rows if row["name"].startswith("'=HYPERLINK"))
    assert float(row["training.optimizer.learning_rate"]) == 0.01
    assert float(row["val/loss"]) > 0


def test_csv_that_cannot_be_written_is_an_error(folder, tmp_path):
    (tmp_path / "out.csv").mkdir()
    for path in ("out.csv", "missing/out.csv"):
        with pytest.raises(CheckpointIOError, match="out"):
            write_csv(path, {"name": ["a"]})


@pytest.mark.extra
def test_page_of_hostile_names(hostile, tmp_path):
    pytest.importorskip("jinja2", reason="pages are made by jinja2")
    write_page("runs.html", compare_runs(["runs"]))
    page = (tmp_path / "runs.html").read_text()
    assert re.findall(r"<script[^>]*>", page) == ["<script>"]
    assert not set(page) & set("\x1b\u202e")
    for text in ("small-001", "training.optimizer.learning_rate", "val/accuracy", "test/accuracy"):
        assert text in page
    assert not re.findall(r"(?:src|href)=\"(?!data:|#)", page)
    assert page.count("<svg") >= 4


@pytest.mark.extra
def test_data_frame(folder):
    pytest.importorskip("pandas", reason="the result is a DataFrame")
    frame = tinynet.runs()
    assert [*frame.name] == ["small-001", "small-002", "small-003", "small-004"]
    assert frame["val/loss"].dtype == "float64"
    assert frame.groupby("training.epochs").size().to_dict() == {1: 2, 2: 2}
    assert frame.started.dt.year.min() >= 2020
    best = frame.sort_values("val/loss").name.iloc[0]
    assert best == list_runs(sort="val/loss").entries[0].name
    assert len(tinynet.runs("runs", filters=["learning_rate<0.002"])) == 2
    assert len(tinynet.runs("runs", filters="learning_rate<0.002")) == 2
    shutil.copytree(folder / "small-001", folder / "small-005")
    shutil.rmtree(folder / "small-005" / "checkpoints")
    with pytest.warns(UserWarning, match="small-005"):
        frame = tinynet.runs()
    assert frame["epoch"].dtype == frame["training.epochs"].dtype == "Int64"
    shutil.rmtree(folder / "small-005")
    (folder / "small-002" / "checkpoints" / "step-000000000002.msgpack").write_bytes(b"")
    with pytest.warns(UserWarning, match="small-002: a damaged checkpoint is skipped"):
        assert len(tinynet.runs()) == 4


def test_usual_columns(folder):
    columns, priority = overview(list_runs(), "learning_rate")
    heads = [head for head, _, _ in columns]
    assert heads[:6] == ["name", "state", "epochs", "best", "val/loss", "val/accuracy"]
    assert "train/loss" not in heads
    assert sorted(priority) == [*range(len(columns))]
    assert [heads[index] for index in priority[:3]] == [
        "name",
        "training.optimizer.learning_rate",
        "val/loss",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (0.003, "0.003"),
        (0.009000000000000001, "0.009"),
        (True, "true"),
        ("adam", "adam"),
        ([3, 3], "[3, 3]"),
        ({"type": "cosine", "alpha": 0.0, "steps": None}, "cosine"),
        ({"type": "cosine", "alpha": 0.5}, "cosine(alpha=0.5)"),
        ([{"type": "relu"}, {"type": "dense"}], "2: relu, dense"),
        ("x" * 70, "x" * 57 + "..."),
    ],
)
def test_short_text_of_settings(value, text):
    assert brief(value) == text


def test_short_text_of_results():
    assert result_text("seconds", 125.2) == "0:02:05"
    assert result_text("parameters", 12345) == "12,345"
    assert result_text("val/loss", 0.25) == "0.2500"


def test_labels_are_as_short_as_possible():
    paths = ["a.rate", "layers.1.units", "layers.2.units", "b.x", "x"]
    assert [*short_labels(paths).values()] == [
        "a.rate",
        "layers.1.units",
        "layers.2.units",
        "b.x",
        "x",
    ]
    deep = ["data.split.test", "network.layers.0.type", "network.layers.0.options.1"]
    assert [*short_labels(deep).values()] == ["split.test", "layers.0.type", "options.1"]
