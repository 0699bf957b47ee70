"""`tinynet predict`: the files it reads by the rules of the spec, folders, and files it refuses."""

import csv
import io
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from tinynet.builtin.datasets.digits import Digits

Image = pytest.importorskip("PIL.Image")

IMAGES = Digits(Digits.Config()).gather(np.arange(3)).inputs["input"]


@pytest.fixture
def pictures():
    """A folder of three digits, written in another order than that of their names."""
    folder = Path("pictures")
    folder.mkdir()
    for index in (2, 0, 1):
        Image.fromarray(IMAGES[index, ..., 0]).save(folder / f"{index}.png")
    return folder


def test_a_folder_of_images_is_read_in_the_order_of_names(tinynet, run, pictures):
    names = [str(pictures / f"{index}.png") for index in range(3)]
    report = tinynet("predict", run, pictures, "--json").json
    assert report["files"] == names
    assert report == tinynet("predict", run, *names, "--json").json


def test_other_files_of_a_folder_are_skipped_with_a_warning(tinynet, run, pictures):
    (pictures / "notes.txt").write_text("three digits")
    (pictures / ".hidden").write_text("not worth a word")
    result = tinynet("predict", run, pictures)
    assert result.code == 0
    assert result.err == "warning: pictures: skipped files that are not images: notes.txt\n"


def test_a_folder_without_images_says_where_some_are(tinynet, run, pictures):
    Path("data").mkdir()
    pictures.rename("data/digits")
    result = tinynet("predict", run, "data")
    assert result.code == 3
    assert "its subfolders have some: data/digits" in result.err
    assert tinynet("predict", run, "data/digits").code == 0
    result = tinynet("predict", run, run)
    assert result.code == 3
    assert "is a folder without images" in result.err


def test_images_are_named_by_file_in_every_kind_of_output(tinynet, run, pictures):
    names = [str(pictures / f"{index}.png") for index in range(3)]
    head, *rows = tinynet("predict", run, pictures).out.splitlines()
    assert [head.split()[0], *(row.split()[0] for row in rows)] == ["file", *names]
    for output in ("out.csv", "out.jsonl", "out.npz"):
        assert tinynet("predict", run, pictures, "-o", output).code == 0
    with open("out.csv", encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["file"] for row in table] == names
    assert [*table[0]][:2] == ["file", "label"]
    lines = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]
    assert [line["file"] for line in lines] == names
    with np.load("out.npz") as arrays:
        assert arrays["files"].tolist() == names


@pytest.mark.parametrize("ending", ["csv", "jsonl", "npz"])
def test_a_name_that_is_not_unicode_is_escaped(tinynet, run, pictures, ending):
    name = os.fsdecode(b"pictures/\xff.png")
    (pictures / "0.png").rename(name)
    assert tinynet("predict", run, name).code == 0
    assert tinynet("predict", run, name, "-o", f"out.{ending}").code == 0
    assert b"\xff.png" not in Path(f"out.{ending}").read_bytes()


def test_samples_of_several_files_are_named_by_file_and_number(tinynet, run):
    np.save("a.npy", IMAGES[:2])
    np.save("b.npy", IMAGES[2:])
    head, *rows = (
        line.split() for line in tinynet("predict", run, "a.npy", "b.npy").out.splitlines()
    )
    assert head == ["file", "sample", "label", "probability"]
    assert [row[:2] for row in rows] == [["a.npy", "0"], ["a.npy", "1"], ["b.npy", "0"]]


def test_brighter_images_than_those_of_the_training_are_pointed_out(tinynet, run):
    """The digits are 0 to 16: an ordinary image got a confident label."""
    Image.fromarray(IMAGES[0, ..., 0] * 15).save("bright.png")
    result = tinynet("predict", run, "bright.png")
    assert result.code == 0
    assert "pixels are up to 225, but the model was trained on pixels from 0 to 16" in result.err


def test_images_for_a_network_of_floats_are_pointed_out(tinynet, write_spec, folder):
    draw = np.random.default_rng(0)
    x = draw.random((30, 4, 4, 1), np.float32)
    np.savez(folder / "floats.npz", x=x, y=np.arange(30) % 10)
    spec = write_spec()
    content = json.loads(spec.read_text())
    content["data"] = {"type": "npz", "path": "floats.npz"}
    spec.write_text(json.dumps(content))
    assert tinynet("train", spec, "--run", "r", "--quiet").code == 0
    Image.new("L", (4, 4), 200).save("image.png")
    result = tinynet("predict", "r", "image.png")
    assert result.code == 0
    assert "0 to 255, but the model was trained on float32 values" in result.err


