"""Messages about arrays quote the file, and their remedies work."""

import re

import numpy as np
import pytest

import tinynet
from tinynet.errors import TinynetError

X = np.random.default_rng(0).normal(size=(60, 3))
Y = np.arange(60) % 2


@pytest.fixture
def train(tmp_path):
    """Train on an .npz file or a table; return the error message, or None."""

    def train(data, units=2, loss="softmax_cross_entropy", **options):
        path = tmp_path / ("data.csv" if isinstance(data, str) else "data.npz")
        if isinstance(data, str):
            path.write_text(data)
            options = {"type": "csv", "target": "y", **options}
        else:
            np.savez(path, **data)
            options = {"type": "npz", **options}
        spec = {
            "tinynet": 1,
            "name": "t",
            "data": {**options, "path": path.name},
            "network": {"layers": [{"type": "dense", "units": units}]},
            "training": {
                "epochs": 1,
                "batch_size": 16,
                "loss": loss,
                "optimizer": {"type": "sgd", "learning_rate": 1e-9},
            },
        }
        try:
            trainer = tinynet.Trainer(tinynet.load_spec(spec), root=tmp_path)
            trainer.check()
        except TinynetError as error:
            return str(error).replace(str(path), path.name)
        return None

    return train


def suggested(message):
    """Return the settings of the data that a message suggests."""
    return dict(re.findall(r'"(\w+)": "(\w+)"', message))


def test_a_quantity_of_large_integers(train):
    arrays = {"x": X, "y": 10_000 + Y}
    message = train(arrays, 1, "mse")
    assert message.startswith("data.npz, array 'y', row 0 (counted from 0): 10000 is not a class")
    assert train(arrays, 1, "mse", **suggested(message)) is None


def test_negative_labels(train):
    arrays = {"x": X, "y": 2 * Y - 1}
    message = train(arrays)
    assert "-1 is not a class, which is an integer from 0 to 9,999" in message
    assert "save the classes as integers from 0" in message
    assert train(arrays, 1, "mse", **suggested(message)) is None


def test_named_labels_that_count_from_1(train):
    y = np.arange(60) % 3 + 1
    names = ["a", "b", "c"]
    message = train({"x": X, "y": y}, 3, classes=names)
    assert message == (
        "data.npz, array 'y', row 2 (counted from 0): 3 is not the index of one of the 3 classes"
        " a, b, c (0 to 2); the labels count from 1: subtract 1 from all of them"
    )
    assert train({"x": X, "y": y - 1}, 3, classes=names) is None


def test_classes_of_floats(train):
    y = Y.astype(float)
    message = train({"x": X, "y": y}, classes=["a", "b"])
    assert "array 'y' has dtype float64, but classes are integers; save it as integers" in message
    assert 'leave out "classes" if it is a quantity' in message
    assert train({"x": X, "y": y.astype(int)}, classes=["a", "b"]) is None
    assert train({"x": X, "y": y}, 1, "mse") is None


def test_labels_of_text_in_an_npz(train):
    labels = np.array(["no", "yes"])[Y]
    message = train({"x": X, "y": labels})
    assert "array 'y' has dtype <U3" in message
    command = message.partition("save labels as indices: ")[2]
    scope = {"numpy": np, "labels": labels}
    exec(command, scope)
    assert train({"x": X, "y": scope["y"]}, classes=scope["names"].tolist()) is None


def test_times_in_an_npz(train):
    times = np.arange(180).astype("M8[s]").reshape(60, 3)
    message = train({"x": times, "y": Y})
    command = message.partition("save times as numbers: ")[2]
    assert train({"x": eval(command, {"times": times}), "y": Y}) is None


def test_integer_quantities_that_are_standardized(train):
    arrays = {"x": X, "y": np.arange(60)}
    transforms = [{"type": "standardize", "on": "target"}]
    message = train(arrays, 1, "mse", transforms=transforms)
    assert message == (
        "/data/transforms/0: the array 'target': standardize needs quantities, but this array holds"
        ' 60 classes (0, 1, 2, 3, 4, ...); for a quantity, set "target_type": "number" in "data"'
    )
    assert train(arrays, 1, "mse", transforms=transforms, **suggested(message)) is None


def test_numbers_of_a_table_that_are_one_hot_encoded(train):
    table = "a,y\n" + "".join(f"{i},{i % 5 + 1}\n" for i in range(60))
    transforms = [{"type": "one_hot", "on": "target"}]
    message = train(table, 5, transforms=transforms)
    assert message.startswith("/data/transforms/0: the array 'target': one_hot needs integers")
    assert train(table, 5, transforms=transforms, **suggested(message)) is None


def test_labels_of_a_table_that_count_from_1(train):
    """The message has the column and the class as in the file."""
    table = "a,y\n" + "".join(f"{i},{i % 5 + 1}\n" for i in range(60))
    message = train(table, 5)
    assert "data.csv, line 6, column 'y': 5" in message
    assert "target_type=class" in message
    assert train(table, 5, target_type="class") is None


def test_a_sample_that_a_transform_refuses_has_a_place(train):
    x = np.zeros(60, np.int64)
    x[41] = 7
    message = train({"x": x, "y": Y}, transforms=[{"type": "one_hot", "num_classes": 3}])
    assert message == (
        "data.npz, array 'x', row 41 (counted from 0): 7 is not one of the 3 classes of one_hot"
        ' (0 to 2); set "num_classes": 8 or more'
    )
    transforms = [{"type": "one_hot", "num_classes": 8}]
    assert train({"x": x, "y": Y}, transforms=transforms) is None


def test_values_that_are_not_finite_are_counted_in_every_array(train):
    x, y = X.copy(), X[:, 0].copy()
    x[3, 1], x[5, 0], y[7] = np.nan, np.inf, -np.inf
    message = train({"x": x, "y": y}, 1, "mse")
    assert message == (
        "data.npz, array 'x', row 3 (counted from 0), at [1]: nan (the first of 2 values that are"
        " not finite)\n  data.npz, array 'y', row 7 (counted from 0): -inf; every number must be"
        " finite; correct these samples, or remove them"
    )


def test_a_target_with_an_axis_of_1(train):
    message = train({"x": X, "y": Y[:, None]})
    assert "save the labels without their last axis" in message
    assert train({"x": X, "y": Y}) is None


def test_columns_that_cannot_be_standardized_are_named(train):
    table = "a,b,y\n" + "".join(f"{i},{'-' * (i % 2)}1e200,{i}\n" for i in range(60))
    message = train(table, 1, "mse", transforms=[{"type": "standardize"}])
    assert "standardize cannot compute mean and deviation of 'b': values there" in message
