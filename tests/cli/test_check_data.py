"""`tinynet check` finds what `train` would refuse, in the same words, and its remedies work."""

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

DENSE = {"type": "dense", "units": 2}


def spec_of(folder, data, units, loss, metrics=(), **training):
    """Write a spec of one dense layer."""
    spec = {
        "tinynet": 1,
        "name": "small",
        "data": {**data, "transforms": [{"type": "standardize"}]},
        "network": {"layers": [{**DENSE, "units": units}]},
        "training": {
            "epochs": 1,
            "loss": loss,
            "optimizer": "sgd",
            "metrics": list(metrics),
            **training,
        },
    }
    path = folder / "spec.json"
    path.write_text(json.dumps(spec, indent=1))
    return path


def csv_of(folder, labels):
    """Write a table with these labels; the part of a spec that reads it."""
    rows = [f"{index},{index % 3},{label}" for index, label in enumerate(labels)]
    (folder / "data.csv").write_text("\n".join(["a,b,answer", *rows]) + "\n")
    return {"type": "csv", "path": "data.csv", "target": "answer"}


def npz_of(folder, y):
    """Write arrays with this target; the part of a spec that reads them."""
    x = np.random.default_rng(0).normal(size=(len(y), 3))
    np.savez(folder / "data.npz", x=x, y=y)
    return {"type": "npz", "path": "data.npz"}


THREE = ["yes", "no", "maybe"] * 20
FIVE = [1, 2, 3, 4, 5] * 12
MONEY = [1200.5, 800.25, 950.75] * 20
CROSS, BINARY = "softmax_cross_entropy", "binary_cross_entropy"

MISFITS = {
    "more classes than units": (
        lambda folder: spec_of(folder, csv_of(folder, THREE), 2, CROSS),
        2,
        "/training/loss: the target has 3 classes (maybe, no, yes), but this loss and an output of"
        " shape (2,) can represent only 2; use 3 units: --set network.layers.dense_1.units=3",
    ),
    "three classes, one unit": (
        lambda folder: spec_of(folder, csv_of(folder, THREE), 1, BINARY),
        2,
        "/training/loss: the target has 3 classes (maybe, no, yes), but this loss and an output of"
        " shape (1,) can represent only 2; use softmax cross-entropy with 3 units: --set"
        " training.loss=softmax_cross_entropy --set network.layers.dense_1.units=3",
    ),
    "three classes, three units, the loss of two": (
        lambda folder: spec_of(folder, csv_of(folder, THREE), 3, BINARY),
        2,
        "use softmax cross-entropy with 3 units: --set training.loss=softmax_cross_entropy",
    ),
    "labels from 1 to 5": (
        lambda folder: spec_of(folder, csv_of(folder, FIVE), 5, CROSS, ["accuracy"]),
        3,
        "data.csv, line 6, column 'answer': 5 is not an integer label from 0 to 4, for outputs of 5"
        " classes; if the target is a class, use --set data.target_type=class",
    ),
    "labels from 1 to 5 and too few units": (
        lambda folder: spec_of(folder, csv_of(folder, FIVE), 3, CROSS),
        3,
        "use --set data.target_type=class --set network.layers.dense_1.units=5",
    ),
    "labels 1 and 2 for one unit": (
        lambda folder: spec_of(folder, csv_of(folder, [1, 2] * 30), 1, BINARY),
        3,
        "data.csv, line 3, column 'answer': 2 is not a number from 0 to 1; if the target is a"
        " class, use --set data.target_type=class",
    ),
    "labels from 1 in an array": (
        lambda folder: spec_of(folder, npz_of(folder, np.array(FIVE)), 5, CROSS),
        2,
        "the target has 6 classes (0, 1, 2, 3, 4, 5), but this loss and an output of shape (5,) can"
        " represent only 5; save labels that count from 1 as y - 1; otherwise use 6 units:"
        " --set network.layers.dense_1.units=6",
    ),
    "numbers for a loss of classes": (
        lambda folder: spec_of(folder, npz_of(folder, np.array(MONEY)), 2, CROSS),
        3,
        "data.npz, array 'y', row 0 (counted from 0): 1200.5 is not an integer label from 0 to 1,"
        " for outputs of 2 classes; to predict numbers,"
        " use --set training.loss=mse --set network.layers.dense_1.units=1",
    ),
    "an input of another shape": (
        lambda folder: reshaped(spec_of(folder, csv_of(folder, MONEY), 1, "mse"), [3]),
        2,
        "/network/input_shape: the input 'input' has the shape (3,) in the spec, but (2,) in the"
        " data; use --set network.input_shape=[2]",
    ),
}


def reshaped(path, shape):
    spec = json.loads(path.read_text())
    spec["network"]["input_shape"] = shape
    path.write_text(json.dumps(spec))
    return path


def remedy_of(message):
    """The options that a message suggests."""
    return shlex.split(" ".join(re.findall(r"--set \S+", message)))


@pytest.mark.parametrize(("make", "code", "message"), MISFITS.values(), ids=MISFITS.keys())
def test_a_misfit_is_found_and_its_remedy_trains(tinynet, folder, make, code, message):
    spec = make(folder)
    checked = tinynet("check", spec)
    assert (checked.code, checked.out) == (code, "")
    assert message in checked.err
    assert re.match(r".*spec\.json:\d+:\d+: /", checked.err)
    assert "^" in checked.err
    trained = tinynet("train", spec)
    assert (trained.code, trained.err) == (code, checked.err), "train says the same"
    assert not Path("runs").exists()
    fixed = remedy_of(message)
    assert fixed
    assert tinynet("check", spec, *fixed).code == 0
    assert tinynet("train", spec, "--quiet", *fixed).code == 0


