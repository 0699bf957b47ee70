"""Samples that the dataset of a model reads row by row: tables, folders and objects in memory."""

import csv
import itertools
from dataclasses import replace

import numpy as np
import pytest

import tinynet
from tinynet.dataset import Batch, DatasetConfig, Field, InputRows
from tinynet.errors import DataError, PluginError
from tinynet.prediction import model as model_module

PART = 100
"""Rows that the dataset yields at a time."""


class People:
    """A table of names and ages; rows without an age are left out in prediction."""

    class Config(DatasetConfig):
        pass

    fingerprint = "1"
    input_endings = (".people",)
    takes_folders = False
    calls = 0

    def __init__(self, config):
        self.inputs = {"input": Field((1,), "float64", names=("age",))}
        self.targets = {"target": Field((), "int64", classes=("young", "old"))}

    def __len__(self):
        return 60

    def gather(self, indices):
        ages = np.asarray(indices, float)[:, None]
        return Batch({"input": ages}, {"target": (ages[:, 0] > 30).astype(int)})

    @classmethod
    def read_rows(cls, config, source, fields, state, keep):
        if isinstance(source, str):
            with open(source, newline="") as file:
                rows = list(csv.DictReader(file))
        else:
            cells = zip(*source.values(), strict=True)
            rows = [dict(zip(source, row, strict=True)) for row in cells]
        numbered = enumerate(rows)
        while part := list(itertools.islice(numbered, PART)):
            cls.calls += 1
            part = [(number, row) for number, row in part if row["age"] not in ("", None)]
            if any(row["age"] == "x" for _, row in part):
                raise DataError("an age is x")
            yield InputRows(
                {"input": np.array([[float(row["age"])] for _, row in part]).reshape(-1, 1)},
                np.array([number for number, _ in part]),
                [f"row {number}" for number, _ in part],
                {name: [row[name] for _, row in part] for name in keep},
            )


@pytest.fixture
def model(register, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    register("datasets", "people", People)
    spec = {
        "tinynet": 1,
        "name": "people",
        "data": {"type": "people", "transforms": ["standardize"]},
        "network": {"layers": [{"type": "dense", "units": 2}]},
        "training": {
            "epochs": 30,
            "batch_size": 16,
            "loss": "softmax_cross_entropy",
            "optimizer": {"type": "adam", "learning_rate": 0.1},
        },
    }
    return tinynet.load_model(tinynet.train(spec, tmp_path / "run").path)


@pytest.fixture
def table(tmp_path):
    """Return a file of 1,000 rows, of which some have no age."""
    path = tmp_path / "many.people"
    lines = [f"n{i},{'' if i % 7 == 3 else i % 60}\n" for i in range(1000)]
    path.write_text("name,age\n" + "".join(lines))
    return path


def test_rows_have_numbers_and_kept_columns(model, table):
    predictions = model.predict(table, keep=["name"])
    numbers = [i for i in range(1000) if i % 7 != 3]
    assert predictions.row_numbers.tolist() == numbers
    assert predictions.kept == {"name": [f"n{i}" for i in numbers]}
    assert predictions.columns == ["sample", "name", "label", "p(young)", "p(old)"]
    expected = model.predict(np.array(numbers, float)[:, None] % 60).probabilities
    np.testing.assert_array_equal(predictions.probabilities, expected)
    first = next(predictions.records())
    assert (first["sample"], first["name"]) == (0, "n0")
    assert predictions.to_json()["rows"] == numbers
    assert predictions.to_json()["kept"]["name"][0] == "n0"


def test_chunks_are_the_same_predictions_and_are_read_as_needed(model, table):
    People.calls = 0
    chunks = model.predict_chunks(table, keep=["name"])
    first = next(chunks)
    assert len(first) == model_module.CHUNK_SIZE
    assert People.calls <= 7
    parts = [first, *chunks]
    whole = model.predict(table, keep=["name"])
    assert [row for part in parts for row in part.rows()] == [*whole.rows()]


@pytest.mark.parametrize("count", [1, 3])
def test_objects_in_memory(model, count):
    columns = {"name": ["a", "b", "c"][:count], "age": [20, 40, 59][:count]}
    expected = model.predict(np.array(columns["age"], float)[:, None])
    predictions = model.predict(columns, keep="name")
    np.testing.assert_array_equal(predictions.probabilities, expected.probabilities)
    assert predictions.kept["name"] == columns["name"]
    assert predictions.files == ()


def test_arrays_by_the_names_of_inputs_are_no_rows(model):
    ages = np.array([[20.0], [40.0]])
    named, alone = model.predict({"input": ages}), model.predict(ages)
    np.testing.assert_array_equal(named.probabilities, alone.probabilities)
    with pytest.raises(DataError, match="has no columns to keep"):
        model.predict(ages, keep=["name"])


def test_several_files_are_named(model, table, tmp_path):
    (tmp_path / "few.people").write_text("name,age\na,3\n")
    predictions = model.predict([table, tmp_path / "few.people"])
    assert [file.samples for file in predictions.files] == [857, 1]
    assert [*predictions.rows()][-1][:2] == [str(tmp_path / "few.people"), 0]
    assert [*next(iter(predictions.rows()))][:2] == [str(table), 0]


def test_messages_have_the_places_of_the_rows(model, table):
    model.network.params["dense_1/weight"][:] = np.inf
    with pytest.raises(DataError, match=r"^row 0: the output"):
        model.predict(table)


def rows(**changes):
    whole = {
        "inputs": {"input": np.zeros((2, 1))},
        "rows": np.arange(2),
        "places": ["a", "b"],
        "kept": {"name": ["a", "b"]},
    }
    return InputRows(**{**whole, **changes})


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (rows(inputs={}), "an input 'input' of shape \\(2, 1\\)"),
        (rows(inputs={"input": np.zeros((2, 3))}), "an input 'input' of shape \\(2, 1\\)"),
        (rows(places=["a"]), "a place for each row"),
        (rows(kept={}), "the column 'name' of each row in kept"),
        ({"input": np.zeros((2, 1))}, "InputRows and nothing else"),
    ],
)
def test_wrong_rows_of_a_plugin_are_reported(model, monkeypatch, part, message):
    monkeypatch.setattr(People, "read_rows", classmethod(lambda *_: iter([part])))
    with pytest.raises(PluginError, match=message):
        model.predict({"age": [1, 2]}, keep=["name"])


