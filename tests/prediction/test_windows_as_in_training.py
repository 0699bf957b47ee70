"""Windows of new rows are sorted, grouped and interrupted as those of the training."""

from dataclasses import replace

import numpy as np
import pytest

import tinynet
from tinynet.data.data import Data
from tinynet.errors import DataError, SpecError
from tinynet.prediction.inputs import Reader
from tinynet.spec.reading import load_spec

LENGTH = 3
DAYS = [f"{day:02}/{month:02}/2023" for month in (1, 2, 3) for day in range(1, 26)]


def document(**data):
    return {
        "tinynet": 1,
        "name": "steps",
        "data": {
            "type": "csv",
            "path": "steps.csv",
            "target": None,
            "features": ["t"],
            "windows": {"length": LENGTH, "targets": "t"},
            "split": {"validation": 0, "test": 0},
            "transforms": [{"type": "standardize", "on": ["input", "target"]}],
            **data,
        },
        "network": {"layers": ["flatten", {"type": "dense", "units": 1}]},
        "training": {"epochs": 1, "batch_size": 64, "loss": "mse", "optimizer": "adam"},
    }


def write(path, columns):
    rows = zip(*columns.values(), strict=True)
    path.write_text("\n".join([",".join(columns), *(",".join(map(str, row)) for row in rows)]))
    return path


@pytest.fixture
def trained(tmp_path):
    """Train on the columns of a table; return the model, and a function that reads windows."""

    def train(table, **data):
        write(tmp_path / "steps.csv", table)
        run = tinynet.train(document(**data), tmp_path / "run", data_root=tmp_path)
        model = tinynet.load_model(run.path)
        assert run.evaluate("train").samples > 0
        return model

    return train


def windows_of(model, x, warn=None):
    reader = Reader(model.inputs, model.spec.data, warn or pytest.fail, False, model.learned)
    return reader.read(x).arrays["input"][..., 0].astype(int)


def steps(start, stop):
    return np.arange(start, stop - LENGTH + 1)[:, np.newaxis] + np.arange(LENGTH)


BY_DAY = {"order": {"by": "day"}, "validation": 0, "test": 0}


@pytest.mark.parametrize(
    "columns", [None, {"day": {"kind": "date", "format": "%d/%m/%Y"}}], ids=["inferred", "declared"]
)
def test_dates_of_any_form_are_sorted_as_in_training(trained, tmp_path, columns):
    newest_first = {"day": DAYS[::-1], "t": range(len(DAYS) - 1, -1, -1)}
    model = trained(newest_first, split=BY_DAY, **({"columns": columns} if columns else {}))
    # None of these days tells day from month.
    new = {"day": ["03/02/2024", "02/02/2024", "01/02/2024", "01/01/2024"], "t": [3, 2, 1, 0]}
    for x in (write(tmp_path / "new.csv", new), new):
        np.testing.assert_array_equal(windows_of(model, x), steps(0, 4))
    american = {"day": ["01/30/2024", "01/29/2024", "01/28/2024"], "t": [2, 1, 0]}
    with pytest.raises(DataError, match=r"'day', which is empty or not a date in 3 of 3 .*line 2"):
        model.predict(write(tmp_path / "new.csv", american))


def test_a_declared_format_sorts_where_the_dates_alone_are_ambiguous(trained, tmp_path):
    months = [f"01/{month:02}/2023" for month in range(12, 0, -1)]
    columns = {"day": months, "t": range(11, -1, -1)}
    with pytest.raises(DataError, match=r'declare those of a table: "columns": \{"day"'):
        trained(columns, split=BY_DAY)
    model = trained(columns, split=BY_DAY, columns={"day": {"kind": "date", "format": "%d/%m/%Y"}})
    np.testing.assert_array_equal(windows_of(model, tmp_path / "steps.csv"), steps(0, 12))


@pytest.mark.parametrize("split", [{"validation": 0, "test": 0}, BY_DAY], ids=["as_is", "sorted"])
@pytest.mark.parametrize("by", [None, "place"])
@pytest.mark.filterwarnings("ignore:.*are left out")
def test_no_window_crosses_a_row_that_is_left_out(trained, tmp_path, split, by):
    """Two series take turns; one misses a row."""
    places = ["a", "b"] if by else ["a"]
    rows = [(day, place, i) for i, day in enumerate(DAYS[:20]) for place in places]
    columns = dict(zip(("day", "place", "t"), map(list, zip(*rows, strict=True)), strict=True))
    columns["t"][columns["t"].index(7)] = ""  # the first row with 7, that of the place a
    model = trained(
        columns,
        split=split,
        columns={"t": {"missing": "drop_row"}},
        windows={"length": LENGTH, "targets": "t", **({"by": by} if by else {})},
    )
    expected = [*steps(0, 7), *steps(8, 20), *(steps(0, 20) if by else ())]
    windows = windows_of(model, tmp_path / "steps.csv", lambda message: None)
    assert sorted(windows.tolist()) == sorted(np.array(expected).tolist())
    assert (np.diff(windows[:, -1]) >= 0).all()
    train = Data(model.spec.data, tmp_path, seed=0).splits["train"]
    batch = train.at(np.arange(len(train))).read()
    inside = [window for window in expected if window[-1] + 1 not in (7, 20)]
    trained_on = batch.inputs["input"][..., 0].astype(int).tolist()
    missing_in_a_only = [w for w in steps(0, 20).tolist() if w[-1] == 6] if by else []
    assert sorted(trained_on) == sorted(np.array(inside).tolist() + missing_in_a_only)
    np.testing.assert_array_equal(batch.targets["target"], batch.inputs["input"][:, -1, 0] + 1)
    evaluated = tinynet.evaluate(tmp_path / "run", data=tmp_path / "steps.csv")
    assert evaluated.samples == len(trained_on)


