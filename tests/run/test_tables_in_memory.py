"""Runs on tables and texts of a Python program, and their answers."""

import copy
import json
import multiprocessing
import pickle

import numpy as np
import pytest

import tinynet
from tinynet.errors import CheckpointMismatchError, DataError, SpecError, UsageError

DRAW = np.random.default_rng(3)
ROWS = 120


def columns(rows=ROWS):
    age = DRAW.integers(1, 80, rows).astype(float)
    sex = DRAW.choice(["male", "female"], rows).tolist()
    survived = np.where(np.array(sex) == "female", "yes", "no").tolist()
    age[::7] = np.nan
    return {"age": age.tolist(), "sex": sex, "port": ["S", "C", "Q"] * (rows // 3)}, survived


FEATURES, SURVIVED = columns()
TABLE = {**FEATURES, "survived": SURVIVED}
COLUMNS = {"age": {"missing": "median"}}


def dense(units):
    return {"type": "dense", "units": units}


def spec(**data):
    return {
        "tinynet": 1,
        "name": "passengers",
        "data": {"transforms": ["standardize"], **data},
        "network": {"layers": [dense(8), "relu", dense(2)]},
        "training": {
            "epochs": 8,
            "batch_size": 16,
            "loss": "softmax_cross_entropy",
            "metrics": ["accuracy"],
            "optimizer": {"type": "adam", "learning_rate": 0.05},
        },
    }


def frame(table):
    pandas = pytest.importorskip("pandas", reason="pandas is optional")
    return pandas.DataFrame(table)


FORMS = {
    "dict of columns": lambda table: table,
    "records": lambda table: [
        dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)
    ],
    "DataFrame": frame,
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_table_gives_the_same_run(tmp_path, form):
    whole = spec(target="survived", columns=COLUMNS)
    expected = tinynet.train(whole, tmp_path / "expected", data=TABLE)
    run = tinynet.train(whole, tmp_path / "run", data=FORMS[form](TABLE))
    resolved = json.loads((run.path / "spec.json").read_text())["data"]
    assert resolved["type"] == "memory_table"
    assert resolved["inferred"]["columns"]["sex"] == "category"
    for name, array in run.network.params.items():
        np.testing.assert_array_equal(array, expected.network.params[name])
    assert run.evaluate("train")["accuracy"] > 0.9


def test_run_is_that_of_a_file(tmp_path):
    lines = [",".join(TABLE)]
    for row in zip(*TABLE.values(), strict=True):
        lines.append(",".join("" if cell != cell else f"{cell}" for cell in row))
    (tmp_path / "table.csv").write_text("\n".join(lines) + "\n")
    of_file = spec(type="csv", path="table.csv", target="survived", columns=COLUMNS)
    by_file = tinynet.train(of_file, tmp_path / "file", data_root=tmp_path)
    in_memory = tinynet.train(of_file, tmp_path / "memory", data=TABLE)
    for name, array in in_memory.network.params.items():
        np.testing.assert_array_equal(array, by_file.network.params[name])
    for run in (by_file, in_memory):
        figures = tinynet.evaluate(run.path, data=TABLE).metrics
        assert figures == tinynet.evaluate(run.path, data=tmp_path / "table.csv").metrics
        assert figures["accuracy"] > 0.9


def test_features_and_target_apart(tmp_path):
    features = frame(FEATURES)
    target = frame({"survived": SURVIVED})["survived"]
    apart = tinynet.train(spec(columns=COLUMNS), tmp_path / "apart", data=(features, target))
    whole = spec(target="survived", columns=COLUMNS)
    together = tinynet.train(whole, tmp_path / "together", data=TABLE)
    for name, array in apart.network.params.items():
        np.testing.assert_array_equal(array, together.network.params[name])
    resolved = json.loads((apart.path / "spec.json").read_text())["data"]
    assert resolved["target"] == "survived"
    figures = tinynet.evaluate(apart.path, data=(features, SURVIVED)).metrics
    assert figures == tinynet.evaluate(together.path, data=TABLE).metrics


def test_integers_beside_a_table_are_classes(tmp_path):
    run = tinynet.train(
        spec(columns=COLUMNS), tmp_path / "run", data=(frame(FEATURES), [1, 2] * (ROWS // 2))
    )
    assert tinynet.load_model(run.path).predict(frame(FEATURES)).classes == ("1", "2")


def test_resume_and_splits_of_their_own(tmp_path):
    whole = spec(target="survived", columns=COLUMNS)
    more, labels = columns(30)
    data = {"data": TABLE, "validation": {**more, "survived": labels}}
    uninterrupted = tinynet.train(whole, tmp_path / "a", **data)
    half = tinynet.train(whole, tmp_path / "b", **data, overrides={"training.epochs": 3})
    resumed = tinynet.resume(half.path, **data, overrides={"training.epochs": 8}, exact=True)
    for name, array in resumed.network.params.items():
        np.testing.assert_array_equal(array, uninterrupted.network.params[name])
    assert resumed.evaluate("val").samples == 30
    with pytest.raises(CheckpointMismatchError, match="has changed"):
        tinynet.resume(half.path, data=data["validation"], validation=data["validation"])
    with pytest.raises(DataError, match=r"tinynet\.resume\(run, data=\(x, y\)\)"):
        tinynet.resume(half.path)


def test_predictions_of_every_form_have_the_same_bits(tmp_path):
    run = tinynet.train(spec(target="survived", columns=COLUMNS), tmp_path / "run", data=TABLE)
    model = tinynet.load_model(run.path)
    expected = model.predict(FEATURES, keep=["port"])
    assert expected.kept["port"] == FEATURES["port"]
    for form in FORMS.values():
        found = model.predict(form(FEATURES)).probabilities
        np.testing.assert_array_equal(found, expected.probabilities)
    for row, record in list(enumerate(FORMS["records"](FEATURES)))[:8]:
        alone = model.predict([record]).probabilities
        np.testing.assert_array_equal(alone, expected.probabilities[row : row + 1])


def test_network_alone_refuses_cells(tmp_path):
    whole = spec(target="survived", features=["sex", "port"], transforms=[])
    run = tinynet.train(whole, tmp_path / "run", data=TABLE)
    encoded = np.zeros((3, 5))
    message = "leaves out the categories and values for missing cells of the dataset 'memory_table'"
    with pytest.raises(UsageError, match=message):
        tinynet.load(run.path).predict(encoded)
    network = tinynet.load(run.path, preprocessed=True)
    assert network.predict(encoded).shape == (3, 2)


@pytest.mark.parametrize("copied", [lambda m: pickle.loads(pickle.dumps(m)), copy.deepcopy])
def test_models_of_tables_can_be_pickled_and_copied(tmp_path, copied):
    run = tinynet.train(spec(target="survived", columns=COLUMNS), tmp_path / "run", data=TABLE)
    model = tinynet.load_model(run.path)
    expected = model.predict(FEATURES).probabilities
    np.testing.assert_array_equal(copied(model).predict(FEATURES).probabilities, expected)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        (elsewhere,) = pool.map(model.predict, [FEATURES])
    np.testing.assert_array_equal(elsewhere.probabilities, expected)


def test_texts_and_labels(tmp_path):
    words = ["good", "bad", "film"]
    texts = [" ".join(DRAW.choice(words, 4)) for _ in range(60)]
    labels = ["pos" if "good" in text else "neg" for text in texts]
    whole = spec(transforms=[{"type": "bag_of_words"}])
    run = tinynet.train(whole, tmp_path / "run", data=(texts, labels))
    model = tinynet.load_model(run.path)
    predictions = model.predict(["good film", "bad film"])
    assert predictions.labels.tolist() == ["pos", "neg"]
    assert tinynet.evaluate(run.path, data=(texts, labels))["accuracy"] > 0.9
    assert tinynet.resume(run.path, data=(texts, labels), overrides={"training.epochs": 9})
    np.testing.assert_array_equal(
        model.predict(np.array(["good film"])).probabilities, predictions.probabilities[:1]
    )


def test_table_without_a_target_is_an_error(tmp_path):
    with pytest.raises(SpecError, match="'target' is required"):
        tinynet.train(spec(columns=COLUMNS), tmp_path / "run", data=frame(TABLE))


def test_targets_of_another_length_are_an_error(tmp_path):
    data = (frame(FEATURES), SURVIVED[:-1])
    with pytest.raises(DataError, match="all columns need the same number"):
        tinynet.train(spec(columns=COLUMNS), tmp_path / "run", data=data)


def test_missing_numbers_name_the_strategies(tmp_path):
    with pytest.raises(DataError, match='"missing": "median"'):
        tinynet.train(spec(target="survived"), tmp_path / "run", data=TABLE)
