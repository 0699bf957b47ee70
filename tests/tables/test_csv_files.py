import gzip
import re

import numpy as np
import pytest
from pydantic import ValidationError

from tinynet.builtin.datasets.csv import CSV
from tinynet.builtin.tables.conversion_hint import conversion_command
from tinynet.builtin.tables.csv_files import read_table, read_table_chunks
from tinynet.builtin.tables.dialect import DialectConfig
from tinynet.builtin.tables.raw_table import ChosenColumns
from tinynet.errors import DataError
from tinynet.files import encoded_lines


@pytest.fixture
def write(tmp_path):
    """Write a file of the folder; return its path."""

    def write(text, name="table.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return write


def columns(table):
    return {name: cells.tolist() for name, cells in table.columns.items()}


def test_cells_are_stripped_text_by_column(write):
    path = write("a, b\n 1 ,x\n\n3,\n")
    table = read_table(DialectConfig(), path)
    assert columns(table) == {"a": ["1", "3"], "b": ["x", ""]}
    assert (len(table), table.header, table.typed) == (2, ("a", "b"), False)
    assert table.where(1) == f"{path}, line 4"


def test_without_a_header_columns_are_positions(write):
    table = read_table(DialectConfig(header=False), write("1,x\n3,y\n"))
    assert columns(table) == {"0": ["1", "3"], "1": ["x", "y"]}


def test_chosen_columns_alone_are_read(write):
    seen = []

    def choose(names):
        seen.append(list(names))
        return ["c", "a"]

    table = read_table(DialectConfig(), write("a,b,c\n1,2,3\n"), choose)
    assert columns(table) == {"c": ["3"], "a": ["1"]}
    assert table.header == ("a", "b", "c")
    assert seen == [["a", "b", "c"]]


def test_chunks_are_bounded_and_make_the_whole(write, monkeypatch):
    monkeypatch.setattr(encoded_lines, "_BLOCK", 64)
    path = write("a,b\n" + "".join(f"{i},{-i}\n" for i in range(100)))
    parts = list(read_table_chunks(DialectConfig(), path))
    assert len(parts) > 5
    assert max(map(len, parts)) < 20
    cells = [cell for part in parts for cell in part.columns["a"].tolist()]
    assert cells == list(map(str, range(100)))
    assert [line for part in parts for line in part.lines] == list(range(2, 102))


def test_files_of_a_pattern_are_one_table_in_the_order_of_their_names(write, tmp_path):
    write("a,b\n3,4\n", "part-2.csv")
    write("a,b\n1,2\n\n5,6\n", "part-1.csv")
    write("z\n", "other.csv")
    table = read_table(DialectConfig(), str(tmp_path / "part-*.csv"))
    assert columns(table) == {"a": ["1", "5", "3"], "b": ["2", "6", "4"]}
    assert table.where(1) == f"{tmp_path}/part-1.csv, line 4"
    assert table.where(2) == f"{tmp_path}/part-2.csv, line 2"


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("a,c", "part-2.csv and .*part-1.csv .* the first lacks 'b' and only the first has 'c'"),
        ("b,a", "different orders; write them in this one: 'a', 'b'"),
    ],
)
def test_a_file_of_a_pattern_with_other_columns_is_named(write, tmp_path, header, message):
    write("a,b\n1,2\n", "part-1.csv")
    write(f"{header}\n3,4\n", "part-2.csv")
    with pytest.raises(DataError, match=message):
        read_table(DialectConfig(), str(tmp_path / "part-?.csv"))


def test_a_pattern_that_matches_nothing_is_named(tmp_path):
    with pytest.raises(DataError, match=r"no file matches the pattern .*x-\*.csv"):
        read_table(DialectConfig(), str(tmp_path / "x-*.csv"))


def test_tabs_separate_the_cells_of_tsv_files(write):
    path = write(gzip.compress(b"a\tb\n1\t2\n"), "table.tsv.gz")

    class Config(DialectConfig):
        path: str

    config = Config(path=path)
    assert config.model_dump()["delimiter"] == "\t"
    assert columns(read_table(config, path)) == {"a": ["1"], "b": ["2"]}
    assert Config(path=path, delimiter=",").delimiter == ","


