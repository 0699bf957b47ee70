import gzip
import json
import tracemalloc

import numpy as np
import pytest

from tests.tables.malformed import text_tables
from tinynet.builtin.datasets.csv import CSV
from tinynet.builtin.datasets.numpy_files import NPY
from tinynet.builtin.datasets.parquet import Parquet
from tinynet.commands import convert as module
from tinynet.commands.convert import convert
from tinynet.errors import DataError, RunExistsError, UsageError
from tinynet.files import encoded_lines

TABLE = "a,b,kind\n1,2.5,dog\n3,-4,cat\n\n5,6e1,dog\n"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def table(folder):
    """The path of a small table."""
    (folder / "table.csv").write_text(TABLE)
    return "table.csv"


def all_of(data):
    return data.gather(np.arange(len(data)))


def left_over(folder):
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


def test_a_folder_of_npy_files_holds_the_same_samples(table, folder):
    result = convert(table, "out", target="kind")
    assert (result.rows, result.features) == (3, ["a", "b"])
    assert json.loads((folder / "out" / "data.json").read_text()) == result.data
    options = {key: value for key, value in result.data.items() if key != "type"}
    converted = NPY(NPY.Config(**{**options, "classes": tuple(options["classes"])}))
    original = CSV(CSV.Config(path=table, target="kind"))
    assert converted.targets["target"].classes == original.targets["target"].classes
    first, second = all_of(converted), all_of(original)
    assert np.array_equal(first.inputs["input"], second.inputs["input"])
    assert np.array_equal(first.targets["target"], second.targets["target"])
    assert left_over(folder) == []


def test_numbers_are_targets_of_numbers_unless_they_are_classes(table):
    assert "classes" not in convert(table, "n", target="a", columns=("b",)).data
    assert np.load("n/targets.npy").tolist() == [1, 3, 5]
    data = convert(table, "c", target="a", columns=("b",), target_type="class").data
    assert data["classes"] == ["1", "3", "5"]
    assert np.load("c/targets.npy").tolist() == [0, 1, 2]


def test_chosen_columns_in_their_order_as_float32(table):
    convert(table, "out", columns=("b", "a"), dtype="float32")
    inputs = np.load("out/inputs.npy")
    assert inputs.dtype == np.float32
    assert inputs.tolist() == [[2.5, 1], [-4, 3], [60, 5]]


def test_columns_that_are_not_numbers_are_all_named(folder):
    (folder / "t.csv").write_text("a,b,c\n1,x,\n2,y,3\n,z,4\n")
    with pytest.raises(DataError) as raised:
        convert("t.csv", "out")
    assert str(raised.value).splitlines() == [
        "t.csv: .npy files hold finite numbers alone:",
        "  column 'a': 1 cell, the first is '' (t.csv, line 4)",
        "  column 'b': 3 cells, the first is 'x' (t.csv, line 2)",
        "  column 'c': 1 cell, the first is '' (t.csv, line 2)",
        "  to replace missing numbers: --fill 0; if they are categories: --one-hot b; a .parquet"
        " file holds any column",
    ]
    assert [path.name for path in folder.iterdir()] == ["t.csv"]


def test_the_options_that_the_message_names_solve_the_problems(folder):
    (folder / "t.csv").write_text("a,b,c\n1,x,\n2,y,3\n,z,4\nNA,,5\n")
    result = convert("t.csv", "out", fill=0, one_hot=("b",))
    assert result.features == ["a", "b=x", "b=y", "b=z", "c"]
    assert json.loads((folder / "out" / "features.json").read_text()) == result.features
    assert np.load("out/inputs.npy").tolist() == [
        [1, 1, 0, 0, 0],
        [2, 0, 1, 0, 3],
        [0, 0, 0, 1, 4],
        [0, 0, 0, 0, 5],
    ]
    with pytest.raises(DataError, match="'x' is not a column to convert"):
        convert("t.csv", "other", one_hot=("x",))


def test_columns_without_a_fault_are_offered(folder):
    (folder / "t.csv").write_text("a,b,y\n1,x,dog\n2,y,\n")
    with pytest.raises(DataError) as raised:
        convert("t.csv", "out", target="y")
    remedy = str(raised.value).splitlines()[-1]
    assert "--one-hot b; to leave columns out: --columns a; correct the target 'y'" in remedy


