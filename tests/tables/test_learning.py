"""Everything is learned from the training samples alone."""

import json

import numpy as np
import pytest

from tinynet.builtin.datasets._arrays import ArrayDataset, Source
from tinynet.data.data import Data
from tinynet.errors import DataError
from tinynet.spec.data_spec import DataSpec

COLUMNS = {
    "age": {"missing": "median", "indicator": True},
    "fare": {"missing": "mean"},
    "port": {"missing": "most_frequent", "min_count": 2},
    "boarded": {"missing": "median"},
}


def row(rng, i):
    age = "" if rng.random() < 0.2 else int(rng.integers(1, 80))
    fare = "NA" if rng.random() < 0.2 else round(float(rng.exponential(30)), 2)
    port = ["S", "C", "Q", "?"][rng.integers(4)]
    day = "" if rng.random() < 0.2 else f"2012-03-{1 + rng.integers(28):02}"
    return [age, fare, port, day, ["yes", "no"][i % 2]]


def open_data(folder, rows):
    lines = ["age,fare,port,boarded,survived", *(",".join(map(str, cells)) for cells in rows)]
    (folder / "t.csv").write_text("\n".join(lines) + "\n")
    spec = DataSpec.model_validate_json(
        json.dumps(
            {
                "type": "csv",
                "path": "t.csv",
                "target": "survived",
                "columns": COLUMNS,
                "split": {"validation": 0.3, "test": 0.2},
                "transforms": [{"type": "standardize", "on": ["input"]}],
            }
        )
    )
    return Data(spec, folder, 0)


def test_changed_validation_rows_leave_the_state_as_it_is(tmp_path):
    """Else the figures of validation and test are too good."""
    rng = np.random.default_rng(0)
    rows = [row(rng, i) for i in range(200)]
    before = open_data(tmp_path, rows)
    changed = list(rows)
    for split in ("val", "test"):
        for i in before.splits[split].indices.tolist():
            changed[i] = [1000 + i, -i, f"port {i}", "1912-04-15", rows[i][-1]]
    after = open_data(tmp_path, changed)
    assert before.state().keys() == after.state().keys()
    for name, array in before.state().items():
        np.testing.assert_array_equal(after.state()[name], array, err_msg=name)
    assert after.inputs == before.inputs
    positions = np.arange(before.size("train"))
    ours, theirs = (d.batch("train", positions).inputs["input"] for d in (before, after))
    np.testing.assert_array_equal(ours, theirs)
    moved = list(rows)
    moved[before.splits["train"].indices[0]] = [500, 500, "S", "1912-04-15", rows[0][-1]]
    names = open_data(tmp_path, moved).state()
    assert any(not np.array_equal(names[name], a) for name, a in before.state().items())


def test_validation_and_test_may_be_tables_of_their_own(tmp_path):
    """They are read and encoded as the training data are, whatever their cells look like."""
    rng = np.random.default_rng(0)
    main = open_data(tmp_path, [row(rng, i) for i in range(50)])
    (tmp_path / "val.csv").write_text("port,fare,age,boarded,survived\n3,1,NA,,yes\n7,?,2,,no\n")
    reference = {"type": "csv", "path": "val.csv", "target": "survived", "columns": COLUMNS}
    options = {"path": "t.csv", "target": "survived", "columns": COLUMNS}
    spec = {"type": "csv", **options, "validation": reference, "split": {"test": 0}}
    with pytest.warns(UserWarning, match=r"val.csv: column 'port': 2 of 2 cells are no category"):
        data = Data(DataSpec.model_validate_json(json.dumps(spec)), tmp_path, 0)
    (batch,) = data.batches("val", 10)
    names = data.inputs["input"].names
    assert names == main.inputs["input"].names
    first, second = (dict(zip(names, r, strict=True)) for r in batch.inputs["input"].tolist())
    fills = main.splits["train"].dataset.learn(data.splits["train"].indices)
    assert (first["age"], first["age.missing"]) == (fills["0.fill"][0], 1)
    assert second["fare"] == fills["1.fill"][0]
    assert not any(first[name] for name in names if name.startswith("port="))
    assert np.isfinite(batch.inputs["input"]).all()