def test_short_series_are_named(trained, tmp_path):
    columns = {"t": [*range(9), 0, 1], "place": ["a"] * 9 + ["b"] * 2}
    message = r"training split: 1 of 2 series are too short for a window.*: 'b' \(2\)"
    with pytest.warns(UserWarning, match=message):
        model = trained(columns, windows={"length": LENGTH, "targets": "t", "by": "place"})
    warned = []
    np.testing.assert_array_equal(
        windows_of(model, tmp_path / "steps.csv", warned.append), steps(0, 9)
    )
    assert len(warned) == 1
    assert "steps.csv: 1 of 2 series are too short for a window" in warned[0]
    with pytest.warns(UserWarning, match=r"'b' \(2\)"):
        tinynet.evaluate(tmp_path / "run", data=tmp_path / "steps.csv")


def test_a_table_without_the_column_of_the_series_is_refused(trained, tmp_path):
    columns = {"t": range(9), "place": ["a"] * 9}
    model = trained(columns, windows={"length": LENGTH, "targets": "t", "by": "place"})
    with pytest.raises(DataError, match=r"no column 'place'.*windows are cut by 'place'"):
        model.predict(write(tmp_path / "new.csv", {"t": range(9)}))
    with pytest.raises(DataError, match="windows are cut by 'place'"):
        model.predict([{"t": i} for i in range(9)])
    warned = []
    rows = np.arange(9.0).reshape(9, 1)
    np.testing.assert_array_equal(windows_of(model, rows, warned.append), steps(0, 9))
    assert "its rows are taken as one series in order" in warned[0]


@pytest.fixture
def of_arrays(tmp_path):
    columns = {"x": np.arange(20.0)[:, np.newaxis], "place": np.array([0, 1] * 10)}
    np.savez(tmp_path / "steps.npz", **columns)
    spec = document()
    spec["data"] = {
        "type": "npz",
        "path": "steps.npz",
        "targets": None,
        "windows": {"length": LENGTH, "targets": "input", "by": "place"},
        "split": {"validation": 0, "test": 0},
        "transforms": [{"type": "standardize", "on": ["input", "target"]}],
    }
    run = tinynet.train(spec, tmp_path / "run", data_root=tmp_path)
    return tinynet.load_model(run.path)


def test_arrays_name_the_series_of_an_npz_file(of_arrays, tmp_path):
    expected = np.arange(16)[:, np.newaxis] + [0, 2, 4]
    np.testing.assert_array_equal(windows_of(of_arrays, tmp_path / "steps.npz"), expected)
    with np.load(tmp_path / "steps.npz") as arrays:
        given = {"input": arrays["x"], "place": arrays["place"]}
    np.testing.assert_array_equal(windows_of(of_arrays, given), expected)
    with pytest.raises(DataError, match=r"'place' has shape \(19,\); give one value for each"):
        of_arrays.predict({**given, "place": given["place"][1:]})
    np.savez(tmp_path / "bare.npz", x=given["input"])
    for x in (tmp_path / "bare.npz", {"input": given["input"]}):
        with pytest.raises(DataError, match=r"'place'.*windows are cut by 'place', as in training"):
            of_arrays.predict(x)
    warned = []
    replace(of_arrays, warn=warned.append).predict(given["input"])
    assert "has no columns, such as place" in warned[0]


def test_a_gap_needs_no_order_beside_windows(trained, tmp_path):
    write(tmp_path / "steps.csv", {"t": range(30)})
    spec = load_spec(document(split={"gap": 3, "validation": 5, "test": 5}))
    data = Data(spec.data, tmp_path, seed=0)
    assert data.size("train") == 30 - 2 * 5 - 2 * 3 - LENGTH
    spec = document(split={"gap": 3})
    del spec["data"]["windows"]
    with pytest.raises(SpecError, match='a gap needs "order"'):
        load_spec(spec)
