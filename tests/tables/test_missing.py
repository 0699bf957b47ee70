"""Missing cells are no class, category or number, and are replaced by learned values."""

import numpy as np
import pytest

from tinynet.builtin.datasets.csv import CSV
from tinynet.errors import DataError

NUMBERS = "a,b,y\n1,5,0\n,6,0\n2,7,1\n2,8,1\n9,9,1\n"


def column(data, name="a"):
    place = data.inputs["input"].names.index(name)
    return data.gather(np.arange(len(data))).inputs["input"][:, place].tolist()


@pytest.mark.parametrize(
    ("options", "filled"),
    [
        ({"missing": "mean"}, 3.5),
        ({"missing": "median"}, 2),
        ({"missing": "most_frequent"}, 2),
        ({"missing": "constant", "fill": -1}, -1),
        ({"missing": "constant", "fill": 0.5, "indicator": True}, 0.5),
    ],
)
def test_strategies_for_numbers(open_csv, options, filled):
    data = open_csv(NUMBERS, columns={"a": options})
    assert column(data) == [1, filled, 2, 2, 9]
    if options.get("indicator"):
        assert data.inputs["input"].indicators == (False, True, False)
        assert column(data, "a.missing") == [0, 1, 0, 0, 0]


def test_dropped_rows_are_no_samples(open_csv):
    data = open_csv(NUMBERS, columns={"a": {"missing": "drop_row"}}, weights=None)
    assert column(data) == [1, 2, 2, 9]
    assert data.gather(np.arange(4)).targets["target"].tolist() == [0, 1, 1, 1]
    assert data.where(1).endswith("line 4")
    assert data.where_in("target", 1).endswith("line 4, column 'y'")
    assert data.learn(np.arange(4)) == {}


def test_every_row_may_not_be_dropped(open_csv):
    with pytest.raises(DataError, match="every row has a missing cell"):
        open_csv("a,b,y\n1,,0\n,2,0\n", columns={key: {"missing": "drop_row"} for key in "ab"})


CATEGORIES = "a,b,y\nx,1,0\nNA,2,0\nz,3,1\nz,4,1\n"


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        ({}, [[1, 0], [0, 0], [0, 1], [0, 1]]),
        ({"missing": "most_frequent"}, [[1, 0], [0, 1], [0, 1], [0, 1]]),
        ({"missing": "constant", "fill": "x"}, [[1, 0], [1, 0], [0, 1], [0, 1]]),
        ({"missing": "drop_row"}, [[1, 0], [0, 1], [0, 1]]),
        ({"missing": "constant", "fill": "none"}, [[1, 0, 0], [0, 0, 1], [0, 1, 0], [0, 1, 0]]),
        ({"indicator": True}, [[1, 0, 0], [0, 0, 1], [0, 1, 0], [0, 1, 0]]),
    ],
)
def test_strategies_for_categories(open_csv, options, rows):
    data = open_csv(CATEGORIES, columns={"a": {"kind": "category", **options}})
    inputs = data.gather(np.arange(len(data))).inputs["input"]
    assert inputs[:, :-1].tolist() == rows
    assert "a=NA" not in data.inputs["input"].names


def test_a_missing_category_can_be_an_error(open_csv):
    with pytest.raises(DataError, match=r"column 'a' has a missing cell \('NA'; line 3\)"):
        open_csv(CATEGORIES, columns={"a": {"missing": "error"}})


def test_a_missing_text_is_empty(open_csv):
    data = open_csv("a,y\nsome words,0\nNA,1\n", columns={"a": "text"})
    assert data.gather(np.arange(2)).inputs["input"].tolist() == ["some words", ""]
    data = open_csv(
        "a,y\nsome words,0\nNA,1\n",
        columns={"a": {"kind": "text", "missing": "constant", "fill": "none"}},
    )
    assert data.gather(np.arange(2)).inputs["input"].tolist() == ["some words", "none"]


def test_faults_of_several_files_name_each_file(tmp_path):
    for name, cell in (("p1.csv", ""), ("p2.csv", "NA")):
        (tmp_path / name).write_text(f"a,y\n1,0\n{cell},1\n")
    options = {"path": str(tmp_path / "p*.csv"), "target": "y"}
    with pytest.raises(DataError) as raised:
        CSV(CSV.Config(**options))
    assert "has 2 missing cells ('', 'NA'; " in str(raised.value)
    assert "p1.csv, line 3, " in str(raised.value)
    assert "p2.csv, line 3); set" in str(raised.value)


def test_missing_dates(open_csv):
    text = "d,b,y\n2012-01-02,1,0\n,2,0\n2012-01-04,3,1\n2012-01-05,4,1\n"
    for options, day in (
        ({"missing": "median"}, 4),
        ({"missing": "mean"}, 11 / 3),
        ({"missing": "constant", "fill": "2012-02-09"}, 9),
        ({"missing": "most_frequent"}, 2),
    ):
        assert column(open_csv(text, columns={"d": options}), "d.day")[1] == day


def test_a_column_without_a_value_in_training_has_no_mean(open_csv):
    data = open_csv(NUMBERS, columns={"a": {"missing": "mean"}})
    with pytest.raises(DataError, match=r"table.csv: column 'a' has no value in the training"):
        data.learn(np.array([1]))


def test_a_mean_that_overflows_has_a_remedy(open_csv):
    text = "a,y\n1e308,0\n1.7e308,0\n,1\n"
    data = open_csv(text, columns={"a": {"missing": "mean"}})
    with pytest.raises(DataError, match="too large for a mean"):
        data.learn(np.arange(3))
    assert len(open_csv(text, columns={"a": {"missing": "most_frequent"}})) == 3
