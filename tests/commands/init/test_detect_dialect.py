"""The form of text tables, detected from their first lines."""

import gzip

import pytest

from tinynet.commands.init.detect_dialect import detect_dialect
from tinynet.errors import DataError

COMMA = "name,age,city\nann,31,Bonn\nbob,42,Ulm\n"


@pytest.mark.parametrize(
    ("content", "options"),
    [
        (COMMA, {}),
        ('name,note\nann,"a, b; c"\nbob,"d; e"\n', {}),
        (COMMA.replace(",", ";"), {"delimiter": ";"}),
        (COMMA.replace(",", "|"), {"delimiter": "|"}),
        ("x;y\n1,5;2,25\n3,5;4,75\n", {"delimiter": ";", "decimal": ","}),
        (
            "x;y\n1.234,5;a\n3.222,5;b\n2,5;c\n",
            {"delimiter": ";", "decimal": ",", "thousands": "."},
        ),
        ('x,y\n"1,234",5\n"3,222",6\n', {"thousands": ","}),
        ("x;y\n0,465;a\n0,512;b\n", {"delimiter": ";", "decimal": ","}),
        ("x;y\n1,465;a\n3,512;b\n", {"delimiter": ";", "decimal": ","}),
        ("x;y\n1,465;a\n3,512,001;b\n", {"delimiter": ";", "thousands": ","}),
        ('x,y\n"0,465",5\n"3,222",6\n', {"decimal": ","}),
        ("x,y\n1 465,a\n3 512 001,b\n", {"thousands": " "}),
        ("x y\n1 a\n3 b\n", {"delimiter": " "}),
        ("spam\twin a prize now\nham\thello\nspam\tagain\n", {"delimiter": "\t", "header": False}),
        (f"# made by hand\n{COMMA}", {"comment_prefix": "#"}),
        (f"A table of people\n\n{COMMA}", {"skip_rows": 2}),
        ("1,2,3\n4,5,6\n", {"header": False}),
        ("a,b\na,c\nb,b\nb,c\n", {"header": False}),
        ("color,size\nred,small\nblue,large\n", {}),
        ("only\nann\nbob\n", {}),
    ],
)
def test_options_follow_from_the_first_lines(tmp_path, content, options):
    path = tmp_path / "table.csv"
    path.write_text(content)
    assert detect_dialect(str(path)).options == options


def test_tabs_need_no_option_in_a_tsv_file(tmp_path):
    for name, options in (("t.tsv", {}), ("t.csv", {"delimiter": "\t"})):
        path = tmp_path / name
        path.write_text(COMMA.replace(",", "\t"))
        assert detect_dialect(str(path)).options == options


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252"])
def test_the_encoding_is_detected(tmp_path, encoding):
    path = tmp_path / "table.csv"
    path.write_bytes("name,city\nann,Köln\nbob,Ulm\n".encode(encoding))
    assert detect_dialect(str(path)).options == {"encoding": encoding}


def test_a_gzipped_table_is_unpacked(tmp_path):
    path = tmp_path / "table.csv.gz"
    path.write_bytes(gzip.compress(COMMA.replace(",", ";").encode()))
    assert detect_dialect(str(path)).options == {"delimiter": ";"}


def test_the_header_of_the_user_is_taken(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(COMMA)
    assert detect_dialect(str(path), header=False).options == {"header": False}


def test_runs_of_spaces_are_refused_with_a_command(tmp_path):
    path = tmp_path / "table.txt"
    path.write_text("x    y\n1    2.5\n10   3.5\n")
    with pytest.raises(DataError, match=r"runs of spaces.*sed "):
        detect_dialect(str(path))


@pytest.mark.parametrize("content", [b"", b"\n \n", b"a,b\0\n1,2\n"])
def test_what_is_not_a_table_is_refused(tmp_path, content):
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"is empty|not a text table"):
        detect_dialect(str(path))
