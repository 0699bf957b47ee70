"""An output without a loss, from the command line: checked, trained, predicted and exported."""

import json
from pathlib import Path

import numpy as np
import pytest

LAYERS = [
    {"type": "dense", "units": 5, "name": "features"},
    {"type": "dense", "units": 3, "name": "kind"},
]


@pytest.fixture
def spec():
    """A spec whose first layer is an output beside the trained one."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((40, 4)).astype(np.float32), rng.integers(3, size=40)
    np.savez("data.npz", x=x, y=y)
    np.save("new.npy", x[:5])
    path = Path("spec.json")
    path.write_text(
        json.dumps(
            {
                "tinynet": 1,
                "name": "untrained",
                "data": {"type": "npz", "path": "data.npz", "split": {"test": 10}},
                "network": {
                    "input_shape": [4],
                    "layers": LAYERS,
                    "outputs": ["features", "kind"],
                },
                "training": {
                    "epochs": 1,
                    "loss": {"kind": "softmax_cross_entropy"},
                    "optimizer": "sgd",
                },
            }
        )
    )
    return path


def test_its_values_are_predicted_beside_the_labels(tinynet, spec):
    for command in ("check", "summary"):
        result = tinynet(command, spec)
        assert result.code == 0
        assert "outputs without a loss, which are predicted and not trained: features" in result.out
    assert tinynet("summary", spec, "--json").json["untrained_outputs"] == ["features"]
    assert tinynet("train", spec, "--run", "run", "--quiet").code == 0
    outputs = tinynet("predict", "run", "new.npy", "--json").json["outputs"]
    assert np.shape(outputs["features"]["outputs"]) == (5, 5)
    assert outputs["kind"].keys() == {"classes", "labels", "probabilities"}
    assert tinynet("evaluate", "run", "--json").json["metrics"].keys() == {"loss"}
    assert tinynet("verify-resume", spec, "--json").json["exact"] is True


def test_its_parameters_are_exported_and_carried_over(tinynet, spec):
    assert tinynet("train", spec, "--run", "run", "--quiet").code == 0
    assert tinynet("export", "run", "-o", "weights.npz").code == 0
    with np.load("weights.npz") as weights:
        assert "kind/weight" in weights
    plan = tinynet("train", spec, "--from", "run", "--plan", "--json")
    assert {tensor["action"] for tensor in plan.json["tensors"]} == {"carried"}
