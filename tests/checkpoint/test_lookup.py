"""The lookup of a checkpoint of a run, and values that are not finite."""

import os

import numpy as np
import pytest

import tinynet
from tinynet import archive
from tinynet.errors import (
    CheckpointCorruptError,
    CheckpointError,
    CheckpointIOError,
    CheckpointMismatchError,
)
from tinynet.run.folder import RunFolder
from tinynet.run.lookup import find_checkpoint

from .conftest import files, rewrite


def damage(path):
    path.write_bytes(path.read_bytes()[:-1])


def test_the_newest_checkpoint_is_that_of_the_highest_step(run):
    """File times must not matter: a clock can be set back."""
    for age, path in enumerate(files(run)):
        os.utime(path, (10**9 - age, 10**9 - age))
    assert find_checkpoint(run, "last")[0] == files(run)[-1]


def test_readers_refuse_to_replace_a_damaged_checkpoint_by_an_older_one(run):
    damage(files(run)[-1])
    before = sorted(run.rglob("*"))
    with pytest.raises(CheckpointCorruptError, match="newest checkpoint") as caught:
        find_checkpoint(run)
    assert str(files(run)[-1]) in str(caught.value)
    assert find_checkpoint(run, files(run)[-2].name)[0] == files(run)[-2]
    assert sorted(run.rglob("*")) == before


def test_only_damaged_checkpoints_is_an_error_with_each_reason(run):
    for path in files(run):
        damage(path)
    with pytest.raises(CheckpointCorruptError) as caught:
        find_checkpoint(run)
    assert all(str(path) in str(caught.value) for path in files(run))


def test_an_explicit_file_is_never_replaced_by_another(run):
    damage(files(run)[-1])
    for path, which in ((files(run)[-1], None), (run, files(run)[-1].name)):
        with pytest.raises(CheckpointError, match=files(run)[-1].name):
            find_checkpoint(path, which)


@pytest.mark.parametrize("kind", ["symlink", "fifo", "folder"])
def test_a_checkpoint_must_be_a_regular_file(run, tmp_path, kind):
    path = tmp_path / "c.msgpack"
    if kind == "symlink":
        path.symlink_to(files(run)[-1])
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        (run / "checkpoints" / "x.msgpack").mkdir()
        path = run / "checkpoints" / "x.msgpack"
    with pytest.raises(CheckpointError):
        find_checkpoint(run, str(path))


def test_a_reader_retries_after_a_file_is_pruned(run, monkeypatch):
    """A running training must not make an evaluation fail."""
    listed = RunFolder.steps(RunFolder(run))
    stale = iter([[*listed, 999]])
    real = RunFolder.steps
    monkeypatch.setattr(RunFolder, "steps", lambda self: next(stale, None) or real(self))
    assert find_checkpoint(run)[0] == files(run)[-1]


def test_a_reader_retries_only_once(run, monkeypatch):
    monkeypatch.setattr(RunFolder, "steps", lambda self: [999])
    with pytest.raises(CheckpointIOError, match="999"):
        find_checkpoint(run)


# Weights that are not finite --------------------------------------------------------------------


def test_weights_that_are_not_finite_warn_or_are_refused(run):
    path = files(run)[-1]
    bad = archive.read(path).tensors["params/dense_1/bias"].copy()
    bad[3] = np.nan
    rewrite(path, tensors={"params/dense_1/bias": bad})
    message = "params/dense_1/bias of the checkpoint holds NaN or infinity"
    with pytest.warns(UserWarning, match=message):
        tinynet.load_model(path)
    with pytest.warns(UserWarning, match=message):
        tinynet.evaluate(path)
    for use in (tinynet.load_model, tinynet.evaluate):
        with pytest.raises(CheckpointError, match=message):
            use(path, strict_finite=True)


def test_a_missing_array_of_a_transform_is_named(run):
    path = files(run)[-1]
    content = archive.read(path)
    del content.tensors["transforms/0/input/mean"]
    archive.write(path, content.sections, content.tensors, run_id=content.run_id, step=content.step)
    longer = {"training.epochs": 3}
    for use in (
        lambda: tinynet.evaluate(path),
        lambda: tinynet.resume(run, overrides=longer),
    ):
        with pytest.raises(CheckpointMismatchError, match="transforms/0/input/mean"):
            use()
