"""`tinynet predict` for tables and texts: standard input, kept columns, and rows left out."""

import csv
import io
import os
import sys
from pathlib import Path

import pytest

import tinynet as library

PEOPLE = "id,age,sex\np0,20,male\np1,,female\np2,70,unknown\n"


def spec(data, layers):
    return {
        "tinynet": 1,
        "name": "answers",
        "data": data,
        "network": {"layers": layers},
        "training": {
            "epochs": 20,
            "batch_size": 16,
            "loss": "softmax_cross_entropy",
            "optimizer": {"type": "adam", "learning_rate": 0.05},
        },
    }


def train_table(missing):
    rows = [f"p{i},{i % 80},{('male', 'female')[i % 2]},{('no', 'yes')[i % 2]}" for i in range(80)]
    Path("table.csv").write_text("id,age,sex,survived\n" + "\n".join(rows) + "\n")
    columns = {"id": "ignore", "age": {"missing": missing}}
    data = {"type": "csv", "path": "table.csv", "target": "survived", "columns": columns}
    data["transforms"] = ["standardize"]
    return library.train(spec(data, [{"type": "dense", "units": 2}]), "run").path


@pytest.fixture
def standard_input(monkeypatch):
    """Set the text of standard input."""

    def give(text):
        stream = io.TextIOWrapper(io.BytesIO(text.encode()))
        monkeypatch.setattr(sys, "stdin", stream)

    return give


def test_columns_are_kept(tinynet):
    run = train_table("median")
    Path("new.csv").write_text(PEOPLE)
    result = tinynet("predict", run, "new.csv", "--keep", "id,sex", "--keep", "age")
    head, *rows = (line.split() for line in result.out.splitlines())
    assert head == ["sample", "id", "sex", "age", "label", "probability"]
    assert [row[:4] for row in rows] == [
        ["0", "p0", "male", "20", ],
        ["1", "p1", "female", rows[1][3]],
        ["2", "p2", "unknown", "70"],
    ]  # fmt: skip
    assert tinynet("predict", run, "new.csv", "--keep", "id", "-o", "out.csv").code == 0
    with open("out.csv", newline="") as file:
        assert [row["id"] for row in csv.DictReader(file)] == ["p0", "p1", "p2"]
    result = tinynet("predict", run, "new.csv", "--keep", "name")
    assert result.code == 3
    assert "'name'" in result.err


def test_cells_of_no_category_are_warned_of_each_time_and_plainly(tinynet):
    """Python would show the warning once in a process, with a line of the command's code."""
    run = train_table("median")
    Path("new.csv").write_text("age,sex\n20,m\n30,f\n")
    for _ in range(2):
        result = tinynet("predict", run, "new.csv")
        assert result.code == 0
        assert result.err.splitlines()[0] == (
            "warning: new.csv: column 'sex': 2 of 2 cells are no category of the training data,"
            " such as 'm'; write them as there, such as 'female'"
        )


def test_rows_of_standard_input_are_those_of_a_file(tinynet, standard_input):
    run = train_table("median")
    Path("new.csv").write_text(PEOPLE)
    expected = tinynet("predict", run, "new.csv", "--keep", "id", "--json").json
    standard_input(PEOPLE)
    assert tinynet("predict", run, "-", "--keep", "id", "--json").json == expected
    assert expected["kept"] == {"id": ["p0", "p1", "p2"]}
    standard_input(PEOPLE.replace("70", "old"))
    result = tinynet("predict", run, "-")
    assert result.code == 3
    assert "standard input" in result.err
    assert "line 4" in result.err or "'old'" in result.err


def test_rows_that_are_left_out_keep_the_numbers_of_the_others(tinynet):
    run = train_table("drop_row")
    Path("new.csv").write_text(PEOPLE)
    report = tinynet("predict", run, "new.csv", "--json").json
    assert (report["samples"], report["rows"]) == (2, [0, 2])
    rows = tinynet("predict", run, "new.csv").out.splitlines()[1:]
    assert [row.split()[0] for row in rows] == ["0", "2"]


def test_texts_of_standard_input(tinynet, standard_input):
    lines = ["pos\tgood film", "neg\tbad film"] * 30
    Path("texts.txt").write_text("\n".join(lines) + "\n")
    data = {"type": "text_lines", "path": "texts.txt", "layout": "label_text"}
    data["transforms"] = [{"type": "bag_of_words"}]
    run = library.train(spec(data, [{"type": "dense", "units": 2}]), "run").path
    standard_input("a good film\nbad\n")
    report = tinynet("predict", run, "-", "--json", "--keep", "text").json
    assert report["labels"] == ["pos", "neg"]
    assert report["kept"] == {"text": ["a good film", "bad"]}


@pytest.mark.parametrize("name", ["new.csv", "link.csv", "hard.csv"])
@pytest.mark.parametrize("more", [(), ("--json",)])
def test_an_input_is_never_replaced(tinynet, name, more):
    run = train_table("median")
    Path("new.csv").write_text(PEOPLE)
    Path("link.csv").symlink_to("new.csv")
    os.link("new.csv", "hard.csv")
    result = tinynet("predict", run, "new.csv", "-o", name, *more)
    assert result.code == 3
    assert "the predictions of new.csv would replace it; name another file" in result.err
    assert Path("new.csv").read_text() == PEOPLE


def test_the_file_of_standard_input_is_never_replaced(tinynet, monkeypatch):
    run = train_table("median")
    Path("new.csv").write_text(PEOPLE)
    with open("new.csv") as file:
        monkeypatch.setattr(sys, "stdin", file)
        result = tinynet("predict", run, "-", "-o", "new.csv")
    assert result.code == 2
    assert "new.csv is the input" in result.err
    assert Path("new.csv").read_text() == PEOPLE


def test_rows_that_are_left_out_are_counted(tinynet, standard_input):
    run = train_table("drop_row")
    standard_input(PEOPLE)
    result = tinynet("predict", run, "-", "--keep", "id, sex")
    assert result.out.split()[:4] == ["sample", "id", "sex", "label"]
    assert "standard input: 1 of 3 samples have no prediction" in result.err
    Path("new.csv").write_text("id,age,sex\np1,,female\n")
    result = tinynet("predict", run, "new.csv")
    assert result.code == 3
    assert "all samples of the input are left out" in result.err