@pytest.mark.parametrize(("delimiter", "name"), [(";", "new.csv"), ("\t", "new.tsv")])
def test_a_table_has_the_delimiter_of_the_spec(tinynet, table_spec, delimiter, name):
    content = json.loads(table_spec.read_text())
    content["data"]["delimiter"] = delimiter
    table_spec.write_text(json.dumps(content))
    table = Path("table.csv")
    table.write_text(table.read_text().replace(",", delimiter))
    assert tinynet("train", table_spec, "--run", "r", "--quiet").code == 0
    labels = tinynet("predict", "r", table, "--json").json["labels"]
    assert labels == [line.split(delimiter)[2] for line in table.read_text().splitlines()[1:]]
    table.rename(name)
    assert tinynet("predict", "r", name, "--json").json["labels"] == labels


def test_a_table_without_a_header(tinynet, table_spec):
    content = json.loads(table_spec.read_text())
    content["data"] |= {"header": False, "target": 2}
    table_spec.write_text(json.dumps(content))
    table = Path("table.csv")
    table.write_text(table.read_text().partition("\n")[2])
    assert tinynet("train", table_spec, "--run", "r", "--quiet").code == 0
    assert tinynet("predict", "r", table, "--json").json["samples"] == 60
    Path("new.csv").write_text("1,0\n0,1\n")
    assert tinynet("predict", "r", "new.csv", "--json").json["labels"] == ["rose", "lily"]


def test_a_table_for_a_network_of_unnamed_features_goes_by_position(tinynet, table_spec):
    draw = np.random.default_rng(0).normal(size=(60, 2))
    np.savez("data.npz", x=draw, y=(draw[:, 0] > 0).astype(np.int64))
    content = json.loads(table_spec.read_text())
    content["data"] = {"type": "npz", "path": "data.npz"}
    table_spec.write_text(json.dumps(content))
    assert tinynet("train", table_spec, "--run", "r", "--quiet").code == 0
    Path("new.csv").write_text("2,0\n-2,0\n")
    assert tinynet("predict", "r", "new.csv", "--json").json["labels"] == ["1", "0"]
    Path("new.csv").write_text("a,b\n2,0\n-2,0\n")
    result = tinynet("predict", "r", "new.csv")
    assert "the first row is taken as a header, and the columns a, b as" in result.err
    assert [line.split()[1] for line in result.out.splitlines()] == ["label", "1", "0"]


@pytest.mark.parametrize("name", ["pipe.png", "pipe.npy", "pipe.csv", "pipe.txt"])
def test_a_pipe_is_refused_and_never_waited_for(tinynet, run, name):
    os.mkfifo(name)
    result = tinynet("predict", run, name)
    assert result.code == 3
    assert name in result.err


def test_a_file_that_is_not_there_is_suggested(tinynet, run):
    np.save("digits.npy", IMAGES)
    result = tinynet("predict", run, "digit.npy")
    assert (result.code, result.err) == (
        3, "error: no such file: digit.npy; did you mean digits.npy?\n",
    )  # fmt: skip


def test_shapes_are_compared_file_by_file(tinynet, run):
    """Before anything is joined: NumPy's own words named no file."""
    np.save("good.npy", IMAGES)
    np.save("wide.npy", np.zeros((3, 9, 8, 1), np.uint8))
    result = tinynet("predict", run, "good.npy", "wide.npy")
    assert result.code == 3
    assert "wide.npy has shape (3, 9, 8, 1), but the model expects (N, 8, 8, 1)" in result.err


def test_an_image_of_standard_input(tinynet, run, pictures, monkeypatch):
    one, two = (pictures.joinpath(name).read_bytes() for name in ("0.png", "1.png"))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(one)))
    assert tinynet("predict", run, "-").out.splitlines()[1].split()[0] == "-"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(one + two)))
    result = tinynet("predict", run, "-")
    assert result.code == 3
    assert "standard input holds several images, but is read as one; name the files" in result.err
