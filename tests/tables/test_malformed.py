"""Every malformed table gives one clear error, and no bytes give any other."""

import gzip
import io
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tables.malformed import GOOD, parquet_tables, text_tables
from tinynet.builtin.datasets.csv import CSV
from tinynet.builtin.datasets.idx import IDX
from tinynet.builtin.datasets.numpy_files import NPY, NPZ
from tinynet.builtin.datasets.parquet import Parquet
from tinynet.builtin.datasets.text import Text
from tinynet.errors import DataError

TABLES = list(text_tables())


def require_clear_error(cls, path, case):
    path = path.with_suffix(case.ending)
    path.write_bytes(case.content)
    with pytest.raises(DataError, match=case.message) as raised:
        cls(cls.Config(**{"path": str(path), "target": "y", **case.options}))
    text = str(raised.value)
    assert type(raised.value) is DataError
    assert str(path) in text
    assert len(text) < 1000
    assert "\n\n" not in text
    assert not any(word in text for word in ("Traceback", "codec can't", "object at 0x"))


def test_the_corpus_is_large_and_its_names_are_unique():
    assert len(TABLES) >= 100
    assert len({case.name for case in TABLES}) == len(TABLES)


@pytest.mark.parametrize("case", TABLES, ids=lambda case: case.name)
def test_a_malformed_text_table_gives_one_clear_error(tmp_path, case):
    require_clear_error(CSV, tmp_path / "table", case)


def test_malformed_parquet_gives_one_clear_error(tmp_path):
    pytest.importorskip("pyarrow", reason="writes and reads Parquet")
    cases = list(parquet_tables(tmp_path))
    assert len(cases) >= 25
    for case in cases:
        require_clear_error(Parquet, tmp_path / "table", case)


# Any bytes ------------------------------------------------------------------------------------


def packed(array, save):
    file = io.BytesIO()
    save(file, array)
    return file.getvalue()


IDX_BYTES = b"\x00\x00\x08\x03" + (2).to_bytes(4) * 3 + bytes(8)
READERS = {
    "csv": (lambda path: CSV(CSV.Config(path=path, target="y")), GOOD),
    "gzip": (lambda path: CSV(CSV.Config(path=path, target="y")), gzip.compress(GOOD, mtime=0)),
    "utf-16": (
        lambda path: CSV(CSV.Config(path=path, target="y", encoding="utf-16", decimal=",")),
        GOOD.decode().encode("utf-16"),
    ),
    "text": (lambda path: Text(Text.Config(path=path, length=2)), "größe und mehr".encode()),
    "idx": (lambda path: IDX(IDX.Config(images=path, labels=path)), IDX_BYTES),
    "npy": (lambda path: NPY(NPY.Config(inputs=path)), packed(np.ones((3, 2)), np.save)),
    "npz": (
        lambda path: NPZ(NPZ.Config(path=path, inputs="arr_0", targets=None)),
        packed(np.ones((3, 2)), np.savez),
    ),
}


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """A file that every example replaces."""
    return tmp_path_factory.mktemp("any") / "file.bin"


@st.composite
def damaged(draw, content):
    """Any bytes, or valid content with some bytes replaced, removed or added."""
    if draw(st.booleans()):
        return draw(st.binary(max_size=80))
    start = draw(st.integers(0, len(content)))
    stop = draw(st.integers(start, min(len(content), start + 12)))
    return content[:start] + draw(st.binary(max_size=12)) + content[stop:]


@pytest.mark.parametrize("reader", READERS)
@settings(max_examples=60)
@given(data=st.data())
def test_no_bytes_give_another_error(file, reader, data):
    open_file, content = READERS[reader]
    file.write_bytes(data.draw(damaged(content)))
    with suppress(DataError):
        open_file(str(file))


DIALECTS = st.fixed_dictionaries(
    {},
    optional={
        "delimiter": st.sampled_from([";", "\t", " ", "é", "0"]),
        "skip_rows": st.integers(0, 3),
        "comment_prefix": st.sampled_from(["#", "1", '"', "é"]),
        "decimal": st.just(","),
        "thousands": st.sampled_from([" ", "'", "_"]),
        "encoding": st.sampled_from(["latin-1", "utf-16", "utf-32", "shift_jis", "utf-7", "hz"]),
        "header": st.booleans(),
    },
)


@settings(max_examples=150)
@given(options=DIALECTS, data=st.data())
def test_no_bytes_in_any_dialect_give_another_error(file, options, data):
    encoding = options.get("encoding", "utf-8")
    file.write_bytes(data.draw(damaged(GOOD.decode().encode(encoding))))
    with suppress(DataError):
        CSV(CSV.Config(path=str(file), target=0, **options))


@pytest.fixture(scope="module")
def parquet(tmp_path_factory):
    """The bytes of a small Parquet file."""
    pa = pytest.importorskip("pyarrow", reason="writes and reads Parquet")
    import pyarrow.parquet as pq

    path = tmp_path_factory.mktemp("parquet") / "good.parquet"
    pq.write_table(pa.table({"a": [1.5, 2, None], "y": ["dog", "cat", None]}), path)
    return path.read_bytes()


@settings(max_examples=120)
@given(data=st.data())
def test_no_damage_of_parquet_gives_another_error(file, parquet, data):
    file.write_bytes(data.draw(damaged(parquet)))
    with suppress(DataError):
        Parquet(Parquet.Config(path=str(file), target="y"))
