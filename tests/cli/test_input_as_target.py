"""Data without targets, from the command line: an autoencoder and a variational one."""

import json
from pathlib import Path

import numpy as np
import pytest

import tinynet as package

RNG = np.random.default_rng(0)
X = 50 + 10 * RNG.standard_normal((60, 6)) @ RNG.standard_normal((6, 6))

DATA = {
    "npz": {"type": "npz", "path": "data.npz", "targets": None},
    "npz with unused targets": {"type": "npz", "path": "data.npz", "inputs": "x", "targets": "y"},
    "npy": {"type": "npy", "inputs": "data.npy"},
    "named": {"type": "npz", "path": "data.npz", "inputs": {"image": "x"}, "targets": None},
}


@pytest.fixture(autouse=True)
def files(folder):
    np.savez("data.npz", x=X, y=np.arange(60) % 3, image=X)
    np.save("data.npy", X)
    np.savez("new.npz", x=X[:5])


def write(spec):
    path = Path(f"{spec['name']}.json")
    path.write_text(json.dumps(spec, indent=1))
    return path


def autoencoder(data, target="input"):
    name = (target or "input").removeprefix("input:")
    return {
        "tinynet": 1,
        "name": "autoencoder",
        "data": {**data, "transforms": [{"type": "standardize", "on": name}]},
        "network": {
            "dtype": "float64",
            "layers": [
                {"type": "dense", "units": 3, "inputs": target or "input"},
                "tanh",
                {"type": "dense", "units": 6},
            ],
        },
        "training": {
            "epochs": 30,
            "batch_size": 10,
            "loss": {"type": "mse", "target": target},
            "optimizer": {"type": "adam", "learning_rate": 0.03},
            "metrics": ["mae"],
        },
    }


@pytest.mark.parametrize("data", DATA.values(), ids=DATA)
def test_every_command_takes_an_input_as_target(tinynet, data):
    target = "input:image" if "image" in data.get("inputs", ()) else "input"
    path = write(autoencoder(data, target))
    for command in ("check", "summary"):
        assert tinynet(command, path).code == 0
    assert tinynet("train", path, "--run", "run", "--quiet").code == 0
    figures = tinynet("evaluate", "run", "--json").json["metrics"]
    assert figures.keys() == {"loss", "mae"}
    assert 0 < figures["loss"] < 0.5


def test_evaluation_and_prediction_agree_in_the_units_of_the_data(tinynet):
    path = write(autoencoder(DATA["npz"]))
    assert tinynet("train", path, "--run", "run", "--quiet").code == 0
    values = np.array(tinynet("predict", "run", "new.npz", "--json").json["outputs"])
    model = package.load_model("run")
    np.testing.assert_allclose(values, model.predict(X[:5]).values, rtol=1e-12)

    splits = package.Trainer(path).data.splits
    rows = splits["test"].indices
    residual = (model.predict(X[rows]).values - X[rows]) / X[splits["train"].indices].std(axis=0)
    loss = tinynet("evaluate", "run", "--json").json["metrics"]["loss"]
    assert loss == pytest.approx(np.mean(residual**2), rel=1e-9)


def variational(data):
    return {
        "tinynet": 1,
        "name": "variational",
        "data": data,
        "network": {
            "layers": [
                {"type": "layer_norm", "name": "scaled"},
                {"type": "dense", "units": 2, "name": "mean"},
                {"type": "dense", "units": 2, "name": "log_variance", "inputs": "scaled"},
                {"type": "gaussian_sampling", "inputs": ["mean", "log_variance"]},
                {"type": "dense", "units": 6, "name": "image"},
            ],
            "outputs": ["mean", "log_variance", "image"],
        },
        "training": {
            "epochs": 2,
            "loss": {
                "mean+log_variance": {"type": "standard_normal_kl", "weight": 0.1},
                "image": {"type": "mse", "target": "input"},
            },
            "optimizer": "adam",
        },
    }


def test_a_variational_autoencoder_needs_no_targets(tinynet):
    path = write(variational(DATA["npy"]))
    assert tinynet("check", path).code == 0
    assert tinynet("train", path, "--run", "run", "--quiet").code == 0
    figures = tinynet("evaluate", "run", "--json").json["metrics"]
    assert figures.keys() == {"loss", "mean+log_variance/loss", "image/loss"}
    total = 0.1 * figures["mean+log_variance/loss"] + figures["image/loss"]
    assert figures["loss"] == pytest.approx(total, rel=1e-6)
    outputs = tinynet("predict", "run", "data.npy", "--json").json["outputs"]
    shapes = {name: np.shape(output["outputs"]) for name, output in outputs.items()}
    assert shapes == {"mean": (60, 2), "log_variance": (60, 2), "image": (60, 6)}
    again = tinynet("predict", "run", "data.npy", "--json").json["outputs"]
    assert again == outputs  # nothing is drawn
    assert tinynet("verify-resume", path, "--json").json["exact"] is True


def test_a_loss_that_needs_targets_says_what_to_do(tinynet):
    result = tinynet("check", write(autoencoder(DATA["npz"], None)))
    assert result.code == 2
    assert "the data have no targets: name an input as 'target' (to reconstruct it), or use" in (
        result.err
    )


def test_a_file_without_the_array_of_targets_says_what_to_do(tinynet):
    np.savez("data.npz", x=X)
    result = tinynet("check", write(autoencoder({"type": "npz", "path": "data.npz"})))
    assert result.code == 3
    assert "has no array 'y'; set \"targets\" to names of its arrays: x; for data without" in (
        result.err
    )
    assert tinynet("check", "autoencoder.json", "--set", "data.targets=null").code == 0
