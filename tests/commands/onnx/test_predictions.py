"""Exported models of trained runs give the predictions of `load_model(run).predict`."""

import json

import numpy as np
import pytest

import tinynet

from .running import onnxruntime

pytestmark = pytest.mark.extra

DRAW = np.random.default_rng(0)
ROWS = DRAW.normal(50, 20, size=(60, 3)).round(2)
WORDS = np.array(["low", "middle", "high"])[np.digitize(ROWS[:, 0], [40, 60])]


def predicted(run, raw, tmp_path):
    """Export a run, and return the outputs of the file and the predictions of the run."""
    from tinynet.commands.onnx.export import export_onnx

    path = tmp_path / "model.onnx"
    export_onnx(run, path, warn=pytest.fail)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    inputs = {part.name: raw[part.name] for part in session.get_inputs()}
    names = [part.name for part in session.get_outputs()]
    found = dict(zip(names, session.run(names, inputs), strict=True))
    return found, tinynet.load_model(run).predict(raw).sample_arrays()


def require_equal(found, expected):
    assert found
    for name, array in found.items():
        if array.dtype == object:
            assert array.tolist() == expected[name].tolist()
        else:
            assert array.dtype == np.float32
            np.testing.assert_allclose(array, expected[name], rtol=1e-4, atol=1e-5)


def table(tmp_path, **columns):
    header, rows = ",".join(columns), zip(*columns.values(), strict=True)
    text = "\n".join([header, *(",".join(map(str, row)) for row in rows)])
    (tmp_path / "table.csv").write_text(text + "\n")


def train(tmp_path, data, layers, loss, **training):
    spec = {
        "tinynet": 1,
        "name": "small",
        "data": data,
        "network": {"layers": layers} if isinstance(layers, list) else layers,
        "training": {"epochs": 2, "batch_size": 16, "optimizer": "adam", "loss": loss, **training},
    }
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    tinynet.train(tmp_path / "spec.json", run_dir=tmp_path / "run")
    return tmp_path / "run"


CSV = {"type": "csv", "path": "table.csv", "features": ["a", "b", "c"], "target": "y"}
NUMBERS = {"a": ROWS[:, 0], "b": ROWS[:, 1], "c": ROWS[:, 2]}


def test_labels_and_probabilities_of_classes(tmp_path):
    table(tmp_path, **NUMBERS, y=WORDS)
    data = {**CSV, "transforms": [{"type": "standardize"}]}
    run = train(tmp_path, data, [{"type": "dense", "units": 3}], "softmax_cross_entropy")
    found, expected = predicted(run, {"input": ROWS}, tmp_path)
    assert found.keys() == {"labels", "probabilities"} == expected.keys() - {"rows"}
    require_equal(found, expected)


@pytest.mark.parametrize("loss", ["binary_cross_entropy", "hinge"])
def test_one_unit_is_the_probability_of_the_second_class(tmp_path, loss):
    table(tmp_path, **NUMBERS, y=np.where(ROWS[:, 0] > 50, "yes", "no"))
    data = {**CSV, "transforms": [{"type": "standardize"}]}
    run = train(tmp_path, data, [{"type": "dense", "units": 1}], loss)
    found, expected = predicted(run, {"input": ROWS}, tmp_path)
    assert {*found["labels"].tolist()} == {"yes", "no"}
    assert found["probabilities"].shape == (60, 2)
    require_equal(found, expected)


def test_values_have_the_units_of_the_data(tmp_path):
    table(tmp_path, **NUMBERS, y=ROWS @ [10, 200, -30] + 5000)
    transforms = [
        {"type": "standardize", "on": ["input", "target"]},
        {"type": "scale", "factor": 0.5, "offset": 2, "on": "target"},
    ]
    run = train(tmp_path, {**CSV, "transforms": transforms}, [{"type": "dense", "units": 1}], "mse")
    found, expected = predicted(run, {"input": ROWS}, tmp_path)
    assert found.keys() == {"outputs"}
    assert found["outputs"].std() > 100
    require_equal(found, expected)


