"""A forecaster from end to end: trained on windows, resumed, evaluated, and asked for forecasts."""

from datetime import date, timedelta

import numpy as np
import pytest

import tinynet
from tinynet.errors import DataError

LENGTH = 6


def document(**windows):
    return {
        "tinynet": 1,
        "name": "waves",
        "data": {
            "type": "npz",
            "path": "waves.npz",
            "targets": None,
            "windows": {"length": LENGTH, "targets": "input", **windows},
            "split": {"validation": 0.2, "test": 0.2},
            "transforms": [{"type": "standardize", "on": ["input", "target"]}],
        },
        "network": {"layers": ["flatten", {"type": "dense", "units": 2}]},
        "training": {
            "epochs": 30,
            "batch_size": 16,
            "loss": "mse",
            "optimizer": {"type": "adam", "learning_rate": 0.05},
            "metrics": ["r2"],
        },
    }


def waves(total):
    """Two sines that a linear function of the past forecasts, (total, 2)."""
    steps = np.arange(total)
    return np.stack([30 + 9 * np.sin(steps / 5), np.sin(steps / 3) - 4], axis=1)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("waves")
    np.savez(folder / "waves.npz", x=waves(300))
    return tinynet.train(document(), folder / "run", data_root=folder)


@pytest.fixture
def model(run):
    return tinynet.load_model(run.path)


def test_a_forecaster_learns_and_is_evaluated_on_the_last_windows(run):
    result = run.evaluate("test")
    assert result.samples == 60 - LENGTH
    assert result.metrics["r2"] > 0.99


def test_the_last_prediction_is_the_forecast(model):
    rows = waves(321)
    forecast = model.predict(rows[300:320])
    assert len(forecast) == 20 - LENGTH + 1
    np.testing.assert_allclose(forecast.values[-1], rows[320], atol=0.5)
    np.testing.assert_allclose(forecast.values[:-1], rows[306:320], atol=0.5)


def test_windows_rows_and_files_give_the_same_bits(model, tmp_path):
    rows = waves(20)
    windows = np.stack([rows[i : i + LENGTH] for i in range(20 - LENGTH + 1)])
    expected = model.predict(rows).values
    np.testing.assert_array_equal(model.predict(windows).values, expected)
    np.testing.assert_array_equal(model.predict({"input": rows}).values, expected)
    np.savez(tmp_path / "rows.npz", x=rows)
    np.save(tmp_path / "rows.npy", rows)
    for name in ("rows.npz", "rows.npy"):
        np.testing.assert_array_equal(model.predict(tmp_path / name).values, expected)


def test_no_window_crosses_from_one_file_to_the_next(model, tmp_path):
    for name, rows in (("a.npy", waves(8)), ("b.npy", waves(12)[2:])):
        np.save(tmp_path / name, rows)
    both = model.predict([tmp_path / "a.npy", tmp_path / "b.npy"])
    assert [file.samples for file in both.files] == [3, 5]
    np.testing.assert_array_equal(both.values[3:], model.predict(waves(12)[2:]).values)


def test_fewer_rows_than_a_window_are_refused(model, tmp_path):
    np.save(tmp_path / "short.npy", waves(5))
    with pytest.raises(DataError, match=r"short.npy has 5 rows, .* windows of 6; give at least 6"):
        model.predict(tmp_path / "short.npy")
    with pytest.raises(DataError, match="the input has 5 rows"):
        model.predict(waves(5))
    with pytest.raises(DataError, match=r"has shape \(9, 3\), but the model expects \(N, 2\)"):
        model.predict(np.zeros((9, 3)))


def test_the_last_window_ends_with_the_last_row(tmp_path):
    np.savez(tmp_path / "waves.npz", x=waves(120))
    changes = {"training.epochs": 1, "data.windows.stride": 4, "data.windows.sampling_rate": 2}
    run = tinynet.train(document(), tmp_path / "run", data_root=tmp_path, overrides=changes)
    model = tinynet.load_model(run.path)
    rows = waves(20)
    windows = np.stack([rows[start : start + 11 : 2] for start in (1, 5, 9)])
    np.testing.assert_array_equal(model.predict(rows).values, model.predict(windows).values)


def test_a_resumed_forecaster_has_the_same_bits(run, tmp_path):
    folder = run.path.parent
    short = {"training.epochs": 11}
    stopped = tinynet.train(document(), folder / "stopped", data_root=folder, overrides=short)
    resumed = tinynet.resume(stopped.path, overrides={"training.epochs": 30})
    ours, theirs = (tinynet.load_model(path).network.params for path in (run.path, resumed.path))
    for name, array in ours.items():
        np.testing.assert_array_equal(array, theirs[name])
    changed = waves(300)
    changed[7, 1] += 1
    np.savez(tmp_path / "waves.npz", x=changed)
    with pytest.raises(tinynet.errors.TinynetError, match="'data' has changed"):
        tinynet.resume(resumed.path, data_root=tmp_path, overrides={"training.epochs": 31})


# Tables -----------------------------------------------------------------------------------------


def table(total, start=0):
    """Rows of a table by column: a day, its temperature, and a word."""
    first = date(2024, 1, 1)
    days = [(first + timedelta(i)).isoformat() for i in range(start, start + total)]
    warm = waves(start + total)[start:, 0].round(3).tolist()
    return {"day": days, "warm": warm, "sky": [("sun", "rain")[i % 3 > 1] for i in range(total)]}