def test_too_many_labels_are_refused(folder, monkeypatch):
    monkeypatch.setattr("tinynet.commands.conversion.labels.MAX_LABELS", 2)
    (folder / "t.csv").write_text("a,b\n1,x\n2,y\n3,z\n")
    for words in ({"target": "b"}, {"one_hot": ("b",)}):
        with pytest.raises(DataError, match=r"'b' has more than .* different labels"):
            convert("t.csv", "out", **words)


def test_missing_targets_are_refused(folder):
    (folder / "t.csv").write_text("a,y\n1,dog\n2,NA\n")
    with pytest.raises(DataError, match=r"column 'y': 1 cell, the first is 'NA' \(t.csv, line 3\)"):
        convert("t.csv", "out", target="y")


def test_dialects_patterns_and_gzip(folder):
    text = "# made\na;b\n1.000,5;2\n".encode("latin-1")
    (folder / "part-1.csv").write_bytes(text)
    (folder / "part-2.csv.gz").write_bytes(gzip.compress(text))
    dialect = {"delimiter": ";", "comment_prefix": "#", "decimal": ",", "thousands": "."}
    assert convert("part-*", "out", dialect=dialect).rows == 2
    assert np.load("out/inputs.npy").tolist() == [[1000.5, 2]] * 2
    with pytest.raises(UsageError, match="decimal"):
        convert("part-*", "other", dialect={"decimal": "x"})


def test_parquet_keeps_every_column_with_its_type(folder):
    pq = pytest.importorskip("pyarrow.parquet", reason="writes Parquet")
    (folder / "t.csv").write_text(
        "whole,holes,real,code,text\n1,2,1.5,1e3,x\n2,NA,2,2_0,\n3,4,nan,3,NA\n"
    )
    result = convert("t.csv", "sub/t.parquet")
    assert result.columns == {
        "whole": "int64", "holes": "int64", "real": "double", "code": "string", "text": "string",
    }  # fmt: skip
    assert pq.read_table("sub/t.parquet").to_pydict() == {
        "whole": [1, 2, 3],
        "holes": [2, None, 4],
        "real": [1.5, 2, None],
        "code": ["1e3", "2_0", "3"],
        "text": ["x", None, "NA"],
    }


@pytest.mark.parametrize(
    ("cells", "kind", "values"),
    [
        ("007 12", "string", ["007", "12"]),
        ("0 -0.5", "double", [0, -0.5]),
        (f"{2**53 + 1} 1", "int64", [2**53 + 1, 1]),
        (f"{2**53 + 1} NA", "string", [str(2**53 + 1), "NA"]),
        (f"{2**53 + 1} 1.5", "string", [str(2**53 + 1), "1.5"]),
        (f"{2**64} 1", "string", [str(2**64), "1"]),
        ("1e300 1", "double", [1e300, 1]),
        ("1e400 1", "string", ["1e400", "1"]),
    ],
)
def test_parquet_keeps_text_that_looks_like_a_number(folder, cells, kind, values):
    pq = pytest.importorskip("pyarrow.parquet", reason="writes Parquet")
    (folder / "t.csv").write_text("a,b\n" + "".join(f"{cell},1\n" for cell in cells.split()))
    assert convert("t.csv", "t.parquet").columns["a"] == kind
    assert pq.read_table("t.parquet").to_pydict()["a"] == values


def test_a_network_sees_the_same_numbers_in_parquet(table):
    pytest.importorskip("pyarrow", reason="writes Parquet")
    convert(table, "t.parquet")
    first = all_of(CSV(CSV.Config(path=table, target="kind")))
    second = all_of(Parquet(Parquet.Config(path="t.parquet", target="kind")))
    assert np.array_equal(first.inputs["input"], second.inputs["input"])
    assert np.array_equal(first.targets["target"], second.targets["target"])
    convert("t.parquet", "out", target="kind")
    assert np.array_equal(np.load("out/inputs.npy"), first.inputs["input"])


