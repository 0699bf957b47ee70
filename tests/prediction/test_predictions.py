"""Labels, probabilities and values of every kind of output, as arrays, tables and files."""

import csv
import json

import numpy as np
import pytest

import tinynet
from tinynet.prediction.output_predictions import OutputPredictions
from tinynet.prediction.predictions import Predictions
from tinynet.prediction.raw_inputs import InputFile
from tinynet.prediction.writing import write_predictions

RNG = np.random.default_rng(0)
SAMPLES = 40


def train(tmp_path, x, y, layers, loss, **data):
    np.savez(tmp_path / "data.npz", x=x, y=y)
    spec = {
        "tinynet": 1,
        "name": "outputs",
        "data": {"type": "npz", "path": "data.npz", **data},
        "network": {"layers": layers},
        "training": {
            "epochs": 1,
            "batch_size": 16,
            "loss": loss,
            "optimizer": {"type": "sgd", "learning_rate": 0.01},
        },
    }
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(spec))
    return tinynet.load_model(tinynet.train(path, tmp_path / "run").path)


def dense(units):
    return [{"type": "dense", "units": units}]


def numbers(*shape):
    return RNG.normal(size=(SAMPLES, *shape)).astype(np.float32)


def classes(count, *shape):
    return RNG.integers(0, count, (SAMPLES, *shape))


@pytest.fixture
def sequences(tmp_path):
    """Return a model of sequences: one of three classes at each of four positions."""
    return train(
        tmp_path, numbers(4, 2), classes(3, 4), dense(3), "softmax_cross_entropy",
        classes=["a", "b", "c"],
    )  # fmt: skip


@pytest.fixture
def masks(tmp_path):
    """Return a segmentation model: one of two classes at each of 3x2 pixels, from one unit."""
    return train(
        tmp_path, numbers(3, 2, 1), classes(2, 3, 2, 1), ["flatten", *dense(6), {
            "type": "reshape", "target_shape": [3, 2, 1]}],
        "binary_cross_entropy", classes=["ground", "tree"],
    )  # fmt: skip


def test_sequence_has_a_label_for_each_position(sequences):
    predictions = sequences.predict(numbers(4, 2)[:5])
    assert predictions.probabilities.shape == (5, 4, 3)
    expected = np.array(["a", "b", "c"])[predictions.probabilities.argmax(axis=-1)]
    np.testing.assert_array_equal(predictions.labels, expected)
    assert predictions.to_json()["labels"] == expected.tolist()


def test_mask_has_a_label_for_each_pixel(masks):
    predictions = masks.predict(numbers(3, 2, 1)[:5])
    assert predictions.labels.shape == (5, 3, 2)
    assert predictions.probabilities.shape == (5, 3, 2, 2)
    np.testing.assert_array_equal(predictions.labels == "tree", predictions.values[..., 0] > 0.5)
    np.testing.assert_allclose(predictions.probabilities.sum(axis=-1), 1)


def test_files_of_labels_for_each_position(sequences, tmp_path):
    predictions = sequences.predict(numbers(4, 2)[:2])
    for name in ("out.csv", "out.jsonl", "out.npz"):
        write_predictions(predictions, tmp_path / name)
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    assert head == ["sample", "label_0", "label_1", "label_2", "label_3"]
    assert rows == [[str(i), *labels] for i, labels in enumerate(predictions.labels.tolist())]
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [line["labels"] for line in lines] == predictions.labels.tolist()
    np.testing.assert_allclose([line["probabilities"] for line in lines], predictions.probabilities)
    with np.load(tmp_path / "out.npz") as arrays:
        np.testing.assert_array_equal(arrays["labels"], predictions.labels)
        np.testing.assert_array_equal(arrays["probabilities"], predictions.probabilities)


def test_columns_of_a_mask_are_named_by_row_and_column(masks):
    predictions = masks.predict(numbers(3, 2, 1)[:1])
    assert predictions.columns[1:] == [
        f"label_{row}_{column}" for row in range(3) for column in range(2)
    ]