def test_categories_of_validation_alone_are_unknown(open_csv):
    data = open_csv("a,b,y\nx,1,0\nz,2,0\nnew,3,1\n")
    learned = data.with_state(data.learn(np.array([0, 1])))
    assert learned.inputs["input"].names == ("a=x", "a=z", "b")
    assert learned.gather(np.array([2])).inputs["input"].tolist() == [[0, 0, 3]]
    assert data.inputs["input"].names == ("a=new", "a=x", "a=z", "b")


def test_the_state_is_all_that_another_table_needs(open_csv):
    columns = {"b": {"missing": "mean"}, "a": {"missing": "most_frequent"}}
    data = open_csv("a,b,y\nx,1,0\nz,2,0\nz,,1\n", columns=columns)
    state = {name: array.copy() for name, array in data.learn(np.arange(3)).items()}
    other = open_csv("b,a,y\n,?,0\n7,w,1\n5,x,1\n", columns=columns, inferred=dict(data.inferred))
    other = other.with_state(state)
    assert other.inputs == data.inputs
    assert other.gather(np.arange(3)).inputs["input"].tolist() == [
        [0, 1, 1.5],
        [0, 0, 7],
        [1, 0, 5],
    ]


@pytest.mark.parametrize("options", [{}, {"weights": "w"}, {"features": {"p": ["b"], "q": ["a"]}}])
def test_a_table_of_numbers_is_as_before(open_csv, options):
    """Runs of it resume: no state, and the fingerprint of the arrays that it holds."""
    text = "a,b,w,y\n1,2.5,1,dog\n3,-4e3,0,cat\n5,6,2,dog\n"
    data = open_csv(text, columns={"w": "ignore"} if not options else None, **options)
    assert data.learn(np.arange(2)) == {}
    values = np.array([[1, 2.5], [3, -4e3], [5, 6]])
    if "features" in options:
        inputs = {
            "p": Source(values[:, 1:], "", names=("b",)),
            "q": Source(values[:, :1], "", names=("a",)),
        }
    else:
        inputs = {"input": Source(values, "", names=("a", "b"))}
    weights = Source(np.array([1.0, 0, 2]), "") if "weights" in options else None
    target = Source(np.array([1, 0, 1]), "", ("cat", "dog"))
    expected = ArrayDataset(inputs, {"target": target}, weights)
    assert data.fingerprint == expected.fingerprint
    assert data.inputs == expected.inputs


def test_the_fingerprint_covers_encoded_columns(open_csv):
    def fingerprint(cells, **options):
        text = "a,b,y\n" + "".join(f"{a},{b},0\n" for a, b in cells)
        return open_csv(text, columns={"b": {"missing": "mean"}}, **options).fingerprint

    base = [("x", 1), ("z", ""), ("x", 3)]
    first = fingerprint(base)
    assert fingerprint([("x", "1.0"), ("z", "NA"), ("x", 3)]) == first
    for other in (
        [("x", 1), ("w", ""), ("x", 3)],
        [("x", 1), ("z", ""), ("z", 3)],
        [("x", 1), ("z", 0), ("x", 3)],
        [("x", 1), ("z", ""), ("x", 4)],
        [("x", 1), ("", ""), ("x", 3)],
    ):
        assert fingerprint(other) != first
    data = open_csv("a,b,y\nx,1,0\nz,2,1\n")
    assert data.with_state(data.learn(np.array([0]))).fingerprint == data.fingerprint


def test_batches_belong_to_the_caller(open_csv):
    data = open_csv("a,b,y\nx,1,0\nz,,1\n", columns={"b": {"missing": "mean"}})
    data.gather(np.arange(2)).inputs["input"][:] = 7
    assert data.gather(np.arange(2)).inputs["input"].tolist() == [[1, 0, 1], [0, 1, 1]]


def test_columns_by_name_for_splits(open_csv):
    text = "a,who,when,n,y\n1,ann,2012-01-02,,0\n,bob,2012-01-01,3,1\n2,?,2012-01-01,4,1\n"
    data = open_csv(text, features=["a"], columns={"a": {"missing": "drop_row"}})
    assert data.column_values("who").tolist() == ["ann", ""]
    day = 86_400_000_000
    dates = data.column_values("when")
    assert (dates[0] - dates[1]) == day
    assert data.column_values("a").tolist() == [1, 2]
    np.testing.assert_array_equal(data.column_values("n"), [np.nan, 4])
    with pytest.raises(DataError, match="did you mean 'who'"):
        data.column_values("whom")
