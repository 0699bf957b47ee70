import datetime
import decimal
import sys

import numpy as np
import pytest

from tinynet.builtin.tables.parquet_files import read_parquet, read_parquet_chunks
from tinynet.errors import DataError

pa = pytest.importorskip("pyarrow", reason="Parquet files are read by pyarrow")
pq = pytest.importorskip("pyarrow.parquet", reason="Parquet files are read by pyarrow")

DAY = datetime.datetime(2024, 2, 29, 12, 30)


@pytest.fixture
def write(tmp_path):
    """Write columns as a Parquet file; return its path."""

    def write(columns, name="table.parquet", **options):
        table = columns if isinstance(columns, pa.Table) else pa.table(columns)
        pq.write_table(table, tmp_path / name, **options)
        return str(tmp_path / name)

    return write


@pytest.mark.parametrize(
    ("column", "dtype", "values"),
    [
        (pa.array([1, 2], pa.int8()), "int64", [1, 2]),
        (pa.array([1, None], pa.uint32()), "float64", [1.0, np.nan]),
        (pa.array([2**64 - 1, None], pa.uint64()), "float64", [2.0**64, np.nan]),
        (pa.array([1.5, None], pa.float32()), "float64", [1.5, np.nan]),
        (pa.array([np.float16(0.5)] * 2, pa.float16()), "float64", [0.5, 0.5]),
        (pa.array([decimal.Decimal("1.25"), None]), "float64", [1.25, np.nan]),
        (pa.array([True, False]), "bool", [True, False]),
        (pa.array([True, None]), "object", ["True", None]),
        (pa.array([" a ", None]), "object", ["a", None]),
        (pa.array(["a", "b"], pa.large_string()), "object", ["a", "b"]),
        (pa.array([b"a", b"\xc3\xa9"], pa.binary()), "object", ["a", "é"]),
        (pa.array(["x", None]).dictionary_encode(), "object", ["x", None]),
        (pa.array([5, 7]).dictionary_encode(), "int64", [5, 7]),
        (pa.array([None, None]), "float64", [np.nan, np.nan]),
        (pa.array([DAY, None], pa.timestamp("ns")), "datetime64[us]", [DAY, None]),
        (pa.array([DAY, None], pa.timestamp("s", "UTC")), "datetime64[us]", [DAY, None]),
        (
            pa.array([DAY.date(), None]),
            "datetime64[us]",
            [datetime.datetime(2024, 2, 29), None],
        ),
    ],
)
def test_every_plain_type_has_a_column(write, column, dtype, values):
    table = read_parquet(write({"a": column}))
    cells = table.columns["a"]
    assert (cells.dtype.name, table.typed, len(table)) == (dtype, True, 2)
    assert repr(cells.tolist()) == repr(values)


def test_chosen_columns_alone_are_read(write):
    path = write({"a": [1], "nested": [[1, 2]], "a.b": ["x"]})
    table = read_parquet(path, lambda header: ["a.b", "a"])
    assert {name: cells.tolist() for name, cells in table.columns.items()} == {
        "a.b": ["x"],
        "a": [1],
    }
    assert table.header == ("a", "nested", "a.b")


def test_nested_columns_are_named_with_the_setting_that_leaves_them_out(write):
    path = write({"a": [1], "b": [[1, 2]], "c": [{"x": 1}]})
    with pytest.raises(DataError, match=r"'b' \(list<.*'c' \(struct<.*") as raised:
        read_parquet(path)
    assert '"columns": {"b": "ignore", "c": "ignore"}' in str(raised.value)


def test_chunks_know_their_rows(write, monkeypatch):
    monkeypatch.setattr("tinynet.builtin.tables.parquet_files._ROWS", 10)
    path = write({"a": range(25)})
    seen = []
    parts = list(read_parquet_chunks(path, progress=seen.append))
    assert [len(part) for part in parts] == [0, 10, 10, 5]
    assert parts[2].where(3) == f"{path}, row 13 (counted from 0)"
    assert seen[-1] == 1
    assert read_parquet(path).columns["a"].tolist() == [*range(25)]


@pytest.mark.parametrize("place", ["", "part-*.parquet"])
def test_a_folder_and_a_pattern_are_one_table(write, tmp_path, place):
    write({"a": [3, None], "b": [True, None], "c": pa.nulls(2)}, "part-2.parquet")
    write({"a": [1, 2], "b": [True, False], "c": ["x", "y"]}, "part-1.parquet")
    (tmp_path / "_SUCCESS").touch()
    table = read_parquet(str(tmp_path / place))
    assert table.columns["a"].tolist()[:3] == [1, 2, 3]
    assert table.columns["b"].tolist() == ["True", "False", "True", None]
    assert table.columns["c"].tolist() == ["x", "y", None, None]
    assert table.where(3) == f"{tmp_path}/part-2.parquet, row 1 (counted from 0)"


def test_pieces_of_different_columns_or_types_are_refused(write, tmp_path):
    write({"a": [1]}, "1.parquet")
    write({"b": [1]}, "2.parquet")
    with pytest.raises(DataError, match=r"2\.parquet and .*1\.parquet .* lacks 'a'"):
        read_parquet(str(tmp_path))
    write({"a": ["x"]}, "2.parquet")
    with pytest.raises(DataError, match="column 'a' holds different types"):
        read_parquet(str(tmp_path))


def test_a_folder_without_parquet_files_is_refused(tmp_path):
    with pytest.raises(DataError, match="a folder without Parquet files"):
        read_parquet(str(tmp_path))


def test_without_pyarrow_the_package_to_install_is_named(write, monkeypatch):
    path = write({"a": [1]})
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(DataError, match=r"pip install 'tinynet-core\[parquet\]'"):
        read_parquet(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda raw: b"", "is empty"),
        (lambda raw: b"a,b\n1,2\n", 'is not a Parquet file; for a text table, set "type": "csv"'),
        (lambda raw: raw[:-10], "is truncated"),
        (lambda raw: b"PAR1PAR1", "is truncated"),
        (lambda raw: raw[:8] + bytes(len(raw) - 16) + raw[-8:], "is damaged"),
        (lambda raw: raw[:-8] + b"\xff\xff\xff\x7fPAR1", "is damaged"),
    ],
)
def test_damaged_files_are_refused(write, tmp_path, change, message):
    path = tmp_path / "damaged.parquet"
    path.write_bytes(change((tmp_path / write({"a": [1]}, "good.parquet")).read_bytes()))
    with pytest.raises(DataError, match=message):
        read_parquet(str(path))


def test_bytes_that_are_not_text_are_refused_by_column(write):
    with pytest.raises(DataError, match="column 'a' cannot be read"):
        read_parquet(write({"a": pa.array([b"\xff"], pa.binary())}))


def test_two_columns_of_one_name_are_refused(write):
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    with pytest.raises(DataError, match="two columns are named 'a'"):
        read_parquet(write(table))