def write_table(path, columns):
    rows = zip(*columns.values(), strict=True)
    lines = [",".join(columns), *(",".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def run_of_table(tmp_path_factory):
    """A network that forecasts a feature of a table, whose newest row is the first of the file."""
    folder = tmp_path_factory.mktemp("table")
    columns = table(300)
    write_table(folder / "days.csv", {name: column[::-1] for name, column in columns.items()})
    spec = document(targets="warm") | {
        "network": {"layers": ["flatten", {"type": "dense", "units": 1}]}
    }
    spec["data"] |= {
        "type": "csv",
        "path": "days.csv",
        "target": None,
        "features": ["warm", "sky"],
        "split": {"order": {"by": "day"}, "validation": 0.2, "test": 0.2},
    }
    del spec["data"]["targets"]
    run = tinynet.train(spec, folder / "run", data_root=folder)
    assert run.evaluate("test")["r2"] > 0.99
    return run.path


@pytest.fixture
def of_table(run_of_table):
    return tinynet.load_model(run_of_table)


def test_a_feature_of_a_table_is_forecast_from_its_past(of_table, tmp_path):
    path = write_table(tmp_path / "new.csv", table(20, start=300))
    forecast = of_table.predict(path)
    assert forecast.values[-1] == pytest.approx(waves(321)[320, 0], abs=0.5)


def test_an_answer_has_the_number_and_columns_of_the_last_row(of_table, tmp_path):
    path = write_table(tmp_path / "new.csv", table(20, start=300))
    forecast = of_table.predict(path, keep=["day"])
    rows = [*forecast.rows()]
    assert rows[-1][0] == 19
    assert rows[0][0] == LENGTH - 1
    assert next(forecast.records())["day"] == "2024-11-01"


def test_rows_are_sorted_as_in_training(of_table, tmp_path):
    columns = table(20, start=300)
    path = write_table(tmp_path / "new.csv", columns)
    expected = of_table.predict(path)
    newest_first = {name: column[::-1] for name, column in columns.items()}
    write_table(path, newest_first)
    forecast = of_table.predict(path)
    np.testing.assert_array_equal(forecast.values, expected.values)
    assert [row[0] for row in forecast.rows()] == list(range(20 - LENGTH, -1, -1))


def test_dates_that_cannot_be_sorted_are_refused(of_table, tmp_path):
    columns = table(20, start=300)
    columns["day"][3] = ""
    path = write_table(tmp_path / "new.csv", columns)
    message = r"'day', which is empty or not a date in {} of 20 .*new.csv, line {}"
    with pytest.raises(DataError, match=message.format(1, 5)):
        of_table.predict(path)
    columns["day"] = [f"{i % 12 + 1}/11/2024" for i in range(20)]  # of months, or of days
    with pytest.raises(DataError, match=message.format(20, 2)):
        of_table.predict(write_table(path, columns))


def test_windows_of_a_table_are_those_of_one_series(tmp_path):
    columns = table(150)
    shifted = table(150, start=37)
    both = {
        name: [cell for pair in zip(columns[name], shifted[name], strict=True) for cell in pair]
        for name in columns
    }
    both["place"] = ["here", "there"] * 150
    write_table(tmp_path / "days.csv", both)
    spec = document(targets="warm", by="place")
    spec["data"] |= {"type": "csv", "path": "days.csv", "target": None, "features": ["warm"]}
    del spec["data"]["targets"]
    spec["network"] = {"layers": ["flatten", {"type": "dense", "units": 1}]}
    run = tinynet.train(spec, tmp_path / "run", data_root=tmp_path)
    model = tinynet.load_model(run.path)
    new = {name: cells[:24] for name, cells in both.items()}
    forecasts = model.predict(write_table(tmp_path / "new.csv", new), keep="place")
    assert [row[0] for row in forecasts.rows()] == list(range(2 * LENGTH - 2, 24))
    own = {name: cells[1:24:2] for name, cells in both.items()}
    alone = model.predict(write_table(tmp_path / "there.csv", own))
    np.testing.assert_array_equal(forecasts.values[1::2], alone.values)
    assert [record["place"] for record in forecasts.records()] == ["here", "there"] * 7
    short = {name: cells[:10] for name, cells in both.items()}
    with pytest.raises(DataError, match=r"the longest of 2 series \(by 'place'\) has 5 rows"):
        model.predict(write_table(tmp_path / "short.csv", short))


def test_a_forecaster_is_evaluated_on_new_rows(run_of_table, tmp_path):
    """They are sorted as in training."""
    columns = table(40, start=300)
    ordered = write_table(tmp_path / "new.csv", columns)
    newest_first = {name: column[::-1] for name, column in columns.items()}
    reverse = write_table(tmp_path / "reverse.csv", newest_first)
    result, same = (tinynet.evaluate(run_of_table, data=path) for path in (ordered, reverse))
    assert result.samples == 40 - LENGTH
    assert result["r2"] > 0.99
    assert same.metrics == result.metrics


def test_rows_without_the_column_that_orders_them_are_refused(of_table, tmp_path):
    columns = table(20, start=300)
    expected = of_table.predict(write_table(tmp_path / "new.csv", columns)).values
    without = {name: columns[name] for name in ("warm", "sky")}
    with pytest.raises(DataError, match=r"no column 'day'.* \(windows are cut by 'day', as in"):
        of_table.predict(write_table(tmp_path / "bare.csv", without))
    with pytest.raises(DataError, match=r"lacks 'warm'[^(]*$"):
        of_table.predict(write_table(tmp_path / "other.csv", {"sky": columns["sky"]}))
    records = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    np.testing.assert_array_equal(of_table.predict(columns).values, expected)
    np.testing.assert_array_equal(of_table.predict(records).values, expected)
