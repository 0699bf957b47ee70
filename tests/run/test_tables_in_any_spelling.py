"""A run gives the same on every form of a table, however its numbers are written."""

import warnings

import numpy as np
import pytest

import tinynet
from tinynet.commands.convert import convert
from tinynet.errors import DataError

ROWS = 60


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)


def spec(**data):
    return {
        "tinynet": 1,
        "name": "forms",
        "data": {"target": "y", "transforms": ["standardize"], **data},
        "network": {"layers": [{"type": "dense", "units": 2}]},
        "training": {
            "epochs": 40,
            "batch_size": 20,
            "loss": "softmax_cross_entropy",
            "metrics": ["accuracy"],
            "optimizer": {"type": "adam", "learning_rate": 0.1},
        },
    }


@pytest.fixture
def pandas():
    return pytest.importorskip("pandas", reason="pandas is optional")


@pytest.fixture
def table(tmp_path, pandas):
    """Integers as pandas writes them beside missing ones, and the class in the same form."""
    group = np.arange(ROWS) % 3 + 1.0
    group[::10] = np.nan
    frame = pandas.DataFrame({"group": group, "y": (group == 2).astype(float)})
    frame.to_csv(tmp_path / "t.csv", index=False)
    return frame


def test_whole_numbers_are_the_same_category_and_class_in_every_form(tmp_path, table, pandas):
    columns = {"columns": {"group": "category"}, "target_type": "class"}
    own = spec(type="csv", path="t.csv", **columns)
    run = tinynet.train(own, tmp_path / "r")
    model = tinynet.load_model(run.path)
    assert model.inputs["input"].names == ("group=1", "group=2", "group=3")
    assert model.classes == {"output": ("0", "1")}
    integers = table.fillna(9).astype(int).replace(9, pandas.NA)
    texts = pandas.read_csv(tmp_path / "t.csv", dtype=str)
    for form in (table, integers, texts):
        result = tinynet.evaluate(run.path, data=form)
        assert result.metrics["accuracy"] == 1
        np.testing.assert_array_equal(
            model.predict(form).probabilities, model.predict(tmp_path / "t.csv").probabilities
        )
    again = tinynet.train(spec(**columns), tmp_path / "frame", data=table)
    for name, array in run.network.params.items():
        np.testing.assert_array_equal(array, again.network.params[name])
    assert tinynet.evaluate(again.path, data=texts).metrics["accuracy"] == 1


def test_classes_that_a_spec_names_keep_their_spelling(tmp_path, table):
    own = spec(type="csv", path="t.csv", classes=["0.0", "1.0"])
    own["data"]["columns"] = {"group": {"kind": "category", "categories": ["3.0", "2.0", "1.0"]}}
    run = tinynet.train(own, tmp_path / "r")
    model = tinynet.load_model(run.path)
    assert model.classes == {"output": ("0.0", "1.0")}
    assert model.inputs["input"].names == ("group=3.0", "group=2.0", "group=1.0")
    assert tinynet.evaluate(run.path, data=table).metrics["accuracy"] == 1


def test_checkpoint_with_the_classes_of_an_older_version(tmp_path, table, monkeypatch):
    """Classes had the spelling of the file, and so had the fingerprint."""
    own = spec(type="csv", path="t.csv", target_type="class")
    own["data"]["columns"] = {"group": "category"}
    with monkeypatch.context() as patch:
        patch.setattr("tinynet.builtin.tables.targets.whole_numbers", tuple)
        run = tinynet.train(own, tmp_path / "r")
        assert tinynet.load_model(run.path).classes == {"output": ("0.0", "1.0")}
    assert tinynet.evaluate(run.path, data=table).metrics["accuracy"] == 1
    longer = tinynet.resume(run.path, overrides={"training.epochs": 41})
    assert longer.evaluate("train")["accuracy"] == 1