def test_exception_of_a_plugin_is_reported(model, monkeypatch):
    def read_rows(*_):
        yield rows()
        raise ZeroDivisionError

    monkeypatch.setattr(People, "read_rows", classmethod(read_rows))
    with pytest.raises(PluginError, match="read_rows raised ZeroDivisionError"):
        model.predict({"age": [1, 2]}, keep=["name"])


def test_to_pandas(model):
    pandas = pytest.importorskip("pandas", reason="pandas is optional")
    predictions = model.predict({"name": ["a", "b"], "age": [1, 50]}, keep=["name"])
    frame = predictions.to_pandas()
    assert isinstance(frame, pandas.DataFrame)
    assert [*frame.columns] == ["sample", "name", "label", "p(young)", "p(old)"]
    assert frame["label"].tolist() == ["young", "old"]
    assert frame["p(old)"].tolist() == predictions.probabilities[:, 1].tolist()


def test_kept_column_with_the_name_of_a_predicted_one(model):
    predictions = model.predict({"label": ["a"], "age": [1]}, keep=["label"])
    assert predictions.columns[:3] == ["sample", "label (input)", "label"]
    assert next(predictions.records())["label (input)"] == "a"


def test_warnings_of_parts_are_given_once(model, monkeypatch):
    def read_rows(cls, config, source, fields, state, keep):
        for start in range(0, 2000, 500):
            numbers = np.arange(start, start + 500)
            ages = np.full((500, 1), 1.5)
            yield InputRows({"input": ages}, numbers, [""] * 500, {}, dropped=1)

    monkeypatch.setattr(People, "read_rows", classmethod(read_rows))
    warned = []
    fields = {"input": replace(model.inputs["input"], dtype="int64")}
    quiet = replace(model, inputs=fields, warn=warned.append)
    assert sum(map(len, quiet.predict_chunks({"age": [1, 2]}))) == 2000
    assert len(warned) == 2
    assert "fractions" in warned[0]
    assert "4 of 2,004 samples have no prediction" in warned[1]