@pytest.mark.parametrize(
    ("options", "cells", "numbers"),
    [
        ({}, ["1", "-2.5e3", "+.5", "nan"], [1, -2500, 0.5, np.nan]),
        ({}, ["1", "1_000", "1,5"], [1, None, None]),
        ({"decimal": ","}, ["1,5", "-2,5e3", "7"], [1.5, -2500, 7]),
        ({"decimal": ","}, ["1,5", "1.5", "1,2,3"], [1.5, None, None]),
        (
            {"decimal": ",", "thousands": "."},
            ["1.234,5", "12.34", "1.000.000"],
            [1234.5, None, 1e6],
        ),
        ({"thousands": ","}, ["1,234.5", "12,34", "1234"], [1234.5, None, 1234]),
        ({"thousands": " "}, ["1 234", "1\u202f234", "1\xa0234.5"], [1234, 1234, 1234.5]),
        ({"thousands": "_"}, ["1_234", "1_2"], [1234, None]),
    ],
)
def test_numbers_have_the_declared_separators(write, options, cells, numbers):
    text = "\n".join(f'"{cell}"' for cell in ["x", *cells])
    table = read_table(DialectConfig(**options), write(text))
    values, wrong = table.parse_numbers("x")
    assert wrong.tolist() == [number is None for number in numbers]
    assert values.tolist() == pytest.approx(
        [np.nan if number is None else number for number in numbers], nan_ok=True
    )


@pytest.mark.parametrize(
    "options",
    [
        {"encoding": "utf-99"},
        {"encoding": "base64"},
        {"decimal": ",", "thousands": ","},
        {"decimal": ";"},
        {"skip_rows": -1},
        {"comment_prefix": ""},
    ],
)
def test_impossible_dialects_are_refused(options):
    with pytest.raises(ValidationError):
        DialectConfig(**options)


def test_a_table_that_does_not_fit_into_memory_is_to_be_converted(write, monkeypatch):
    monkeypatch.setattr("tinynet.files.available_memory.available_memory", lambda root: 1 << 20)
    path = write("a;b\n" + "1,5;2,5\n" * 400_000)
    config = CSV.Config(path=path, target="b", features=("a",), delimiter=";", decimal=",")
    with pytest.raises(DataError, match="does not fit into memory") as raised:
        CSV(config)
    command = re.search("tinynet (.*?); or", str(raised.value))[1]
    folder = path.removesuffix(".csv")
    assert command == (
        f"convert {path} {folder} --target b --columns a --delimiter ';' --decimal ,"
    )


def test_the_command_that_converts_states_the_dialect():
    config = CSV.Config(path="x/p-*.tsv.gz", target=-1, header=False, encoding="utf-16")
    assert conversion_command(config, config.path) == (
        "tinynet convert 'x/p-*.tsv.gz' x/converted --target -1 --no-header --delimiter '\\t'"
        " --encoding utf-16"
    )


def test_for_a_folder_the_pattern_of_its_tables_is_suggested(write, tmp_path):
    write("a,b\n1,2\n", "part-1.csv")
    with pytest.raises(DataError, match=r'is a folder; .* "path": ".*/\*\.csv"') as raised:
        read_table(DialectConfig(), str(tmp_path))
    pattern = str(raised.value).rpartition(": ")[2].strip('"')
    assert len(read_table(DialectConfig(), pattern)) == 1


def as_numbers(names):
    return ChosenColumns(names, names)


def test_columns_whose_text_does_not_matter_are_numbers(write):
    path = write("a,b,c,d\n1,x,1_0,inf\n2.5,3,4,5\n")
    table = read_table(DialectConfig(), path, as_numbers)
    assert [cells.dtype.kind for cells in table.columns.values()] == ["f", "T", "T", "T"]
    assert table.columns["a"].tolist() == [1, 2.5]
    assert table.parse_numbers("a")[0].tolist() == [1, 2.5]
    (a, *_) = read_table(DialectConfig(decimal=","), path, as_numbers).columns.values()
    assert a.dtype.kind == "T"


@pytest.mark.parametrize("count", [1, 2, 3])
def test_late_text_turns_all_numbers_of_its_column_into_text(write, monkeypatch, count):
    monkeypatch.setattr(encoded_lines, "_BLOCK", 32)
    rows = [["01", "02", "03", "4"] for _ in range(60)]
    for column in range(count):
        rows[20 + 15 * column][column] = "NA"
    path = write("a,b,c,d\n" + "".join(",".join(row) + "\n" for row in rows))
    table = read_table(DialectConfig(), path, as_numbers)
    assert len(table) == 60
    for column, cells in enumerate(table.columns.values()):
        text = [row[column] for row in rows]
        expected = text if cells.dtype.kind == "T" else list(map(float, text))
        assert cells.tolist() == expected
        assert cells.dtype.kind == "T" or column >= count


def test_late_text_in_another_file(write, tmp_path):
    write("a,b\n01,1\n", "part-1.csv")
    write("a,b\nx,2\n", "part-2.csv")
    table = read_table(DialectConfig(), str(tmp_path / "part-*.csv"), as_numbers)
    assert columns(table) == {"a": ["01", "x"], "b": [1, 2]}
