"""`tinynet runs` and `tinynet compare`: tables for terminals, pipes and programs."""

import csv
import os
import pty

import pytest
from tinynet_cli.columns import Column, fits_beside, fitting


@pytest.fixture
def several(tinynet, spec):
    """Two runs in the folder `runs`; the second was trained with another rate."""
    for rate in (0.01, 0.02):
        change = f"training.optimizer.learning_rate={rate}"
        assert tinynet("train", spec, "--set", change, "--quiet").code == 0


@pytest.mark.parametrize("value", ["", ",", " "])
def test_no_columns_are_an_error(tinynet, value):
    result = tinynet("runs", "--columns", value)
    assert result.code == 2
    assert "names no column" in result.err


def test_list(tinynet, several):
    """The test figures are those that `tinynet train` has printed."""
    result = tinynet("runs")
    assert result.code == 0
    head, first, second = result.out.splitlines()
    assert head.split()[:5] == ["name", "state", "epochs", "best", "val/loss"]
    assert "test/accuracy" in head
    assert first.split()[:3] == ["small-001", "finished", "2/2"]
    assert second.split()[0] == "small-002"
    assert "-" not in first.split()
    assert result.err == ""


def test_chosen_columns_and_rows(tinynet, several, folder):
    result = tinynet(
        "runs",
        "--filter",
        "learning_rate>0.01",
        "--columns",
        "name,learning_rate",
        "--csv",
        "x.csv",
    )
    assert result.out.split() == ["name", "training.optimizer.learning_rate", "small-002", "0.02"]
    rows = [*csv.reader((folder / "x.csv").read_text().splitlines())]
    assert rows == [["name", "training.optimizer.learning_rate"], ["small-002", "0.02"]]
    best = tinynet("runs", "--sort", "learning_rate", "--reverse", "--limit", 1, "--json").json
    assert [run["name"] for run in best["runs"]] == ["small-002"]
    assert tinynet("runs", "--filter", "val/loss<0").out == "no run matches\n"


def test_mistakes(tinynet, several, folder):
    wrong = tinynet("runs", "--sort", "val/lost")
    assert (wrong.code, wrong.err) == (
        2,
        "error: no run has a column 'val/lost'; did you mean 'val/loss'?\n",
    )
    missing = tinynet("runs", "run")
    assert missing.code == 4
    assert missing.err.startswith("error: no such folder: run; did you mean runs?")
    (folder / "empty" / "study" / "trials").mkdir(parents=True)
    empty = tinynet("runs", "empty")
    assert empty.out == "empty holds no runs\n"
    assert empty.err == "empty/study is a study; its trials: tinynet runs empty/study\n"
    assert tinynet("compare", "empty").code == 4


def test_folder_that_training_creates(tinynet):
    result = tinynet("runs")
    assert result.code == 4
    assert "there is no folder 'runs' here; tinynet train SPEC creates it" in result.err


def test_damaged_run_is_a_warning(tinynet, several, folder):
    for file in (folder / "runs" / "small-001" / "checkpoints").iterdir():
        file.write_bytes(b"?")
    result = tinynet("runs")
    assert result.code == 0
    assert "small-001  unreadable" in result.out
    assert "small-002  finished" in result.out
    assert result.err.startswith("warning: small-001: no checkpoint of runs/small-001 is intact")
    assert [run["state"] for run in tinynet("runs", "--json").json["runs"]] == [
        "unreadable",
        "finished",
    ]


def test_name_of_a_stranger_cannot_control_the_terminal(tinynet, several, folder):
    (folder / "runs" / "small-001").rename(folder / "runs" / "a\x1b[2J\nb")
    for words in (("runs",), ("compare", "runs"), ("watch", "--once", "runs")):
        result = tinynet(*words)
        assert "a\\x1b[2J\\nb" in result.out
        assert "\x1b" not in result.out + result.err


def test_comparison(tinynet, several):
    result = tinynet("compare", "runs/small-001", "runs/small-002")
    lines = [line.split() for line in result.out.splitlines()]
    assert lines[0] == ["small-001", "small-002"]
    assert lines[1] == ["training.optimizer.learning_rate", "0.01", "0.02"]
    assert ["state", "finished", "finished"] in lines
    assert [line[0] for line in lines].count("test/accuracy") == 1
    content = tinynet("compare", "runs", "--json").json
    assert content["spec"] == {"training.optimizer.learning_rate": [0.01, 0.02]}
    assert tinynet("compare", "runs/small-001", "runs/small-001").code == 0


