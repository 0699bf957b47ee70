"""A finished run for the tests of checkpoints, and functions that change its files."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import tinynet
from tinynet import archive
from tinynet.checkpoint.checkpoint import Checkpoint

SPEC = {
    "tinynet": 1,
    "name": "small",
    "data": {"type": "digits", "transforms": ["standardize"]},
    "network": {"layers": ["flatten", {"type": "dense", "units": 10}]},
    "training": {
        "epochs": 2,
        "batch_size": 512,
        "loss": "softmax_cross_entropy",
        "optimizer": {"type": "sgd", "momentum": 0.9},
        "metrics": ["accuracy"],
    },
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "run"
    tinynet.train(SPEC, path)
    return path


@pytest.fixture
def run(trained, tmp_path):
    """A copy of a finished run, to be damaged."""
    return shutil.copytree(trained, tmp_path / "run")


def files(run: Path) -> list[Path]:
    return sorted((run / "checkpoints").glob("step-*.msgpack"))


def rewrite(path: Path, **changes) -> None:
    """Change sections or tensors of a file, with valid checksums."""
    content = archive.read(path)
    sections = {**content.sections, **changes.pop("sections", {})}
    tensors = {**content.tensors, **changes.pop("tensors", {})}
    archive.write(path, sections, tensors, run_id=content.run_id, step=content.step)


def alter(path: Path, **fields) -> None:
    """Change fields of a checkpoint, with valid hashes."""
    replace(Checkpoint.read(path), **fields).write(path)