def test_every_metric_that_does_not_fit_is_listed_with_the_row(tinynet, folder):
    metrics = ["accuracy", "mae", "f1"]
    spec = spec_of(folder, npz_of(folder, np.array(MONEY)), 1, "mse", metrics)
    result = tinynet("check", spec, "--json")
    assert result.code == 3
    problems = result.json["error"]["problems"]
    assert [problem["pointer"] for problem in problems] == [
        "/training/metrics/0",
        "/training/metrics/2",
    ]
    for problem, name in zip(problems, ("accuracy", "f1"), strict=True):
        assert problem["line"] is not None
        assert re.search(
            rf"the metric '{name}': .*data\.npz.*: [\d.]+ is not a number from 0 to 1; the metric"
            ' compares classes; for a target that is a number use "mae" or "r2"',
            problem["message"],
        )
    assert tinynet("check", spec, "--set", 'training.metrics=["mae", "r2"]').code == 0


def test_a_metric_of_numbers_on_classes_names_metrics_of_classes(tinynet, folder):
    spec = spec_of(folder, csv_of(folder, THREE), 3, CROSS, ["mae"])
    result = tinynet("check", spec)
    assert result.code == 3
    assert 'compares numbers; for classes use "accuracy" or "f1"' in result.err
    assert tinynet("check", spec, "--set", 'training.metrics=["accuracy", "f1"]').code == 0


def test_top_k_of_too_few_classes_says_which_k_works(tinynet, folder):
    spec = spec_of(folder, csv_of(folder, THREE), 3, CROSS, ["top_k_accuracy"])
    assert 'set "k" to at most 3' in tinynet("check", spec).err
    assert tinynet("check", spec, "--set", "training.metrics.0.k=3").code == 0


def test_labels_with_an_axis_of_their_own_are_saved_without_it(tinynet, folder):
    y = np.array([0, 1] * 20)
    spec = spec_of(folder, npz_of(folder, y[:, None]), 2, CROSS)
    result = tinynet("check", spec)
    assert result.code == 2
    assert "an output of shape (2,) with a target of shape (1,)" in result.err
    assert "save the labels without their last axis, with the shape (samples,)" in result.err
    npz_of(folder, y)
    assert tinynet("check", spec).code == 0


def test_a_missing_file_is_a_problem_and_no_data_skips_it(tinynet, folder):
    spec = reshaped(spec_of(folder, csv_of(folder, THREE), 3, CROSS), [2])
    (folder / "data.csv").unlink()
    result = tinynet("check", spec)
    assert result.code == 3
    assert "data.csv" in result.err
    command = result.err.splitlines()[-1].strip().removeprefix("to check the spec alone: tinynet ")
    alone = tinynet(*shlex.split(command))
    assert alone.code == 0
    assert "data:" not in alone.out
    assert tinynet(*shlex.split(command), "--json").json["splits"] is None


def test_the_command_without_data_has_the_options_it_needs(tinynet, folder):
    spec = spec_of(folder, csv_of(folder, THREE), 3, CROSS)
    (folder / "data.csv").unlink()
    assert "--no-data" not in tinynet("check", spec).err, "it would fail without an input_shape"
    result = tinynet(
        "check", spec, "--set", "network.input_shape=[2]", "--set", "data.path=a b.csv"
    )
    command = result.err.splitlines()[-1].strip().removeprefix("to check the spec alone: tinynet ")
    assert tinynet(*shlex.split(command)).code == 0


def test_a_spec_without_data_is_said_to_have_none(tinynet, folder):
    spec = reshaped(spec_of(folder, {}, 3, CROSS), [2])
    content = json.loads(spec.read_text())
    del content["data"]
    spec.write_text(json.dumps(content))
    result = tinynet("check", spec)
    assert result.code == 0
    assert result.out.endswith('The spec has no "data", which train needs.\n')


def test_without_data_the_input_shape_must_be_in_the_spec(tinynet, folder):
    spec = spec_of(folder, csv_of(folder, THREE), 3, CROSS)
    result = tinynet("check", spec, "--no-data")
    assert result.code == 2
    assert 'add "input_shape", or leave out --no-data' in result.err
    assert tinynet("check", spec, "--no-data", "--set", "network.input_shape=[2]").code == 0


def test_an_empty_split_that_is_watched_is_found(tinynet, folder):
    spec = spec_of(folder, csv_of(folder, THREE), 3, CROSS, early_stopping={})
    assert tinynet("check", spec).code == 0
    assert tinynet("check", spec, "--set", "data.split.validation=0").code == 3


def test_checking_writes_nothing(tinynet, folder):
    spec = spec_of(folder, csv_of(folder, THREE), 3, CROSS)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    assert tinynet("check", spec).code == 0
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_warnings_of_check_are_those_of_train(tinynet, folder):
    spec = spec_of(folder, npz_of(folder, np.array(MONEY)), 1, "mse")
    checked = tinynet("check", spec)
    assert checked.code == 0
    (warning,) = [line for line in checked.err.splitlines() if line.startswith("warning: ")]
    assert re.match(rf"warning: {spec}:\d+:\d+: /data/transforms: the target 'target' is", warning)
    trained = tinynet("train", spec)
    assert [line for line in trained.err.splitlines() if "warning" in line] == [warning]
    data = tinynet("check", spec, "--json").json
    assert data["ok"]
    assert [w["pointer"] for w in data["warnings"]] == ["/data/transforms"]
    assert data["warnings"][0]["line"] is not None


def test_labels_that_count_from_1_fit_once_they_are_lowered(tinynet, folder):
    spec = spec_of(folder, npz_of(folder, np.array(FIVE)), 5, CROSS)
    assert "save labels that count from 1 as y - 1" in tinynet("check", spec).err
    npz_of(folder, np.array(FIVE) - 1)
    assert tinynet("check", spec).code == 0