def test_wide_table_is_truncated(tmp_path):
    model = train(tmp_path, numbers(3), numbers(1000), dense(1000), "mse")
    columns, (row,) = model.predict(numbers(3)[:1]).table()
    assert columns == ["sample", *(f"value_{i}" for i in range(8)), "..."]
    assert row[-1] == "992 more"


def test_outputs_of_a_squared_error_are_not_probabilities(tmp_path):
    one_hot = [{"type": "one_hot", "on": ["target"]}]
    model = train(
        tmp_path, numbers(3), np.arange(SAMPLES) % 2, dense(2), "mse",
        transforms=one_hot, classes=["no", "yes"],
    )  # fmt: skip
    predictions = model.predict(numbers(3))
    assert predictions.probabilities is None
    assert predictions.columns == ["sample", "label", "value(no)", "value(yes)"]
    np.testing.assert_array_equal(
        predictions.labels == "yes", predictions.values.argmax(axis=1) == 1
    )
    assert predictions.to_json().keys() == {"samples", "classes", "labels", "outputs"}
    assert predictions.table()[0] == ["sample", "label", "value"]


def test_one_unit_has_labels_only_if_its_loss_gives_probabilities(tmp_path):
    binary = tmp_path / "binary"
    binary.mkdir()
    options = {"classes": ["no", "yes"]}
    data = numbers(3), classes(2, 1)
    predictions = train(binary, *data, dense(1), "binary_cross_entropy", **options).predict(data[0])
    np.testing.assert_array_equal(
        predictions.labels.ravel() == "yes", predictions.values.ravel() > 0.5
    )
    warning = (
        "the output 'output' has 1 value for each sample, but its loss does not predict"
        " probabilities; predictions have no labels"
    )
    with pytest.warns(UserWarning, match=warning):
        model = train(tmp_path, *data, dense(1), "mse", **options)
    assert model.predict(data[0]).labels is None


def test_the_values_of_an_image_are_named_by_its_shape(tmp_path):
    before, warning = "has 12 units", "has 4x12 values for each sample, but there are 2 classes"
    layers = [*dense(48), {"type": "reshape", "target_shape": [4, 12]}]
    with pytest.warns(UserWarning, match=before), pytest.warns(UserWarning, match=warning):
        train(tmp_path, numbers(3), classes(2, 4), layers, "softmax_cross_entropy")


def test_more_units_than_classes_have_no_labels_with_a_warning(tmp_path):
    warning = r"has 5 values for each sample, but there are 2 classes \(no, yes\)"
    before = "has 5 units, but 'target' has only 2 classes"
    options = {"classes": ["no", "yes"]}
    with pytest.warns(UserWarning, match=before), pytest.warns(UserWarning, match=warning):
        model = train(
            tmp_path, numbers(3), classes(2), dense(5), "softmax_cross_entropy", **options
        )
    assert model.predict(numbers(3)).labels is None


def test_training_file_can_be_predicted(sequences, tmp_path):
    """Its arrays have the names of the spec, not those of the network's inputs."""
    assert len(sequences.predict(tmp_path / "data.npz")) == SAMPLES


def table(tmp_path, target, columns, units, loss):
    draw = np.random.default_rng(0)
    lines = ["a,b,tags,x,y,stars,open"]
    for a, b in draw.normal(size=(80, 2)).round(3).tolist():
        tags = "|".join(["any", *["warm"] * (a > 0), *["wet"] * (b > 0)])
        lines.append(f"{a},{b},{tags},{a + b},{a - b},{1 + (a > 0)},{a > 0}")
    (tmp_path / "table.csv").write_text("\n".join(lines) + "\n")
    spec = {
        "tinynet": 1,
        "name": "table",
        "data": {
            "type": "csv",
            "path": "table.csv",
            "features": ["a", "b"],
            "target": target,
            **columns,
        },
        "network": {"layers": [{"type": "dense", "units": units}]},
        "training": {
            "epochs": 30,
            "loss": loss,
            "optimizer": {"type": "adam", "learning_rate": 0.1},
        },
    }
    return tinynet.load_model(tinynet.train(spec, tmp_path / "run", data_root=tmp_path).path)


