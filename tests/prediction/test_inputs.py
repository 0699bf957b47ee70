"""Input files of models whose dataset is a plugin."""

import numpy as np
import pytest

import tinynet
from tinynet.dataset import Batch, DatasetConfig, Field
from tinynet.errors import DataError, PluginError

NAMES = ("width", "height")


class Plain:
    """A dataset that cannot read files."""

    class Config(DatasetConfig):
        pass

    fingerprint = "1"

    def __init__(self, config):
        self.inputs = {"flower": Field((2,), "float32", names=NAMES)}
        self.targets = {"kind": Field((), "int64", classes=("lily", "rose"))}

    def __len__(self):
        return 20

    def gather(self, indices):
        x = np.stack([indices % 2, 1 - indices % 2], axis=1).astype(np.float32)
        return Batch({"flower": x}, {"kind": np.asarray(indices) % 2})


class Reading(Plain):
    """A dataset that reads its own files, with two numbers per line."""

    input_endings = (".flower", ".npy")
    returned = None

    @classmethod
    def read_inputs(cls, config, path, fields):
        if cls.returned is not None:
            return cls.returned()
        with open(path) as file:
            return {"flower": np.array([line.split() for line in file], np.float32)}


@pytest.fixture
def load(register, tmp_path, monkeypatch):
    """Return a function that trains on a plugin's dataset and loads the model."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.flower").touch()

    def load(cls):
        register("datasets", "flowers", cls)
        spec = {
            "tinynet": 1,
            "name": "flowers",
            "data": {"type": "flowers"},
            "network": {"layers": [{"type": "dense", "units": 2, "inputs": ["input:flower"]}]},
            "training": {
                "epochs": 50,
                "loss": "softmax_cross_entropy",
                "optimizer": {"type": "adam", "learning_rate": 0.1},
            },
        }
        return tinynet.load_model(tinynet.train(spec, tmp_path / "run").path)

    return load


def test_tinynet_reads_files_for_a_dataset_without_read_inputs(load, tmp_path):
    model = load(Plain)
    x = np.array([[1, 0], [0, 1]])
    np.save("x.npy", x)
    np.savez("x.npz", flower=x)
    (tmp_path / "x.csv").write_text("id,height,width\nA,0,1\nB,1,0\n")
    for name in ("x.npy", "x.npz", "x.csv"):
        assert model.predict(name).labels.tolist() == ["rose", "lily"]
    (tmp_path / "x.csv").write_text("height\n0\n")
    with pytest.raises(DataError, match="the header lacks 'width'; it names 'height'"):
        model.predict("x.csv")
    (tmp_path / "x.flower").write_text("1 0\n")
    with pytest.raises(DataError, match=r"x\.flower cannot be read; inputs are \.npy, \.npz"):
        model.predict("x.flower")


def test_dataset_reads_its_own_and_unknown_files(load, tmp_path):
    model = load(Reading)
    for name in ("x.flower", "x.npy", "x.data", "flowers"):
        (tmp_path / name).write_text("1 0\n0 1\n")
        assert model.predict(name).labels.tolist() == ["rose", "lily"]
    np.savez("x.npz", flower=np.array([[1, 0]]))
    assert model.predict("x.npz").labels.tolist() == ["rose"]


@pytest.mark.parametrize(
    "returned",
    [lambda: [1, 2], lambda: {"flowers": np.ones((1, 2))}, lambda: {"flower": [[1, 2]]},
     lambda: 1 / 0],
)  # fmt: skip
def test_error_names_the_plugin_with_invalid_inputs(load, monkeypatch, returned):
    model = load(Reading)
    monkeypatch.setattr(Reading, "returned", staticmethod(returned))
    with pytest.raises(PluginError, match=r"test-plugin:flowers .*: read_inputs (must|raised)"):
        model.predict("x.flower")


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.ones((3, 4)), r"x\.flower has shape \(3, 4\), but the model expects \(N, 2\)"),
        (np.array([[1, np.nan]]), "every number must be finite"),
        (np.array([[1, 1e39]]), r"x\.flower holds 1e\+39, which is too large for float32"),
    ],
)
def test_inputs_read_by_a_plugin_are_checked(load, monkeypatch, array, message):
    model = load(Reading)
    monkeypatch.setattr(Reading, "returned", staticmethod(lambda: {"flower": array}))
    with pytest.raises(DataError, match=message):
        model.predict("x.flower")
