"""Invalid files: training and prediction raise the same errors."""

import json
import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tinynet
from tinynet.errors import DataError

ROWS = 30
CELLS = ("nan", "inf", "-inf", "1e39", "-1e39", "1e400", "NA", "null", "?", "", " ", "two", "1_000")
SETTINGS = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Case:
    """A spec with its data, and a model trained on valid data."""

    def __init__(self, folder, data):
        self.spec = folder / "spec.json"
        self.spec.write_text(
            json.dumps(
                {
                    "tinynet": 1,
                    "name": "strict",
                    "data": data,
                    "network": {"layers": [{"type": "dense", "units": 2}]},
                    "training": {
                        "epochs": 1,
                        "loss": "softmax_cross_entropy",
                        "optimizer": {"type": "sgd", "learning_rate": 0.01},
                    },
                }
            )
        )
        self.model = tinynet.load_model(tinynet.train(self.spec, folder / "run").path)

    def refusals(self, path):
        """Return the error messages of training and of prediction."""
        with pytest.raises(DataError) as training:
            tinynet.Trainer(tinynet.load_spec(self.spec)).check()
        with pytest.raises(DataError) as prediction:
            self.model.predict(path)
        return str(training.value), str(prediction.value)


def without_remedies(message):
    """Remove suggestions that apply to training alone: settings of columns, scaling."""
    message = message.partition("\n  all of these settings together")[0]
    message = re.sub(r"; (?:set|correct these cells).*", "", message)
    return message.replace(', or scale it with a transform such as "standardize"', "")


# Tables ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Return a case of a table, its file and its valid lines."""
    folder = tmp_path_factory.mktemp("table")
    numbers = np.random.default_rng(0).normal(size=(ROWS, 3))
    lines = ["a,b,c,kind", *(",".join([*map(str, row), "yn"[int(row[0] > 0)]]) for row in numbers)]
    path = folder / "data.csv"
    path.write_text("\n".join(lines))
    return Case(folder, {"type": "csv", "path": "data.csv", "target": "kind"}), path, lines


@SETTINGS
@given(
    faults=st.dictionaries(
        st.tuples(st.integers(1, ROWS), st.integers(0, 2)),
        st.sampled_from(CELLS),
        min_size=1,
        max_size=3,
    )
)
def test_cells_of_a_table(table, faults):
    case, path, lines = table
    rows = [line.split(",") for line in lines]
    for (row, column), cell in faults.items():
        rows[row][column] = cell
    path.write_text("\n".join(map(",".join, rows)))
    training, prediction = case.refusals(path)
    # Prediction does not know the lines of samples once they are arrays.
    place = re.compile(r"data\.csv, (line \d+|sample \d+ \(counted from 0\)): ")
    training, prediction = map(without_remedies, (training, prediction))
    assert place.sub("", prediction) == place.sub("", training)


FILES = {
    "a short row": lambda lines: [*lines[:5], "1,2,y", *lines[6:]],
    "a long row": lambda lines: [*lines[:5], "1,2,3,4,y", *lines[6:]],
    "a name twice": lambda lines: ["a,b,b,kind", *lines[1:]],
    "a header alone": lambda lines: lines[:1],
    "nothing": lambda lines: [],
    "an open quote": lambda lines: [*lines, '"1,2,3,y'],
    "a NUL byte": lambda lines: [*lines, "\0,2,3,y"],
    "not UTF-8": lambda lines: [*lines, "\udcff,2,3,y"],
}


@pytest.mark.parametrize("fault", FILES)
def test_format_of_a_table(table, fault):
    case, path, lines = table
    path.write_bytes("\n".join(FILES[fault](lines)).encode(errors="surrogateescape"))
    training, prediction = case.refusals(path)
    assert prediction == training


# Arrays ---------------------------------------------------------------------------------------


def save_npz(folder, x, y):
    np.savez(folder / "data.npz", x=x, y=y)


def save_npy(folder, x, y):
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", y)


KINDS = {
    "npz": (save_npz, "data.npz", {"type": "npz", "path": "data.npz"}),
    "npy": (save_npy, "x.npy", {"type": "npy", "inputs": "x.npy", "targets": "y.npy"}),
}

X = np.random.default_rng(1).normal(size=(ROWS, 3))
Y = (X[:, 0] > 0).astype(np.int64)


@pytest.fixture(scope="module", params=KINDS)
def arrays(request, tmp_path_factory):
    """Return a case of arrays, a function that saves inputs, and the file of the inputs."""
    save, name, data = KINDS[request.param]
    folder = tmp_path_factory.mktemp("arrays")
    save(folder, X, Y)
    return Case(folder, data), lambda x: save(folder, x, Y), folder / name


@SETTINGS
@given(
    row=st.integers(0, ROWS - 1),
    column=st.integers(0, 2),
    value=st.sampled_from([np.nan, np.inf, -np.inf, 1e39, -1e300]),
)
def test_values_of_an_array(arrays, row, column, value):
    case, save, path = arrays
    x = X.copy()
    x[row, column] = value
    save(x)
    training, prediction = case.refusals(path)
    place = re.compile(r"(, array 'x')?, (row|sample) (\d+) \(counted from 0\)")
    assert place.sub(r", \3", prediction) == place.sub(r", \3", without_remedies(training))


@pytest.mark.parametrize("dtype", ["S4", "U4", "complex128", "object", "M8[s]", "float128"])
def test_dtypes_that_are_not_numbers(arrays, dtype):
    case, save, path = arrays
    try:
        x = X.astype(np.int64).astype(dtype)
    except TypeError:
        pytest.skip(f"this machine has no {dtype}")
    save(x)
    training, prediction = case.refusals(path)
    assert prediction == training


@pytest.mark.parametrize("shape", [(0, 3), (ROWS, 0)])
def test_empty_arrays(arrays, shape):
    case, save, path = arrays
    save(np.zeros(shape))
    training, prediction = case.refusals(path)
    assert prediction == training


@pytest.mark.parametrize("damage", [lambda raw: raw[:-9], lambda raw: raw[:20], lambda raw: b""])
def test_damaged_files(arrays, damage):
    case, save, path = arrays
    save(X)
    path.write_bytes(damage(path.read_bytes()))
    training, prediction = case.refusals(path)
    assert prediction == training
