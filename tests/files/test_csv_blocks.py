import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinynet.errors import DataError
from tinynet.files import encoded_lines
from tinynet.files.csv_blocks import read_blocks
from tinynet.files.csv_dialect import Dialect

CELLS = st.text(alphabet='ab1.é#" ,;\n', max_size=4)


def read(path, **dialect):
    """Return every row with its line."""
    rows = []
    for block in read_blocks(str(path), Dialect(**dialect)):
        for i, line in enumerate(block.lines.tolist()):
            rows.append((line, block.cells[i * block.width : (i + 1) * block.width]))
    return rows


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder for files that every example of a property test replaces."""
    return tmp_path_factory.mktemp("blocks")


@given(
    rows=st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1, max_size=8),
    size=st.integers(1, 40),
    ending=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_rows_are_those_of_pythons_parser_wherever_blocks_end(folder, rows, size, ending, quoting):
    text = io.StringIO()
    csv.writer(text, lineterminator=ending, quoting=quoting).writerows(rows)
    path = folder / "table.csv"
    path.write_bytes(text.getvalue().encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoded_lines, "_BLOCK", size)
        result = read(path)
    reader = csv.reader(io.StringIO(text.getvalue(), newline=""), strict=True)
    expected, line = [], 1
    for row in reader:
        expected.append((line, [cell.strip() for cell in row]))
        line = reader.line_num + 1
    assert result == expected


def test_plain_lines_and_quoted_lines_count_alike(folder, monkeypatch):
    monkeypatch.setattr(encoded_lines, "_BLOCK", 16)
    path = folder / "table.csv"
    path.write_text('a,b\n\n1,2\n3,4\n5,"6\n7"\n8,9\n\n\n10,11\n')
    assert [line for line, _ in read(path)] == [1, 3, 4, 5, 7, 10]


def test_lines_before_the_header_comments_and_blank_lines_are_skipped(folder):
    path = folder / "table.csv"
    path.write_text('report, "\nof\n\n# c\na,b\n#x\n1,"#2\n#3"\n   \n4,5\n# end\n')
    rows = read(path, skip_rows=2, comment_prefix="#")
    assert rows == [(5, ["a", "b"]), (7, ["1", "#2\n#3"]), (10, ["4", "5"])]


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-16-le", "utf-32"])
def test_other_encodings(folder, encoding, monkeypatch):
    monkeypatch.setattr(encoded_lines, "_BLOCK", 5)
    path = folder / "table.csv"
    path.write_bytes("né,b\n1,à\n".encode(encoding))
    assert read(path, encoding=encoding) == [(1, ["né", "b"]), (2, ["1", "à"])]


@pytest.mark.parametrize(
    ("content", "dialect", "message"),
    [
        ("é,b\n".encode("latin-1"), {}, 'byte 1 is not UTF-8; .* "encoding": "cp1252"'),
        (b"a,b\n1,\x81\n", {}, 'line 2: byte 3 is not UTF-8; .* "encoding": "latin-1"'),
        ("a,b\n".encode("utf-16"), {}, '"encoding": "utf-16"'),
        ("a,b\n".encode("utf-16-be"), {}, '"encoding": "utf-16-be"'),
        ("a,b\n1,\xe9\n".encode(), {"encoding": "ascii"}, "line 2: the text is not ascii"),
        (b"a\0", {"encoding": "utf-16"}, "is empty|line 1"),
        (b"a,b\n1,2,3\n4\n5,6\n", {}, r"line 2: 3 cells, .* has 2 \(also in line 3\); put a cell"),
        (b"Report\n2024\n\na,b,c\n1,2,3\n", {}, 'line 4: .* set "skip_rows": 3'),
        (b"a;b\n1,5;2\n", {}, 'set "delimiter": ";" and "decimal": ","'),
    ],
)
def test_the_option_that_a_file_needs_is_suggested(folder, content, dialect, message):
    path = folder / "table.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        assert read(path, **dialect), "is empty"