def test_to_pandas_has_the_index_of_the_frame(tmp_path):
    pandas = pytest.importorskip("pandas", reason="pandas is optional")
    model = table(tmp_path, "x", {"columns": {"a": {"missing": "drop_row"}}}, 1, "mse")
    frame = pandas.DataFrame({"a": [1.0, None, 3.0], "b": [1.0, 2.0, 3.0]}, index=["k", "l", "m"])
    with pytest.warns(UserWarning, match="^1 of 3 samples have no prediction"):
        predictions = model.predict(frame)
    assert [*predictions.to_pandas().index] == ["k", "m"]
    with pytest.warns(UserWarning, match="no prediction"):
        (part,) = model.predict_chunks(frame)
    assert [*part.to_pandas().index] == ["k", "m"]
    assert [*model.predict(TWO).to_pandas().index] == [0, 1]


TWO = {"a": [2.0, -2.0], "b": [-2.0, 2.0]}


def test_several_labels_of_a_sample(tmp_path):
    columns = {"columns": {"tags": {"kind": "category", "separator": "|"}}}
    predictions = table(tmp_path, "tags", columns, 3, "binary_cross_entropy").predict(TWO)
    expected = [["any", "warm"], ["any", "wet"]]
    assert predictions.labels.tolist() == expected
    assert predictions.classes == ("any", "warm", "wet")
    assert predictions.probabilities.shape == (2, 3)
    assert predictions.columns == ["sample", "labels", "p(any)", "p(warm)", "p(wet)"]
    assert [row[1] for row in predictions.rows()] == ["any|warm", "any|wet"]
    assert [record["labels"] for record in predictions.records()] == expected
    assert predictions.to_json()["labels"] == expected
    assert predictions.table()[0] == predictions.columns
    write_predictions(predictions, tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz") as saved:
        assert saved["labels"].tolist() == ["any|warm", "any|wet"]


def test_numbers_have_the_names_of_their_columns(tmp_path):
    predictions = table(tmp_path, ["x", "y"], {}, 2, "mse").predict(TWO)
    assert predictions.columns == ["sample", "x", "y"]
    assert predictions.labels is None
    assert predictions.to_json()["names"] == ["x", "y"]
    assert predictions.arrays()["names"].tolist() == ["x", "y"]


@pytest.mark.parametrize(("target", "values"), [("stars", [2, 1]), ("open", [True, False])])
def test_labels_in_the_type_of_the_targets(tmp_path, target, values):
    model = table(tmp_path, target, {"target_type": "class"}, 2, "softmax_cross_entropy")
    predictions = model.predict(TWO)
    assert predictions.labels.tolist() == [*map(str, values)]
    assert predictions.label_values.dtype == np.array(values).dtype
    assert predictions.label_values.tolist() == values


@pytest.mark.parametrize(
    ("lengths", "rows", "are_named"),
    [
        ([], [0, 1, 2], False),
        ([], [2, 1, 0], True),
        ([], [0, 2, 3], True),
        ([3], [1, 2, 3], True),
        ([2, 1], [0, 1, 0], False),
        ([2, 1], [1, 0, 0], True),
    ],
)
def test_rows_are_named_unless_they_are_the_first_ones_in_order(lengths, rows, are_named):
    """Forecasts of a table sorted newest first would be taken for those of other days."""
    files = tuple(InputFile(f"{i}.csv", length, is_image=False) for i, length in enumerate(lengths))
    output = {"y": OutputPredictions(np.zeros((3, 1)))}
    predictions = Predictions(3, output, files, np.array(rows))
    assert predictions.to_json().get("rows") == (rows if are_named else None)