def test_most_cells_unknown_is_a_warning(tmp_path, pandas):
    zips = [f"{1000 + i % 3:05d}" for i in range(ROWS)]
    frame = pandas.DataFrame({"zip": zips, "y": ["a", "b"] * (ROWS // 2)})
    run = tinynet.train(spec(columns={"zip": "category"}), tmp_path / "r", data=frame)
    model = tinynet.load_model(run.path)
    integers = frame.assign(zip=frame["zip"].astype(int))
    expected = (
        "column 'zip': 60 of 60 cells are no category of the training data, such as '1000'; write"
        " them as there, such as '01000'"
    )
    with pytest.warns(UserWarning, match=expected):
        model.predict(integers)
    with pytest.warns(UserWarning, match=expected):
        tinynet.evaluate(run.path, data=integers)
    some = frame.assign(zip=[*zips[:30], *["new"] * 30])
    model.predict(some)
    with pytest.warns(UserWarning, match="31 of 60 cells"):
        model.predict(some.assign(zip=[*zips[:29], *["new"] * 31]))
    model.predict([{"zip": "new"}])
    model.predict(frame.iloc[:4].assign(zip=[zips[0], "new", "new", None]))


def test_booleans_in_any_spelling(tmp_path, pandas):
    frame = pandas.DataFrame({"old": [True, False] * 30, "y": ["a", "b"] * 30})
    run = tinynet.train(spec(), tmp_path / "r", data=frame)
    for spelled in (["1", "0"], [1, 0], ["TRUE", "FALSE"], [1.0, 0.0]):
        form = frame.assign(old=spelled * 30)
        assert tinynet.evaluate(run.path, data=form).metrics["accuracy"] == 1


def test_converted_copy_gives_the_same_predictions(tmp_path, pandas):
    pytest.importorskip("pyarrow", reason="writes Parquet")
    path = tmp_path / "t.csv"
    lines = ["zip,id,half,y"] + [
        f"{1000 + i % 3:05d},{2**53 + 1 + i % 5},{i % 2}.50,{'ab'[i % 2]}" for i in range(ROWS)
    ]
    path.write_text("\n".join(lines) + "\n")
    kinds = {"columns": dict.fromkeys(["zip", "id", "half"], "category")}
    run = tinynet.train(spec(type="csv", path="t.csv", **kinds), tmp_path / "r")
    convert(str(path), tmp_path / "t.parquet")
    model = tinynet.load_model(run.path)
    assert len(model.inputs["input"].names) == 3 + 5 + 2
    np.testing.assert_array_equal(
        model.predict(tmp_path / "t.parquet").probabilities, model.predict(path).probabilities
    )


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("form", ["series", "frame", "array"])
def test_the_target_among_the_features_is_left_out(tmp_path, pandas, form, named):
    frame = pandas.DataFrame({"a": np.arange(40.0), "y": ["p", "q"] * 20})
    y = {"series": frame["y"], "frame": frame[["y"]], "array": frame["y"].to_numpy()}[form]
    own = spec(target="y") if named else spec()
    if not named:
        del own["data"]["target"]
    with pytest.warns(UserWarning, match="the column 'y' of the table is not a feature"):
        run = tinynet.train(own, tmp_path / "r", data=(frame, y))
    assert tinynet.load_model(run.path).inputs["input"].names == ("a",)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tinynet.train(own, tmp_path / "s", data=(frame[["a"]], frame[["y"]]))


def test_table_with_names_for_a_run_without_header(tmp_path, pandas):
    path = tmp_path / "t.csv"
    path.write_text("".join(f"{i},{i % 2},{'pq'[i % 2]}\n" for i in range(40)))
    own = spec(type="csv", path="t.csv", header=False, target=-1)
    run = tinynet.train(own, tmp_path / "r")
    model = tinynet.load_model(run.path)
    expected = model.predict(path).probabilities
    frame = pandas.read_csv(path, header=None, names=["a", "b", "c"])
    for form in (frame, frame[["a", "b"]]):
        np.testing.assert_array_equal(model.predict(form).probabilities, expected)
    with pytest.raises(DataError, match="has 1 columns; give it all 3 columns"):
        model.predict(frame[["a"]])
    with pytest.raises(DataError, match=r"column '1' holds text \('x'; rows? 0"):
        model.predict(frame.assign(b="x"))


def test_the_index_of_a_frame_in_a_parquet_file_is_no_feature(tmp_path, pandas):
    pytest.importorskip("pyarrow", reason="writes Parquet")
    frame = pandas.DataFrame({"a": np.arange(40.0), "y": ["p", "q"] * 20})
    frame.iloc[::-1].to_parquet(tmp_path / "t.parquet")
    run = tinynet.train(spec(type="parquet", path="t.parquet"), tmp_path / "r")
    model = tinynet.load_model(run.path)
    assert model.inputs["input"].names == ("a",)
    model.predict(frame)
    assert convert("t.parquet", tmp_path / "arrays", target="y").features == ["a"]