def test_arrays_of_an_npz_file_become_files(folder):
    np.savez_compressed("z.npz", x=np.arange(6).reshape(3, 2), y=np.ones(3, np.float32))
    assert convert("z.npz", "out").shapes == {"x.npy": (3, 2), "y.npy": (3,)}
    assert np.load("out/x.npy").tolist() == [[0, 1], [2, 3], [4, 5]]
    raw = bytearray((folder / "z.npz").read_bytes())
    raw[80] ^= 255
    (folder / "bad.npz").write_bytes(raw)
    with pytest.raises(DataError, match=r"bad\.npz"):
        convert("bad.npz", "other")
    assert not (folder / "other").exists()
    assert left_over(folder) == []


@pytest.mark.parametrize("name", ["out", "out.parquet"])
def test_nothing_is_replaced_without_force(table, folder, name):
    if name.endswith(".parquet"):
        pytest.importorskip("pyarrow", reason="writes Parquet")
    convert(table, name, columns=("a",))
    with pytest.raises(RunExistsError, match=r"already exists; .* --force"):
        convert(table, name, columns=("b",))
    convert(table, name, columns=("b",), force=True)
    if name == "out":
        assert np.load("out/inputs.npy").tolist() == [[2.5], [-4], [60]]
        (folder / "out" / "diary.txt").touch()
        with pytest.raises(RunExistsError, match=r"does not write: diary\.txt"):
            convert(table, name, columns=("a",), force=True)


@pytest.mark.parametrize("name", ["out", "out.parquet"])
def test_an_interruption_leaves_nothing_new(table, folder, name):
    if name.endswith(".parquet"):
        pytest.importorskip("pyarrow", reason="writes Parquet")
    convert(table, name, columns=("a",))
    old = (folder / name).stat().st_ino

    def interrupt(done):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        convert(table, name, columns=("b",), force=True, progress=interrupt)
    assert (folder / name).stat().st_ino == old
    assert left_over(folder) == []


def test_memory_is_bounded_and_progress_ends_at_1(folder, monkeypatch):
    monkeypatch.setattr(encoded_lines, "_BLOCK", 1 << 14)
    (folder / "t.csv").write_text("a,b\n" + "1.25,3.5\n" * 150_000)
    seen = []
    tracemalloc.start()
    convert("t.csv", "out", progress=seen.append)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.load("out/inputs.npy", mmap_mode="r").shape == (150_000, 2)
    assert peak < 1_200_000
    assert seen[-1] == 1
    assert seen == sorted(seen)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"target": "kin"}, "no column 'kin'; did you mean 'kind'"),
        ({"target": "-4"}, "no column '-4'"),
        ({"columns": ("a", "x")}, "no column 'x'"),
        ({"columns": ("kind",), "target": "kind"}, "no column besides the target"),
    ],
)
def test_unknown_columns_are_refused(table, words, message):
    with pytest.raises(DataError, match=message):
        convert(table, "out", **words)


def test_the_last_column_may_be_named_by_its_position(table):
    assert convert(table, "out", target="-1").data["classes"] == ["cat", "dog"]


def test_sources_without_rows_are_refused(folder):
    (folder / "t.csv").write_text("a,b\n")
    for name in ("out", "out.parquet"):
        with pytest.raises(DataError, match="a header and no rows"):
            convert("t.csv", name)
    with pytest.raises(DataError, match="no such file"):
        convert("nowhere.csv", "out")
    assert [path.name for path in folder.iterdir()] == ["t.csv"]


@pytest.mark.parametrize("name", ["out", "out.parquet"])
def test_malformed_tables_leave_nothing(folder, name):
    if name.endswith(".parquet"):
        pytest.importorskip("pyarrow", reason="writes Parquet")
    structural = [case for case in text_tables() if not case.options][:90]
    refused = 0
    for case in structural:
        source = folder / f"table{case.ending}"
        source.write_bytes(case.content)
        try:
            convert(source.name, name, force=True, target="y")
        except DataError:
            refused += 1
            assert {path.name for path in folder.iterdir()} <= {source.name, name}
        source.unlink()
    assert refused > 80


def test_combinations_that_cannot_be(folder):
    with pytest.raises(UsageError, match="name a folder"):
        convert("z.npz", "z.parquet")
    with pytest.raises(UsageError, match="is Parquet already"):
        convert("z.parquet", "y.parquet")
    assert module.__doc__


def test_columns_may_be_given_by_position(table):
    assert convert(table, "out", columns=("1", "a"), target="2").features == ["b", "a"]
