"""State that a checkpoint cannot hold is refused before the folder of a run exists."""

import os
from dataclasses import replace

import numpy as np
import pytest

import tinynet
from tinynet import registry
from tinynet.archive.header import MAX_TENSORS
from tinynet.builtin.metrics.accuracy import Accuracy
from tinynet.builtin.optimizers.sgd import SGD
from tinynet.checkpoint.trial import require_loadable
from tinynet.dataset import Batch, DatasetConfig, Field
from tinynet.errors import DataError, PluginError, SpecError
from tinynet.run.session import draft_checkpoint
from tinynet.training.events import StepDone

SPEC = {
    "tinynet": 1,
    "name": "trial",
    "data": {"type": "digits", "split": {"validation": 60, "test": 1637}},
    "network": {"layers": ["flatten", {"type": "dense", "units": 10}]},
    "training": {
        "steps": 2,
        "batch_size": 16,
        "loss": "softmax_cross_entropy",
        "optimizer": {"type": "sgd", "learning_rate": 0.001, "momentum": 0.9},
        "metrics": ["accuracy"],
    },
}
NAMES = tuple(map(str, range(300_000)))


class Wide:
    """A dataset with more names than a checkpoint can hold."""

    inputs: dict
    targets: dict

    class Config(DatasetConfig):
        pass

    def __init__(self, config):
        self.fingerprint = "wide"

    def __len__(self):
        return 4

    def gather(self, indices):
        shapes = {name: field.shape for name, field in self.inputs.items()}
        inputs = {name: np.zeros((len(indices), *shape)) for name, shape in shapes.items()}
        return Batch(inputs, {"target": indices % 2})


@pytest.mark.parametrize(
    ("inputs", "targets", "message"),
    [
        (
            Field(np.shape(NAMES), "float64", names=NAMES),
            Field((), "int64", ("a", "b")),
            "'input' has 300,000 named features: choose some with \"features\", or .* .npy file",
        ),
        (
            Field((2,), "float64"),
            Field((), "int64", NAMES),
            '\'target\' has 300,000 classes: if they are numbers, set "target_type": "number"',
        ),
    ],
)
def test_too_many_names_are_refused(register, monkeypatch, tmp_path, inputs, targets, message):
    """A run with a million columns must not fail at its first save."""
    register("datasets", "wide", Wide)
    monkeypatch.setattr(Wide, "inputs", {"input": inputs}, raising=False)
    monkeypatch.setattr(Wide, "targets", {"target": targets}, raising=False)
    units = len(targets.classes)
    spec = {
        **SPEC,
        "data": {"type": "wide", "split": {"validation": 0, "test": 0}},
        "network": {"layers": [{"type": "dense", "units": units}]},
    }
    with pytest.raises(DataError, match=message):
        tinynet.train(spec, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_too_many_tensors_are_refused():
    start = draft_checkpoint(tinynet.Trainer(SPEC))
    require_loadable(start)
    one = np.zeros(1)
    many = replace(start, tensors={f"params/{i}/weight": one for i in range(MAX_TENSORS + 1)})
    with pytest.raises(SpecError, match="cannot be saved: 65,537 tensors; at most 65,536"):
        require_loadable(many)


def test_defaults_that_loading_fills_in_are_accepted():
    """An embedding names its initializer, whose own defaults are read with the checkpoint."""
    layers = [{"type": "embedding", "input_dim": 300, "output_dim": 2}, "flatten"]
    network = {"layers": ["flatten", *layers, {"type": "dense", "units": 10}]}
    require_loadable(draft_checkpoint(tinynet.Trainer({**SPEC, "network": network})))


def test_a_folder_whose_name_is_not_text_is_refused():
    start = draft_checkpoint(tinynet.Trainer(SPEC))
    root = os.fsdecode(b"/data-\xff")
    with pytest.raises(DataError, match="is not UTF-8; rename that folder"):
        require_loadable(replace(start, data=replace(start.data, root=root)))


class Own(SGD):
    """An optimizer of a distribution of another version."""


@pytest.mark.parametrize("version", ["1.0 beta", "", "1.0; rm -rf /", None])
def test_a_version_that_cannot_be_recorded_is_refused(register, monkeypatch, tmp_path, version):
    """The version becomes part of a shell command, so its characters are restricted."""
    register("optimizers", "own", Own)
    installed = [e for group in registry.GROUPS for e in registry.default().entries(group)]
    entries = [replace(e, version=version) if e.name == "own" else e for e in installed]
    changed = registry.Registry(entries)
    monkeypatch.setattr(registry, "default", lambda: changed)
    with pytest.raises(PluginError, match="test-plugin:own: a checkpoint cannot record"):
        tinynet.train(SPEC, tmp_path / "run", overrides={"training.optimizer.type": "own"})
    assert not (tmp_path / "run").exists()


class Growing(Accuracy):
    """A metric whose state grows, so that a new one cannot load it."""

    def update(self, state, predictions, targets):
        super().update(state, predictions, targets)
        state["count"] = np.append(state["count"], 0.0)


class Widening(SGD):
    """An optimizer that makes new slots, of another dtype."""

    def update(self, param, grad, slots, step, rate):
        slots["velocity"] = slots["velocity"] * np.ones(1, np.float64)

    def update_with(self, kernels, param, grad, slots, step, rate):
        self.update(param, grad, slots, step, rate)


class Late(Widening):
    """The same, from the second step on."""

    def update(self, param, grad, slots, step, rate):
        if step > 1:
            super().update(param, grad, slots, step, rate)


@pytest.mark.parametrize(
    ("group", "cls", "change", "message"),
    [
        (
            "metrics",
            Growing,
            {"training.metrics": ["own"]},
            r"/training/metrics/0: test-plugin:own .*: update must change the arrays .* in place,"
            r" .*: 'count' was int64 \(\), and is float64 \(2,\)",
        ),
        (
            "optimizers",
            Widening,
            {"training.optimizer.type": "own"},
            r"/training/optimizer: test-plugin:own .*: update must .*: 'velocity' was float32"
            r" \(10,\), and is float64 \(10,\)",
        ),
    ],
)
def test_a_state_that_does_not_keep_its_layout_is_refused(
    register, tmp_path, group, cls, change, message
):
    """A checkpoint in the middle of an epoch would not fit the resumed run."""
    register(group, "own", cls)
    with pytest.raises(PluginError, match=message):
        tinynet.train(SPEC, tmp_path / "run", overrides=change)
    assert not (tmp_path / "run").exists()


def test_a_state_that_changes_its_layout_later_is_not_saved(register, tmp_path):
    """Earlier checkpoints stay intact; an unreadable one is never written."""
    register("optimizers", "own", Late)
    change = {"training.optimizer.type": "own", "training.checkpoint.every_steps": 1}
    steps = []
    with pytest.raises(PluginError, match=r"in place, .*: 'slots/dense_1/bias/velocity' was"):
        tinynet.train(
            SPEC,
            tmp_path / "run",
            overrides=change,
            observer=lambda e: steps.append(e.step) if isinstance(e, StepDone) else None,
        )
    assert steps == [1, 2]
    assert tinynet.resume(tmp_path / "run", overrides={"training.steps": 1}).step == 1
