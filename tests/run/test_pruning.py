"""Old checkpoints are removed, those of other runs never, and files are not read again for that."""

import shutil

import numpy as np
import pytest

import tinynet
from tinynet import archive
from tinynet.run.folder import RunFolder

SPEC = {
    "tinynet": 1,
    "name": "pruned",
    "network": {"layers": [{"type": "dense", "units": 2}]},
    "training": {"epochs": 6, "batch_size": 8, "loss": "mse", "optimizer": "sgd"},
}


@pytest.fixture
def train(tmp_path):
    def run(name):
        x = np.random.default_rng(0).normal(size=(8, 3)).astype("f")
        tinynet.train(SPEC, tmp_path / name, data=(x, x[:, :2]))
        return RunFolder(tmp_path / name)

    return run


def run_id(folder, step):
    return archive.read_outline(folder.checkpoint(step)).run_id


def test_a_run_does_not_read_the_checkpoints_that_it_wrote(train, monkeypatch):
    """For small networks this took longer than to write them."""
    reads, original = [], archive.read_outline
    monkeypatch.setattr(archive, "read_outline", lambda path: reads.append(path) or original(path))
    assert len(train("run").steps()) == 3
    assert not reads


def test_a_checkpoint_of_another_run_in_the_place_of_a_known_one_is_kept(train):
    folder, other = train("run"), train("other")
    first, *_, last = folder.steps()
    own = run_id(folder, first)
    for step in folder.steps():
        folder.remember(own, step)
    folder.checkpoint(first).unlink()
    shutil.copy(other.checkpoint(first), folder.checkpoint(first))
    folder.prune(own, 1, ())
    assert folder.steps() == [first, last]
    assert run_id(folder, first) != own
