"""Networks of several inputs and outputs, from the command line: what each output says is apart."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

import tinynet as library

MODELS = Path(__file__).parents[2] / "models"
SPEC = MODELS / "shapes_two_inputs.json"


@pytest.fixture
def run(tinynet):
    """A run that has hardly learned anything."""
    short = ("--set", "training.epochs=1")
    assert tinynet("train", SPEC, "--run", "shapes", "--quiet", *short).code == 0
    return Path("shapes")


@pytest.fixture
def arrays():
    """Four samples."""
    with np.load(MODELS / "data" / "shapes.npz") as data:
        inputs = {name: data[name][:4] for name in ("image", "table")}
    np.savez("new.npz", **inputs)
    return inputs


@pytest.fixture
def expected(run, arrays):
    """Return the network's predictions from Python; the area is in the units of the data."""
    model = library.run.models.load_model(run)
    prepared = model.preprocessing.apply(arrays)
    outputs = model.network.predict(prepared)
    return {"kind": outputs["kind"], "area": model.preprocessing.invert("area", outputs["area"])}


def test_json_has_the_outputs_by_name(tinynet, run, arrays, expected):
    report = tinynet("predict", run, "new.npz", "--json").json
    assert report["samples"] == 4
    assert report["outputs"].keys() == {"kind", "area"}
    assert report["outputs"]["kind"].keys() == {"classes", "labels", "probabilities"}
    np.testing.assert_allclose(
        report["outputs"]["kind"]["probabilities"], expected["kind"], rtol=1e-5
    )
    labels = [str(label) for label in expected["kind"].argmax(axis=1)]
    assert report["outputs"]["kind"]["labels"] == labels
    np.testing.assert_allclose(report["outputs"]["area"]["outputs"], expected["area"], rtol=1e-5)


def test_the_table_shows_the_likeliest_class_and_the_value(tinynet, run, arrays, expected):
    head, *rows = (line.split() for line in tinynet("predict", run, "new.npz").out.splitlines())
    assert head == ["sample", "area/value", "kind/label", "kind/probability"]
    kind = expected["kind"]
    for index, row in enumerate(rows):
        assert [row[0], *row[2:]] == [
            str(index), str(kind[index].argmax()), f"{kind[index].max():.4f}",
        ]  # fmt: skip
        assert float(row[1]) == pytest.approx(expected["area"][index, 0], rel=1e-3)


def test_csv_and_jsonl_have_a_column_for_every_number(tinynet, run, arrays, expected):
    for name in ("out.csv", "out.jsonl"):
        assert tinynet("predict", run, "new.npz", "-o", name).out == f"{name}: 4 predictions\n"
    columns = ["sample", "area/value", "kind/label", "kind/p(0)", "kind/p(1)", "kind/p(2)"]
    with open("out.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    lines = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]
    for table in (rows, lines):
        assert list(table[0]) == columns
        values = [[float(row[c]) for c in ("area/value", *columns[3:])] for row in table]
        numbers = np.concatenate([expected["area"], expected["kind"]], axis=1)
        np.testing.assert_allclose(values, numbers, rtol=1e-5)


def test_npz_has_the_arrays_of_each_output(tinynet, run, arrays, expected):
    assert tinynet("predict", run, "new.npz", "-o", "out.npz").code == 0
    with np.load("out.npz") as saved:
        assert set(saved) == {
            "area/outputs", "kind/classes", "kind/labels", "kind/probabilities", "rows",
        }  # fmt: skip
        np.testing.assert_allclose(saved["area/outputs"], expected["area"], rtol=1e-5)
        np.testing.assert_allclose(saved["kind/probabilities"], expected["kind"], rtol=1e-5)


def test_inputs_of_several_names_come_from_one_file_of_arrays(tinynet, run, arrays):
    np.save("image.npy", arrays["image"])
    result = tinynet("predict", run, "image.npy")
    assert result.code == 3
    assert "the model has the inputs image, table; give an .npz file" in result.err


def test_an_evaluation_tells_the_loss_of_every_output(tinynet, run):
    metrics = tinynet("evaluate", run, "--data-root", MODELS, "--json").json["metrics"]
    assert list(metrics) == ["loss", "area/loss", "kind/loss", "kind/accuracy", "area/r2"]
    losses = library.load_spec(SPEC).training.losses(["area", "kind"])
    weighted = [loss.weight * metrics[f"{name}/loss"] for name, loss in losses.items()]
    assert metrics["loss"] == pytest.approx(sum(weighted))


def test_a_run_of_them_resumes_exactly(tinynet):
    """Its spec comes back from the checkpoint with its keys in another order."""
    result = tinynet("verify-resume", SPEC, "--set", "training.epochs=1", "--json")
    assert result.code == 0, result.err
    assert result.json["exact"] is True


WRONG = {
    ("training.loss.area.target", '"mask"'): (
        "/training/loss/area/target: there is no target 'mask'; available: area, kind"
    ),
    ("training.loss.area.type", '"softmax_cross_entropy"'): "/training/loss/area: softmax",
    ("training.metrics.1.type", '"top_k_accuracy"'): "/training/metrics/1: the metric 'area/top_k",
    ("training.trainable", '["kin/*"]'): (
        "/training/trainable/0: 'kin/*' matches no parameter; did you mean 'kind/*'?"
    ),
    ("network.outputs", '{"kind": "kind", "area": "arae"}'): (
        "/network/outputs/area: there is no node 'arae'; did you mean 'area'?"
    ),
}


@pytest.mark.parametrize(("change", "message"), WRONG.items())
def test_check_tells_what_is_wrong_with_an_output(tinynet, change, message):
    result = tinynet("check", SPEC, "--set", "=".join(change))
    assert result.code == 2
    assert message in result.err
