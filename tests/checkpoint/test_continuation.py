"""Resuming with another environment or a changed spec: warnings, refusals and resets."""

import shutil

import numpy as np
import pytest

import tinynet
from tinynet.checkpoint import environment as environments
from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.errors import (
    CheckpointMismatchError,
    SpecError,
)
from tinynet.kernels.numpy import NumpyKernels

from .conftest import SPEC, alter, files

# Environment ------------------------------------------------------------------------------------


def test_the_environment_has_every_part_that_affects_rounding():
    parts = environments.environment(NumpyKernels())
    assert all(parts.values())
    assert parts["kernels"].startswith("tinynet-core:numpy ")
    assert parts["numpy"] == np.__version__
    assert {"blas", "cpu", "machine", "python", "system", "tinynet"} <= parts.keys()


@pytest.mark.parametrize("part", ["tinynet", "python", "numpy", "blas", "machine", "kernels"])
def test_another_environment_warns_or_is_refused_by_exact(run, part):
    path = files(run)[-1]
    alter(path, environment={**Checkpoint.read(path).environment, part: "other"})
    longer = {"training.epochs": 3}
    before = path.read_bytes()
    with pytest.raises(CheckpointMismatchError, match=f"{part} was other, and is"):
        tinynet.resume(run, overrides=longer, exact=True)
    with pytest.raises(CheckpointMismatchError, match=f"{part} was other, and is"):
        tinynet.train(SPEC, run, resume=True, exact=True)
    assert path.read_bytes() == before
    with pytest.warns(UserWarning, match=f"{part} was other, and is"):
        tinynet.resume(run, overrides=longer)
    origin = Checkpoint.read(files(run)[-1]).lineage[-1]
    assert origin["exact"] is False
    assert f"{part} was other" in origin["reasons"][0]


def test_the_same_environment_is_exact(run):
    tinynet.resume(run, overrides={"training.epochs": 3}, exact=True)
    origin = Checkpoint.read(files(run)[-1]).lineage[-1]
    assert origin["exact"] is True
    assert origin["reasons"] == []


# Changes of the spec ----------------------------------------------------------------------------


def test_key_that_is_newer_than_a_run_is_no_change_of_its_spec(run):
    """Otherwise no run of an earlier version could be trained longer."""
    path = files(run)[-1]
    recorded = Checkpoint.read(path).spec
    training = {key: value for key, value in recorded["training"].items() if key != "accumulate"}
    initializer = {"type": "uniform"}  # recorded without its range by an earlier version
    layers = [dict(layer) for layer in recorded["network"]["layers"]]
    layers[-1]["weight_initializer"] = initializer
    network = {**recorded["network"], "layers": layers}
    alter(path, spec={**recorded, "training": training, "network": network})
    with pytest.warns(UserWarning, match="the run uses the spec in its checkpoint"):
        tinynet.resume(run, overrides={"training.epochs": 3})
    assert Checkpoint.read(files(run)[-1]).progress.epoch == 3


def test_another_optimizer_is_reset_and_counts_its_own_steps(run):
    """Adam's bias correction depends on the steps since its moments were reset."""
    reached = Checkpoint.read(files(run)[-1]).progress.step
    other = {"training.optimizer": {"type": "adam"}, "training.epochs": 3}
    with pytest.raises(CheckpointMismatchError, match="--allow-reset"):
        tinynet.resume(run, overrides=other)
    with pytest.warns(UserWarning, match="reset the optimizer's state"):
        tinynet.resume(run, overrides=other, allow_reset=True)
    newest = Checkpoint.read(files(run)[-1])
    assert newest.progress.optimizer_start == reached
    assert any(name.startswith("slots/dense_1/weight/") for name in newest.tensors)
    noted = {change["pointer"]: change["effect"] for change in newest.lineage[-1]["changes"]}
    assert noted["/training/optimizer/type"] == "resets state"
    assert noted["/training/epochs"] == "safe"


def test_a_run_with_a_reset_optimizer_is_resumed_exactly(run, tmp_path):
    again = shutil.copytree(run, tmp_path / "again")
    other = {"training.optimizer": {"type": "adam"}}
    with pytest.warns(UserWarning, match="reset"):
        whole = tinynet.resume(run, overrides={**other, "training.epochs": 4}, allow_reset=True)
    with pytest.warns(UserWarning, match="reset"):
        tinynet.resume(again, overrides={**other, "training.epochs": 3}, allow_reset=True)
    resumed = tinynet.resume(again, overrides={"training.epochs": 4})
    for name, array in whole.network.params.items():
        assert array.tobytes() == resumed.network.params[name].tobytes()


def test_another_best_metric_resets_the_best(run):
    best = {"metric": "val/loss"}
    tinynet.resume(run, overrides={"training.epochs": 3, "training.checkpoint.keep_best": best})
    assert Checkpoint.read(files(run)[-1]).progress.best is not None
    other = {"training.epochs": 4, "training.checkpoint.keep_best.metric": "val/accuracy"}
    with pytest.warns(UserWarning, match="reset which checkpoint is the best"):
        tinynet.resume(run, overrides=other, allow_reset=True)
    newest = Checkpoint.read(files(run)[-1])
    assert newest.progress.best.step == newest.progress.step


def test_more_metrics_reset_the_training_figures(run):
    other = {"training.epochs": 3, "training.metrics": ["accuracy", "f1"]}
    with pytest.raises(CheckpointMismatchError, match="the training figures"):
        tinynet.resume(run, overrides=other)
    with pytest.warns(UserWarning, match="reset the training figures"):
        tinynet.resume(run, overrides=other, allow_reset=True)


def test_a_run_cannot_be_shortened_below_its_step(run):
    with pytest.raises(SpecError, match=r"reached step 6.*, past its new end at step 3"):
        tinynet.resume(run, overrides={"training.epochs": 1})