@pytest.mark.extra
def test_files_of_a_comparison(tinynet, several, folder):
    pytest.importorskip("jinja2", reason="pages are made by jinja2")
    assert tinynet("compare", "runs", "--html", "c.html", "--csv", "c.csv").code == 0
    assert "small-002" in (folder / "c.html").read_text()
    assert len((folder / "c.csv").read_text().splitlines()) == 3


def test_output_that_is_no_table_is_not_replaced(tinynet, several, folder):
    """A mistyped option must not cost the spec or the log of a run."""
    log = folder / "runs" / "small-001" / "metrics.jsonl"
    before = log.read_text()
    for words in (("runs", "--csv", log), ("compare", "runs", "--csv", "spec.json")):
        result = tinynet(*words)
        assert (result.code, "ends in .csv" in result.err) == (2, True)
    assert tinynet("compare", "runs", "--html", "spec.json").code == 2
    assert log.read_text() == before


def test_csv_on_stdout(tinynet, several, folder):
    """A pipe gets the table alone, and no file named `-` appears."""
    for words in (("runs",), ("compare", "runs")):
        rows = [*csv.reader(tinynet(*words, "--csv", "-").out.splitlines())]
        assert [len(row) for row in rows] == [len(rows[0])] * 3
        assert tinynet(*words, "--csv", "-", "--json").code == 2
    assert not (folder / "-").exists()


COLUMNS = [Column("name", ["a" * 30]), Column("state", ["finished"]), Column("loss", ["0.1"], True)]


def test_columns_are_chosen_by_width():
    shown, hidden = fitting(COLUMNS, [0, 2, 1], 38)
    assert ([column.head for column in shown], hidden) == (["name", "state", "loss"], [])
    assert shown[0].cells == ["a" * 10 + "..." + "a" * 9]
    shown, hidden = fitting(COLUMNS, [0, 2, 1], 20)
    assert ([column.head for column in shown], hidden) == (["name", "loss"], ["state"])
    shown, hidden = fitting(COLUMNS, [0, 2, 1], None)
    assert (len(shown), hidden) == (3, [])
    shown, hidden = fitting(COLUMNS, [0, 2, 1], 10)
    assert [column.head for column in shown] == ["name"]


def test_few_runs_stand_side_by_side():
    labels = Column("", ["training.epochs"])
    assert fits_beside(labels, COLUMNS, 80)
    assert not fits_beside(labels, COLUMNS, 60)
    assert fits_beside(labels, COLUMNS, None)
    assert not fits_beside(labels, COLUMNS * 2, None)


@pytest.mark.parametrize("width", [40, 80])
def test_no_line_is_wider_than_the_terminal(fork, several, width):
    """A wrapped table cannot be read, nor one that has the names alone."""
    os.rename("runs/small-002", "runs/a-run-with-a-very-long-name-that-fills-a-terminal-alone-002")
    environment = {**os.environ, "COLUMNS": str(width), "TERM": "xterm"}
    for words in (("runs",), ("compare", "runs"), ("watch", "--once", "runs")):
        ours, theirs = pty.openpty()
        wait = fork([theirs, theirs, theirs], words, environment)
        os.close(theirs)
        text = b""
        try:
            while piece := os.read(ours, 4096):
                text += piece
        except OSError:  # Linux: the other end is closed
            pass
        os.close(ours)
        assert wait() == 0
        lines = text.decode().splitlines()
        assert len(lines) > 2
        assert max(map(len, lines)) <= width
        assert "finished" in text.decode()
        assert "a-run" in text.decode()


@pytest.mark.extra
def test_plot(tinynet, several, folder):
    pytest.importorskip("matplotlib", reason="it draws the pictures")
    result = tinynet("plot", "runs", "-o", "x.svg", "--metrics", "val/loss, learning_rate", "--log")
    assert result.out == "plot: x.svg (loss, learning_rate)\n"
    assert (folder / "x.svg").exists()
    content = tinynet("plot", "runs/small-001", "--json", "--x", "time", "--smooth", "0.5").json
    assert content == {
        "file": "curves.png",
        "runs": ["runs/small-001"],
        "figures": ["loss", "accuracy", "learning_rate"],
        "left_out": [],
    }
    wrong = tinynet("plot", "runs", "--metrics", "los")
    assert (wrong.code, "did you mean 'loss'" in wrong.err) == (2, True)
