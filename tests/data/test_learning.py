"""Datasets that learn from the training split, and that infer what their config leaves open."""

import json
from pathlib import Path

import numpy as np
import pytest

import tinynet
from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.commands.check import check_spec
from tinynet.data.data import Data
from tinynet.dataset import Batch, DatasetConfig, Field
from tinynet.errors import PluginError
from tinynet.spec.data_spec import DataSpec


class Centered:
    """A dataset of numbers from a file, minus their mean; it infers the unit of its numbers."""

    class Config(DatasetConfig):
        path: str
        inferred: dict[str, str] | None = None

    def __init__(self, config, state=None):
        self.config = config
        self.values = np.array(json.loads(Path(config.path).read_text()), np.float64)
        self.mean = self.values.mean() if state is None else state["mean"]
        self.inputs = {"input": Field((1,), "float64")}
        self.targets = {"target": Field((1,), "float64")}
        self.fingerprint = f"{self.values.tolist()}"
        self.inferred = config.inferred or {"unit": "large" if self.values.max() > 9 else "small"}

    def __len__(self):
        return len(self.values)

    def learn(self, indices):
        return {"mean": self.values[indices].mean()[None]}

    def with_state(self, state):
        return Centered(self.config, state)

    def gather(self, indices):
        x = (self.values[indices] - self.mean)[:, None]
        return Batch({"input": x}, {"target": x.copy()})

    def description(self):
        return [f"numbers: {self.inferred['unit']}"]


@pytest.fixture
def path(register, tmp_path):
    register("datasets", "centered", Centered)
    (tmp_path / "numbers.json").write_text(json.dumps(list(range(10))))
    return str(tmp_path / "numbers.json")


def opened(path, fitted=None, **data):
    split = {"order": "as_is", "validation": 2, "test": 2} if "split" not in data else {}
    spec = {"type": "centered", "path": path, **({"split": split} if split else {}), **data}
    return Data(DataSpec.model_validate(spec), Path(path).parent, 0, fitted)


def test_the_state_is_learned_from_the_training_split_alone(path):
    data = opened(path)
    assert data.state().keys() == {"dataset/mean"}
    assert data.state()["dataset/mean"] == np.arange(6).mean()
    for split, expected in (("train", np.arange(6)), ("test", [8, 9])):
        batch = data.batch(split, np.arange(len(expected)))
        assert batch.inputs["input"][:, 0].tolist() == (np.array(expected) - 2.5).tolist()


def test_other_validation_samples_leave_the_state_as_it_is(path):
    before = opened(path).state()
    Path(path).write_text(json.dumps([*range(6), 100, 200, 8, 9]))
    assert opened(path).state() == before


def test_separate_files_are_encoded_by_the_same_state(path, tmp_path):
    (tmp_path / "test.json").write_text("[50, 60]")
    test = {"type": "centered", "path": str(tmp_path / "test.json")}
    data = opened(path, split={"order": "as_is", "validation": 4}, test=test)
    assert data.batch("test", np.arange(2)).inputs["input"].tolist() == [[47.5], [57.5]]


def test_separate_files_are_read_as_the_main_one(path, tmp_path):
    """Else a file of small numbers would be read in another unit."""
    (tmp_path / "test.json").write_text("[50, 60]")
    test = {"type": "centered", "path": str(tmp_path / "test.json")}
    data = opened(path, split={"validation": 2}, test=test)
    assert data.inferred == {"data": {"unit": "small"}, "data.test": {"unit": "small"}}


def test_a_saved_state_is_used_instead_of_the_data(path):
    data = opened(path, fitted={"dataset/mean": np.array([1.0])})
    assert data.batch("train", np.arange(1)).inputs["input"] == [[-1.0]]


def test_a_state_that_no_checkpoint_can_hold_is_the_fault_of_the_dataset(path, monkeypatch):
    monkeypatch.setattr(Centered, "learn", lambda self, indices: {"mean": "large"})
    with pytest.raises(PluginError, match="learn must return a dict of arrays"):
        opened(path)
    monkeypatch.setattr(Centered, "learn", lambda self, indices: {"a/b": np.ones(1)})
    with pytest.raises(PluginError, match="names without '/'"):
        opened(path)


SPEC = {
    "tinynet": 1,
    "name": "centered",
    "network": {"layers": [{"type": "dense", "units": 1}]},
    "training": {
        "epochs": 2,
        "batch_size": 4,
        "loss": "mse",
        "optimizer": {"type": "sgd", "learning_rate": 0.001},
    },
}


@pytest.fixture
def spec(path, tmp_path):
    split = {"order": "as_is", "validation": 2, "test": 2}
    data = {"type": "centered", "path": path, "split": split}
    file = tmp_path / "spec.json"
    file.write_text(json.dumps({**SPEC, "data": data}))
    return file


def test_a_run_keeps_the_state_and_the_inferred_values(spec, tmp_path):
    run = tinynet.train(spec, tmp_path / "run")
    checkpoint = Checkpoint.read(run.checkpoints[-1])
    assert checkpoint.transforms["dataset/mean"] == [2.5]
    assert checkpoint.spec["data"]["inferred"] == {"unit": "small"}
    assert json.loads((run.path / "spec.json").read_text())["data"]["inferred"]
    resumed = tinynet.resume(run.path, overrides={"training.epochs": 3}, exact=True)
    assert resumed.step == 6
    assert tinynet.load_model(run.path).learned["mean"] == [2.5]
    assert tinynet.evaluate(run.path)["loss"] > 0


def test_the_same_command_resumes_a_run_with_inferred_values(spec, tmp_path):
    """The spec of the user lacks them, that of the checkpoint has them."""
    tinynet.train(spec, tmp_path / "run")
    again = tinynet.train(
        spec, tmp_path / "run", resume=True, exact=True, overrides={"training.epochs": 3}
    )
    assert again.step == 6
    whole = tinynet.train(spec, tmp_path / "whole", overrides={"training.epochs": 3})
    one, other = (Checkpoint.read(run.checkpoints[-1]) for run in (again, whole))
    assert one.spec == other.spec
    assert all(np.array_equal(array, other.tensors[name]) for name, array in one.tensors.items())


def test_check_has_the_description(spec):
    assert check_spec(spec).description == ("numbers: small",)
