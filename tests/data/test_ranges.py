"""Values that the network's dtype cannot hold are refused when data are read."""

import numpy as np
import pytest

import tinynet
from tinynet.errors import DataError
from tinynet.run.models import load_model

ROWS = [(i, i % 3, "xy"[i % 2]) for i in range(20)]


@pytest.fixture
def train(write_csv, tmp_path):
    """Train a small network on rows of a, b, kind."""

    def train(rows, name="run", dtype="float32", transforms=()):
        data = write_csv(rows)
        (tmp_path / "data.csv").rename(tmp_path / f"{name}.csv")
        spec = {
            "tinynet": 1,
            "name": name,
            "data": {**data, "path": f"{name}.csv", "transforms": list(transforms)},
            "network": {"dtype": dtype, "layers": [{"type": "dense", "units": 2}]},
            "training": {
                "epochs": 1,
                "batch_size": 4,
                "loss": "softmax_cross_entropy",
                "optimizer": {"type": "sgd", "learning_rate": 0.01},
            },
        }
        return tinynet.train(spec, tmp_path / name, data_root=tmp_path)

    return train


@pytest.mark.parametrize("row", [0, 7, 19])
def test_a_cell_that_float32_cannot_hold_is_named(train, row):
    """Otherwise training diverges later, and the learning rate is suspected."""
    rows = [(*r[:1], "1e39", r[2]) if i == row else r for i, r in enumerate(ROWS)]
    with pytest.raises(DataError) as raised:
        train(rows)
    assert str(raised.value).partition("run.csv")[2] == (
        f", line {row + 2}: column 'b' of 'input' is 1e+39, but the network's float32 holds numbers"
        ' up to 3.4e+38; correct the value, or scale it with a transform such as "standardize"'
    )


def test_the_first_bad_line_of_a_file_is_named_in_any_split(train):
    rows = [(f"{i + 1}e39", *row[1:]) for i, row in enumerate(ROWS)]
    with pytest.raises(DataError, match=r"run\.csv, line 2: column 'a' of 'input' is 1e\+39"):
        train(rows)


def test_the_suggested_transform_works(train):
    rows = [("1e39", *ROWS[0][1:]), *ROWS[1:]]
    train(rows, transforms=[{"type": "standardize"}])


def test_a_network_that_holds_the_value_takes_it(train):
    with pytest.raises(DataError, match="float32"):
        train([("1e39", *ROWS[0][1:]), *ROWS[1:]], "a")
    rows = [(f"{i}e38", b, kind) for i, b, kind in ROWS]
    train(rows, "b", "float64", [{"type": "scale", "factor": 1e-38}])


def test_a_transform_that_overflows_is_refused_without_a_warning(train):
    with pytest.raises(
        DataError, match=r"line \d+: column '[ab]' of 'input' is \d.*e\+\d+ after its"
    ):
        train(ROWS, transforms=[{"type": "scale", "factor": 1e39}])


def test_prediction_refuses_with_the_words_of_training(train, tmp_path):
    train(ROWS)
    model = load_model(tmp_path / "run")
    x = np.array([[1.0, 2.0]] * 600)
    x[555, 0] = 1e39
    with pytest.raises(DataError) as raised:
        model.predict({"input": x})
    assert str(raised.value) == (
        "sample 555 (counted from 0): column 'a' of 'input' is 1e+39, but the network's float32"
        " holds numbers up to 3.4e+38; correct the value"
    )


def test_evaluation_refuses_changed_data(train, tmp_path):
    train(ROWS)
    rows = ["a,b,kind", *(f"{a},1e39,{kind}" for a, _, kind in ROWS)]
    (tmp_path / "run.csv").write_text("\n".join(rows) + "\n")
    with (
        pytest.warns(UserWarning, match="has changed"),
        pytest.raises(DataError, match=r"1e\+39, but the network's float32"),
    ):
        tinynet.evaluate(tmp_path / "run", data_root=tmp_path)
