"""Evaluation on samples that a run has not seen: files, folders, and samples in memory."""

import numpy as np
import pytest

import tinynet
from tinynet.builtin.datasets.digits import Digits
from tinynet.errors import DataError, UsageError

DRAW = np.random.default_rng(0)
X, NEW = DRAW.random((80, 2)), DRAW.random((30, 2))
LABELS, NEW_LABELS = (np.where(x[:, 1] > x[:, 0], "lily", "rose") for x in (X, NEW))


def write_table(path, x, labels, columns=("width", "height", "kind")):
    rows = [{"width": w, "height": h, "kind": k} for (w, h), k in zip(x, labels, strict=True)]
    lines = [",".join(str(row[name]) for name in columns) for row in rows]
    path.write_text("\n".join([",".join(columns), *lines]) + "\n")


def spec(data, **changes):
    return {
        "tinynet": 1,
        "name": "new",
        "data": {"transforms": ["standardize"], **data},
        "network": {"layers": [{"type": "dense", "units": 2}]},
        "training": {
            "epochs": 20,
            "batch_size": 16,
            "loss": "softmax_cross_entropy",
            "metrics": ["accuracy"],
            "optimizer": {"type": "adam", "learning_rate": 0.1},
        },
        **changes,
    }


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Return a run on a table, in a folder of its own."""
    folder = tmp_path_factory.mktemp("table")
    write_table(folder / "table.csv", X, LABELS)
    data = {"type": "csv", "path": "table.csv", "target": "kind"}
    return tinynet.train(spec(data), folder / "run", data_root=folder)


def test_file_is_read_by_the_rules_of_the_run(table, tmp_path):
    write_table(tmp_path / "new.csv", NEW, NEW_LABELS, ("kind", "height", "width"))
    evaluation = tinynet.evaluate(table.path, data=tmp_path / "new.csv")
    assert (evaluation.split, evaluation.samples) == ("data", 30)
    labels = tinynet.load_model(table.path).predict(NEW).labels
    assert evaluation["accuracy"] == np.mean(labels == NEW_LABELS)
    in_memory = tinynet.evaluate(table.path, data=(NEW, NEW_LABELS))
    assert in_memory.metrics == evaluation.metrics


def test_classes_have_the_indices_of_the_training(table, tmp_path):
    """A file with the second class alone must not evaluate it as the first."""
    only = NEW_LABELS == "rose"
    write_table(tmp_path / "new.csv", NEW[only], NEW_LABELS[only])
    labels = tinynet.load_model(table.path).predict(NEW[only]).labels
    evaluation = tinynet.evaluate(table.path, data=tmp_path / "new.csv")
    assert evaluation["accuracy"] == np.mean(labels == "rose") > 0.5


def test_unknown_class_is_an_error(table, tmp_path):
    write_table(tmp_path / "new.csv", NEW, np.where(NEW_LABELS == "lily", "tulip", "rose"))
    message = "new.csv: 'target' has classes that the training data lack: tulip"
    with pytest.raises(DataError, match=message):
        tinynet.evaluate(table.path, data=tmp_path / "new.csv")
    with pytest.raises(DataError, match=r"the labels 'tulip' are not in \"classes\""):
        tinynet.evaluate(table.path, data=(NEW[:2], ["tulip", "rose"]))


def test_run_is_not_changed_and_its_own_data_are_not_read(table, tmp_path):
    write_table(tmp_path / "new.csv", NEW, NEW_LABELS)
    source = table.path.parent / "table.csv"
    content = source.read_bytes()
    source.unlink()
    try:
        assert tinynet.evaluate(table.path, data=tmp_path / "new.csv").samples == 30
    finally:
        source.write_bytes(content)


def test_missing_file_suggests_another(table, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_table(tmp_path / "new.csv", NEW, NEW_LABELS)
    with pytest.raises(DataError, match=r"no such file or folder: nwe\.csv; did you mean new\.csv"):
        tinynet.evaluate(table.path, data="nwe.csv")


def test_split_belongs_to_the_run_s_own_data(table, tmp_path):
    with pytest.raises(UsageError, match="split='test' names a part of the run's own data"):
        tinynet.evaluate(table.path, "test", data=tmp_path)
    with pytest.raises(UsageError, match="was not trained on data that were passed"):
        tinynet.evaluate(table.path, "test", data=(NEW, NEW_LABELS))


def test_other_features_are_an_error(table):
    with pytest.raises(DataError, match="has shape \\(3,\\), but the training data have \\(2,\\)"):
        tinynet.evaluate(table.path, data=(np.zeros((5, 3)), ["rose"] * 5))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"type": "digits"}, "its dataset 'digits' reads no file"),
        (
            {"type": "npy", "inputs": "x.npy", "targets": "y.npy"},
            r"'npy' reads several \(inputs, targets\); .* tinynet\.evaluate\(run, data=\(x, y\)\)",
        ),
    ],
)
def test_dataset_without_a_single_path(tmp_path, data, message):
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "y.npy", (LABELS == "rose").astype(int))
    units = 10 if data["type"] == "digits" else 2
    network = {"layers": ["flatten", {"type": "dense", "units": units}]}
    run = tinynet.train(
        spec(data, network=network), tmp_path / "run", data_root=tmp_path,
        overrides={"training.epochs": 1},
    )  # fmt: skip
    with pytest.raises(DataError, match=message):
        tinynet.evaluate(run.path, data=tmp_path / "x.npy")


def test_dataset_in_memory_for_a_run_on_another(tmp_path):
    network = {"layers": ["flatten", {"type": "dense", "units": 10}]}
    run = tinynet.train(
        spec({"type": "digits"}, network=network), tmp_path / "run",
        overrides={"training.epochs": 1},
    )  # fmt: skip
    digits = Digits(Digits.Config())
    batch = digits.gather(np.arange(len(digits)))
    by_dataset = tinynet.evaluate(run.path, data=digits)
    by_arrays = tinynet.evaluate(run.path, data=(batch.inputs["input"], batch.targets["target"]))
    assert by_dataset.metrics == by_arrays.metrics
    assert by_dataset.samples == 1797


def test_run_on_arrays(tmp_path):
    run = tinynet.train(spec({}), tmp_path / "run", data=(X, LABELS))
    new = tinynet.evaluate(run.path, data=(NEW, NEW_LABELS))
    assert new.samples == 30
    assert new["accuracy"] == np.mean(
        tinynet.load_model(run.path).predict(NEW).labels == NEW_LABELS
    )
    own = tinynet.evaluate(run.path, "test", data=(X, LABELS))
    assert own.metrics == run.evaluate("test").metrics
    with pytest.raises(DataError, match="lack: tulip"):
        tinynet.evaluate(run.path, data=(NEW, ["tulip"] * 30))


def test_integers_are_indices_of_named_classes(tmp_path):
    np.savez(tmp_path / "data.npz", x=X, y=(LABELS == "rose").astype(int))
    data = {"type": "npz", "path": "data.npz", "classes": ["lily", "rose"]}
    run = tinynet.train(spec(data), tmp_path / "run", data_root=tmp_path)
    by_index = tinynet.evaluate(run.path, data=(NEW, (NEW_LABELS == "rose").astype(int)))
    assert by_index.metrics == tinynet.evaluate(run.path, data=(NEW, NEW_LABELS)).metrics


def test_numbers(tmp_path):
    layers = {"layers": [{"type": "dense", "units": 1}]}
    training = {"epochs": 5, "loss": "mse", "metrics": ["mae"], "optimizer": "adam"}
    y = X.sum(axis=1, keepdims=True)
    numbers = spec({}, network=layers, training=training)
    run = tinynet.train(numbers, tmp_path / "run", data=(X, y))
    predicted = tinynet.load_model(run.path).predict(NEW).values
    expected = np.abs(predicted - NEW.sum(axis=1, keepdims=True)).mean()
    found = tinynet.evaluate(run.path, data=(NEW, NEW.sum(axis=1, keepdims=True)))["mae"]
    assert found == pytest.approx(expected, rel=1e-5)


def test_tables_are_read_by_the_type_of_their_file(table, tmp_path):
    """A run on a .csv file takes .tsv and Parquet files, alone and together."""
    pytest.importorskip("pyarrow", reason="Parquet files need pyarrow")
    import pyarrow.csv
    import pyarrow.parquet

    write_table(tmp_path / "new.csv", NEW, NEW_LABELS)
    text = (tmp_path / "new.csv").read_text()
    (tmp_path / "new.tsv").write_text(text.replace(",", "\t"))
    (tmp_path / "parts").mkdir()
    whole = pyarrow.csv.read_csv(tmp_path / "new.csv")
    for number, part in enumerate([whole[:20], whole[20:]]):
        pyarrow.parquet.write_table(part, tmp_path / "parts" / f"{number}.parquet")
    expected = tinynet.evaluate(table.path, data=tmp_path / "new.csv").metrics
    model = tinynet.load_model(table.path)
    expected_labels = model.predict(NEW).labels.tolist()
    for name in ("new.tsv", "new.?sv", "parts", "parts/*.parquet"):
        evaluation = tinynet.evaluate(table.path, data=tmp_path / name)
        assert evaluation.samples == (60 if "?" in name else 30)
        assert evaluation.metrics == pytest.approx(expected, rel=1e-12)
        assert model.predict(tmp_path / name).labels[:30].tolist() == expected_labels
    several = tinynet.evaluate(table.path, data=[tmp_path / "new.tsv", tmp_path / "parts"])
    assert several.samples == 60
    assert several.metrics == pytest.approx(expected, rel=1e-12)


def test_a_run_on_parquet_takes_text_tables(tmp_path):
    pytest.importorskip("pyarrow", reason="Parquet files need pyarrow")
    import pyarrow.csv
    import pyarrow.parquet

    write_table(tmp_path / "new.csv", X, LABELS)
    whole = pyarrow.csv.read_csv(tmp_path / "new.csv")
    pyarrow.parquet.write_table(whole, tmp_path / "old.parquet")
    data = {"type": "parquet", "path": "old.parquet", "target": "kind"}
    run = tinynet.train(spec(data), tmp_path / "run", data_root=tmp_path)
    figures = [tinynet.evaluate(run.path, data=tmp_path / f).metrics for f in ("new.csv", "old.*")]
    assert figures[0] == pytest.approx(figures[1], rel=1e-12)


def test_rows_without_a_target_are_left_out(table, tmp_path):
    labels = np.array(NEW_LABELS, object)
    labels[[2, 5]] = ["", "NA"]
    write_table(tmp_path / "new.csv", NEW, labels)
    known = np.delete(np.arange(30), [2, 5])
    warnings = []
    evaluation = tinynet.evaluate(table.path, data=tmp_path / "new.csv", observer=warnings.append)
    assert evaluation.metrics == tinynet.evaluate(table.path, data=(NEW[known], NEW_LABELS[known]))
    assert [warning.message for warning in warnings] == [
        f"{tmp_path / 'new.csv'}: 2 of 30 rows have no target, and are left out"
    ]


def test_messages_name_no_setting_of_a_spec(table, tmp_path):
    """The settings of a trained network cannot be changed."""
    write_table(tmp_path / "new.csv", NEW, NEW_LABELS)
    text = (tmp_path / "new.csv").read_text()
    for changed, message in {
        text.replace(",", ";"): r"the header lacks 'width', 'height', 'kind'.*separate the cells",
        text.replace("kind", "type"): r"the header lacks 'kind'; it names",
        text + "x,1,lily\n": r"column 'width' holds text .* correct these cells",
    }.items():
        (tmp_path / "new.csv").write_text(changed)
        with pytest.raises(DataError, match=message) as caught:
            tinynet.evaluate(table.path, data=tmp_path / "new.csv")
        assert "set " not in str(caught.value)
