"""Tables of typed sources mean the same as the same cells in a text file."""

import json

import numpy as np
import pytest

from tinynet.builtin.tables.config import TableConfig
from tinynet.builtin.tables.python_tables import table_from_object
from tinynet.builtin.tables.sources import source_chunks
from tinynet.builtin.tables.table_dataset import TableDataset
from tinynet.errors import DataError

TABLES = {}


class InMemory(TableDataset):
    """A table of `TABLES`, by its name."""

    class Config(TableConfig):
        path: str

    @classmethod
    def read_table(cls, config, choose):
        return table_from_object(TABLES[config.path], choose)

    read_chunks = classmethod(lambda cls, *args: source_chunks(*args))


@pytest.fixture
def open_table():
    def open_table(table, target="y", **options):
        TABLES["t"] = table
        options = {"path": "t", "target": target, **options}
        return InMemory(InMemory.Config.model_validate_json(json.dumps(options)))

    return open_table


TYPED = {
    "n": np.array([1.5, np.nan, 3]),
    "i": np.array([7, 8, 9]),
    "ok": np.array([True, False, True]),
    "kind": np.array(["x", None, "z"], object),
    "when": np.array(["2012-01-02T10:00", "2012-01-03T00:00", "NaT"], "M8[us]"),
    "y": np.array(["a", "b", "a"], object),
}
TEXT = (
    "n,i,ok,kind,when,y\n1.5,7,True,x,2012-01-02 10:00,a\n,8,False,NA,2012-01-03,b\n3,9,True,z,,a\n"
)
OPTIONS = {"columns": {"n": {"missing": "mean"}, "when": {"missing": "median"}}}


def test_types_and_text_mean_the_same(open_table, open_csv):
    typed, text = open_table(TYPED, **OPTIONS), open_csv(TEXT, **OPTIONS)
    assert typed.inputs == text.inputs
    assert typed.targets == text.targets
    assert typed.inferred == text.inferred
    assert typed.fingerprint == text.fingerprint
    ours, theirs = (data.gather(np.arange(3)) for data in (typed, text))
    np.testing.assert_array_equal(ours.inputs["input"], theirs.inputs["input"])


def test_text_of_a_typed_source_is_not_a_number(open_table):
    """Codes such as 01 and 1 differ."""
    data = open_table({"a": ["01", "1", "1"], "y": [0.5, 1.5, 2.5]})
    assert data.inputs["input"].names == ("a=01", "a=1")
    data = open_table({"a": ["1", "2", "4"], "y": [0.5, 1.5, 2.5]}, columns={"a": "number"})
    assert data.gather(np.arange(3)).inputs["input"].tolist() == [[1], [2], [4]]


def test_booleans_may_be_numbers(open_table):
    data = open_table({"a": [True, False], "y": [0.5, 1.5]}, columns={"a": "number"})
    assert data.gather(np.arange(2)).inputs["input"].tolist() == [[1], [0]]


def test_integers_and_booleans_as_targets(open_table):
    columns = {"a": [1.0, 2.0, 3.0], "y": [5, 1, 5], "b": [True, False, True]}
    assert open_table(columns, features=["a"]).targets["target"].classes is None
    data = open_table(columns, features=["a"], target_type="class")
    assert data.targets["target"].classes == ("1", "5")
    data = open_table(columns, "b", features=["a"])
    assert data.targets["target"].classes == ("False", "True")


def test_faults_name_rows(open_table):
    columns = {"a": np.array([1, np.nan, np.inf]), "y": np.array([1.0, 2.0, 3.0])}
    with pytest.raises(DataError, match=r"not finite \('inf'; row 2\) and has a missing cell \(''"):
        open_table(columns)


def test_rows_of_a_program_are_predicted_by_the_rules_of_a_text_table(open_csv):
    data = open_csv(TEXT, **OPTIONS)
    config = data._config.model_copy(update={"inferred": None})
    given = {**json.loads(config.model_dump_json()), "inferred": dict(data.inferred)}
    config = type(data).Config.model_validate_json(json.dumps(given))
    state = data.learn(np.arange(3))
    rows = zip(*TYPED.values(), strict=True)
    records = [dict(zip(TYPED, row, strict=True)) for row in rows]
    for source in (TYPED, records):
        (part,) = type(data).read_rows(config, source, data.inputs, state, ("y",))
        expected = data.gather(np.arange(3)).inputs["input"]
        np.testing.assert_array_equal(part.inputs["input"], expected)
        assert list(part.kept["y"]) == ["a", "b", "a"]
        assert part.places[1].endswith("row 1 (counted from 0)")
