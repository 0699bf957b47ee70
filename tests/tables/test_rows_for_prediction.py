"""Unlabeled rows are read as the table that was trained on, with what was learned from it."""

import json

import numpy as np
import pytest

from tinynet.builtin.datasets.csv import CSV
from tinynet.builtin.tables import prediction
from tinynet.dataset import LearningDataset, RowReader
from tinynet.errors import DataError

TRAINED = (
    "id,age,sex,day,note,y\n"
    "a1,20,m,2012-01-02 10:00,some words,1\n"
    "a2,,f,2012-01-03 11:00,other words,0\n"
    "a3,40,?,2012-01-04 12:00,no words,1\n"
)
UNUSED = {"id": "ignore", "note": "ignore"}


@pytest.fixture
def trained(tmp_path):
    """Return the function that reads another table by the rules of this one."""

    def trained(text=TRAINED, target="y", **options):
        path = tmp_path / "train.csv"
        path.write_text(text)
        given = {"path": str(path), "target": target, **options}
        data = CSV(CSV.Config.model_validate_json(json.dumps(given)))
        assert isinstance(data, LearningDataset)
        state = data.learn(np.arange(len(data)))
        fields = data.with_state(state).inputs
        given["inferred"] = dict(data.inferred)
        config = CSV.Config.model_validate_json(json.dumps(given))

        def read(new, keep=()):
            source = tmp_path / "new.csv"
            source.write_text(new)
            parts = list(CSV.read_rows(config, str(source), fields, state, keep))
            inputs = {
                name: np.concatenate([part.inputs[name] for part in parts]) for name in fields
            }
            for name, field in fields.items():
                assert inputs[name].shape[1:] == field.shape
            rows = [row for part in parts for row in part.rows.tolist()]
            places = [place.rpartition("/")[2] for part in parts for place in part.places]
            kept = {name: [v for part in parts for v in part.kept[name]] for name in keep}
            return inputs, rows, places, kept

        return data, read

    return trained


def test_the_trained_table_itself_gives_its_samples(trained):
    data, read = trained(columns={"age": {"missing": "mean"}})
    inputs, rows, places, kept = read(TRAINED, ["id", "y"])
    expected = data.gather(np.arange(3)).inputs
    np.testing.assert_array_equal(inputs["input"], expected["input"])
    assert rows == [0, 1, 2]
    assert places == ["new.csv, line 2", "new.csv, line 3", "new.csv, line 4"]
    assert kept == {"id": ["a1", "a2", "a3"], "y": ["1", "0", "1"]}
    assert isinstance(CSV, RowReader)


def test_other_columns_orders_and_categories(trained):
    """The target may be missing, and columns that were not used as well."""
    data, read = trained(columns={"age": {"missing": "mean", "indicator": True}, "note": "ignore"})
    names = data.inputs["input"].names
    inputs, *_ = read("sex,day,extra,id,age\nx,2012-01-31,?,a1,\nf,2013-01-31,?,a2,7\n")
    first, second = (dict(zip(names, row, strict=True)) for row in inputs["input"].tolist())
    assert first["age"] == 30
    assert first["age.missing"] == 1
    assert {first["sex=m"], first["sex=f"]} == {0}
    assert (first["day.hour"], first["day.month"], second["day.year"]) == (0, 1, 2013)
    assert (second["age"], second["age.missing"], second["sex=f"]) == (7, 0, 1)


def test_several_inputs(trained):
    features = {"numbers": ["age"], "sex": "sex", "note": "note"}
    _, read = trained(features=features, columns={"age": {"missing": "mean"}, "note": "text"})
    inputs, *_ = read("age,sex,note\n,f,new words\n1,x,\n")
    assert inputs["numbers"].tolist() == [[30], [1]]
    assert inputs["sex"].tolist() == [1, 0]
    assert inputs["note"].tolist() == ["new words", ""]


def test_dropped_rows_are_left_out(trained):
    _, read = trained(columns={**UNUSED, "age": {"missing": "drop_row"}})
    new = "id,age,sex\nb1,,m\nb2,3,m\nb3,NA,f\nb4,5,f\n".replace("\n", ",2012-01-02\n")
    new = new.replace("2012-01-02", "day", 1)
    _, rows, places, kept = read(new, ["id"])
    assert (rows, kept) == ([1, 3], {"id": ["b2", "b4"]})
    assert places == ["new.csv, line 3", "new.csv, line 5"]


def test_rows_come_in_parts_of_the_same_numbers(trained, monkeypatch):
    _, read = trained(columns={**UNUSED, "age": {"missing": "drop_row"}})
    lines = [f"{'' if i % 3 == 0 else i},m,2012-01-02" for i in range(40_000)]
    text = "age,sex,day\n" + "\n".join(lines) + "\n"
    inputs, rows, places, _ = read(text)
    assert rows == [i for i in range(40_000) if i % 3]
    assert places[-1] == "new.csv, line 40000"
    monkeypatch.setattr(prediction, "ROWS", 1)
    again, *_ = read(text)
    np.testing.assert_array_equal(again["input"], inputs["input"])


@pytest.mark.parametrize(
    ("new", "message"),
    [
        ("age,sex\n1,m\n", "the header lacks 'day'; it names 'age', 'sex'"),
        ("age,sex,day\nx,m,2012-01-02\n", r"column 'age' holds text \('x'; line 2\); correct"),
        ("age,sex,day\n1,m,May\n", r"column 'day' has a cell that is not a date \('May'; line 2\)"),
        ("age,sex,day\n1,m,\n", r"column 'day' has a missing cell \(''; line 2\)"),
        ("age,sex,day\n", "has a header and no rows"),
        ("", "is empty"),
    ],
)
def test_rows_that_training_would_refuse_are_refused(trained, new, message):
    _, read = trained(columns={**UNUSED, "age": {"missing": "mean"}})
    with pytest.raises(DataError, match=message):
        read(new)


def test_missing_numbers_name_the_strategy_to_train_with(trained):
    text = "age,sex,y\n1,m,0\n2,f,1\n"
    _, read = trained(text)
    with pytest.raises(DataError, match="to have them filled, train with") as raised:
        read("age,sex\n,m\n")
    setting = json.loads(f"{{{str(raised.value).partition('train with ')[2]}}}")
    _, read = trained(text, **setting)
    assert read("age,sex\n,m\n")[0]["input"].tolist() == [[1.5, 0, 1]]


def test_a_column_to_keep_must_exist(trained):
    _, read = trained(columns={**UNUSED, "age": {"missing": "mean"}})
    with pytest.raises(DataError, match="no column 'idd' to keep; did you mean 'id'"):
        read(TRAINED, ["idd"])


@pytest.mark.parametrize("new", ["5,b\n6,c\n", "5,b,7\n6,c,7\n"])
def test_without_a_header_columns_go_by_position(trained, new):
    data, read = trained("1,a,0\n2,b,1\n", target=-1, header=False)
    assert data.inputs["input"].names == ("0", "1=a", "1=b")
    inputs, *_ = read(new)
    assert inputs["input"].tolist() == [[5, 0, 1], [6, 0, 0]]


def test_positions_in_a_table_with_a_header_mean_names(trained):
    _, read = trained("u,v,y\n1,2,0\n3,4,1\n", features=[1, 0])
    inputs, *_ = read("u,v\n5,6\n")
    assert inputs["input"].tolist() == [[6, 5]]
