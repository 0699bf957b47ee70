"""Checkpoint files that are damaged, renamed, or not regular files."""

import os
import shutil
import stat

import pytest

import tinynet
from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.training.events import StepDone, Warned


def make_link(path):
    aside = path.parent.parent / "aside.msgpack"
    path.rename(aside)
    path.symlink_to(aside)


def make_pipe(path):
    path.unlink()
    os.mkfifo(path)


def make_device(path):
    path.unlink()
    try:
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("only root may make a device")


def make_folder(path):
    path.unlink()
    path.mkdir()


STRANGE = [
    pytest.param(make_link, "it is a symbolic link", id="symbolic link"),
    pytest.param(make_pipe, "it is not a regular file", id="pipe"),
    pytest.param(make_device, "it is not a regular file", id="device"),
    pytest.param(make_folder, "it is not a regular file", id="folder"),
]


@pytest.mark.parametrize(("make", "reason"), STRANGE)
def test_newest_checkpoint_that_is_not_a_regular_file_is_skipped(run, make, reason):
    """The run warns and resumes from the previous checkpoint."""
    run.stop_at(2 * run.every + 1)
    newest = run.folder.checkpoint(2 * run.every)
    make(newest)
    first, warned = [], []

    def on(event):
        if isinstance(event, StepDone):
            first.append(event.step)
        elif isinstance(event, Warned):
            warned.append(event.message)

    assert run.command("evaluate", newest)[0] == 4
    assert run.command("resume", "run", on=on)[0] == 0
    assert first[0] == run.every + 1
    (warning,) = warned
    assert f"{newest.name}: {reason}" in warning
    assert os.path.lexists(f"{newest}.bad")
    assert run.outcome() == run.uninterrupted


@pytest.mark.parametrize(("make", "reason"), STRANGE)
def test_old_checkpoint_that_is_not_a_regular_file_is_ignored(run, make, reason):
    """Pruning must not fail because of a file that the run does not need."""
    run.stop_at(2 * run.every + 1)
    old = run.folder.checkpoint(1)
    shutil.copy(run.folder.checkpoint(run.every), old)
    make(old)
    run.assert_resumes()
    assert os.path.lexists(old), "an unreadable file may be of another run, and is kept"


def test_damaged_old_checkpoint_is_ignored(run):
    run.stop_at(2 * run.every + 1)
    run.folder.checkpoint(1).write_bytes(run.folder.checkpoint(run.every).read_bytes()[:-1])
    run.assert_resumes()
    assert run.folder.checkpoint(1).exists()


def test_renamed_checkpoint_is_not_the_newest(run):
    """Resuming from a copy under a later name would silently lose progress."""
    folder = run.folder
    tinynet.train(run.spec, folder.path)
    first, *_, last = folder.steps()
    shutil.copy(folder.checkpoint(first), folder.checkpoint(last + 1))
    warnings = []
    newest = folder.newest(warnings.append, set_aside=False)
    assert newest.progress.step == last
    assert "renamed" in warnings[0]


def test_damaged_checkpoints_do_not_count_as_kept_ones(run):
    folder = run.folder
    tinynet.train(run.spec, folder.path)
    run_id = Checkpoint.read(folder.checkpoint(run.steps)).run_id
    good = folder.steps()
    folder.checkpoint(good[-1] + 1).write_bytes(b"torn")
    folder.prune(run_id, 2, [])
    assert folder.steps() == [*good[-2:], good[-1] + 1]