def test_several_outputs_share_layers_and_keep_their_names(tmp_path):
    table(tmp_path, **NUMBERS, kind=WORDS, size=ROWS[:, 1] * 1000)
    data = {
        **CSV, "target": {"kind": "kind", "size": "size"},
        "transforms": [{"type": "standardize", "on": ["input", "size"]}],
    }  # fmt: skip
    network = {
        "layers": [
            {"type": "dense", "units": 3, "name": "shared"},
            "tanh",
            {"shares": "shared", "name": "again"},
            {"type": "dense", "units": 3, "name": "kind"},
            {"type": "dense", "units": 1, "name": "size", "inputs": "tanh_1"},
        ],
        "outputs": ["kind", "size"],
    }
    loss = {"kind": "softmax_cross_entropy", "size": {"type": "mse"}}
    run = train(tmp_path, data, network, loss)
    found, expected = predicted(run, {"input": ROWS}, tmp_path)
    assert found.keys() == {"kind/labels", "kind/probabilities", "size/outputs"}
    require_equal(found, expected)


def test_images_are_cropped_normalized_and_labelled(tmp_path):
    data = {
        "type": "digits",
        "transforms": [
            {"type": "random_crop", "size": 6},
            {"type": "random_flip"},
            {"type": "scale", "factor": 0.0625},
        ],
    }
    layers = [
        {"type": "conv2d", "filters": 4, "kernel_size": 3, "padding": "same"},
        "batch_norm",
        "relu",
        {"type": "max_pool2d"},
        "flatten",
        {"type": "dropout", "rate": 0.5},
        {"type": "dense", "units": 10},
    ]
    average = {"type": "ema", "decay": 0.9}
    loss = "softmax_cross_entropy"
    run = train(tmp_path, data, layers, loss, batch_size=256, average=average)
    images = DRAW.integers(17, size=(5, 8, 8, 1)).astype(np.uint8)
    found, expected = predicted(run, {"input": images}, tmp_path)
    require_equal(found, expected)


def test_parametrized_and_tied_weights(tmp_path):
    network = {
        "layers": [
            "flatten",
            {"type": "scale", "name": "divide"},
            {"type": "dense", "units": 8, "name": "encoder"},
            "tanh",
            {
                "type": "dense", "units": 64, "name": "decoder",
                "shares": {"weight": "encoder/weight.T"},
            },
            {"type": "reshape", "target_shape": [8, 8, 1]},
        ],
        "parametrizations": [{"type": "weight_norm", "params": ["encoder/weight"]}],
    }  # fmt: skip
    data = {"type": "digits", "transforms": [{"type": "scale", "factor": 0.0625}]}
    loss = {"type": "mse", "target": "input"}
    run = train(tmp_path, data, network, loss, batch_size=256)
    images = DRAW.integers(17, size=(5, 8, 8, 1)).astype(np.uint8)
    found, expected = predicted(run, {"input": images}, tmp_path)
    require_equal(found, expected)


def test_several_labels_are_left_to_the_user_and_named(tmp_path):
    from tinynet.commands.onnx.export import export_onnx

    table(tmp_path, **NUMBERS, y=np.where(ROWS[:, 0] > 50, "warm|wet", "wet|windy"))
    columns = {"y": {"separator": "|"}}
    data = {**CSV, "columns": columns, "transforms": [{"type": "standardize"}]}
    run = train(tmp_path, data, [{"type": "dense", "units": 3}], "binary_cross_entropy")
    made = export_onnx(run, tmp_path / "model.onnx", warn=pytest.fail)
    assert made.outputs == {"probabilities": {"dtype": "float32", "shape": ["N", 3]}}
    assert "any number of labels for each sample" in made.notes[0]
    found, expected = predicted(run, {"input": ROWS}, tmp_path)
    require_equal(found, expected)
