"""Files of a run: none is lost, overwritten or ignored without an error or a warning."""

import errno
import fcntl
import os
import resource
import signal
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from xxhash import xxh3_128_digest

import tinynet
from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.errors import (
    CheckpointCorruptError,
    CheckpointIOError,
    DivergedError,
    RunBusyError,
    RunExistsError,
)
from tinynet.files import atomic
from tinynet.run import preparation as running
from tinynet.run.folder import RunFolder, new_folder, next_folder
from tinynet.run.log import RunLog, read_log
from tinynet.training.events import Saved, StepDone, Warned
from tinynet.training.progress import Best

MACRO = {"type": "f1", "average": "macro"}
MICRO = {"type": "f1", "average": "micro"}

SPEC = {
    "tinynet": 1,
    "name": "quiet",
    "data": {"type": "digits", "split": {"validation": 60, "test": 1637}},
    "network": {"layers": ["flatten", {"type": "dense", "units": 10}]},
    "training": {
        "steps": 6,
        "batch_size": 16,
        "loss": "softmax_cross_entropy",
        "metrics": [MACRO],
        "optimizer": {"type": "sgd", "learning_rate": 0.001},
        "checkpoint": {"every_steps": 2, "keep_best": {"metric": "val/f1"}},
    },
}


@pytest.fixture
def folder(tmp_path):
    """Return the folder of a finished run."""
    return RunFolder(tinynet.train(SPEC, tmp_path / "run").path)


def contents(folder):
    return {p: p.read_bytes() for p in sorted(folder.path.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("resume", [False, True])
def test_only_one_of_two_processes_starts_a_run(tmp_path, monkeypatch, resume):
    """The second checks the folder before the first saves, and gets the lock after it ends."""
    path, locked, others = tmp_path / "run", running.locked, []

    @contextmanager
    def late(lock, **settings):
        if not others:
            others.append(None)
            tinynet.train(SPEC, path, resume=True)
            others.append(contents(RunFolder(path)))
        with locked(lock, **settings):
            yield

    monkeypatch.setattr(running, "locked", late)
    with pytest.raises(RunExistsError, match="belongs to an earlier run"):
        tinynet.train(SPEC, path, resume=resume)
    assert contents(RunFolder(path)) == others[1]


def damage(folder):
    """Remove the last byte of every checkpoint, and return the bytes of the newest."""
    for step in folder.steps():
        path = folder.checkpoint(step)
        whole = path.read_bytes()
        path.write_bytes(whole[:-1])
    return whole


def test_damaged_checkpoints_stay_if_none_is_intact(folder):
    """If they were renamed, the next resume would report a run without checkpoints."""
    whole = damage(folder)
    before = contents(folder)
    for command in (tinynet.resume, partial(tinynet.train, SPEC, resume=True)):
        with (
            pytest.warns(UserWarning, match="skipped"),
            pytest.raises(CheckpointCorruptError, match="restore one of these files"),
        ):
            command(run_dir=folder.path)
        assert contents(folder) == before
    folder.checkpoint(folder.steps()[-1]).write_bytes(whole)
    assert tinynet.resume(folder.path).finished


@pytest.mark.parametrize("log", [True, False])
def test_run_with_all_checkpoints_set_aside_is_not_restarted(folder, log):
    """A job restarted with --resume would otherwise truncate its log silently."""
    for step in folder.steps():
        path = folder.checkpoint(step)
        path.rename(f"{path}.bad")
    if not log:
        folder.log.unlink()
    before = contents(folder)
    with pytest.raises(RunExistsError, match=r"belongs to an earlier run.*: choose a new folder"):
        tinynet.train(SPEC, folder.path, resume=True)
    with pytest.raises(CheckpointIOError, match=r"\.bad were set aside as damaged"):
        tinynet.resume(folder.path)
    assert contents(folder) == before


def test_error_for_a_log_without_checkpoints_suggests_a_new_folder(folder):
    """A new run in the same folder is an error because of the log."""
    for step in folder.steps():
        folder.checkpoint(step).unlink()
    with pytest.raises(CheckpointIOError, match=r"shows training.*NEW_FOLDER"):
        tinynet.resume(folder.path)
    with pytest.raises(RunExistsError, match="choose a new folder"):
        tinynet.train(SPEC, folder.path, resume=True)


def test_run_resumes_without_its_log_with_a_warning(folder):
    """The fix that the error for a changed log suggests works, and more than once."""
    folder.log.write_bytes(b"changed" + folder.log.read_bytes())
    with pytest.raises(CheckpointCorruptError, match="move the file away"):
        tinynet.resume(folder.path, overrides={"training.steps": 9})
    folder.log.rename(folder.path / "old.jsonl")
    events = []
    tinynet.resume(folder.path, overrides={"training.steps": 9}, observer=events.append)
    assert [event for event in events if isinstance(event, Warned) and "is gone" in event.message]
    assert read_log(folder.log)[-1]["step"] == 9
    tinynet.resume(folder.path, overrides={"training.steps": 10})


def test_log_that_cannot_be_written_is_a_tinynet_error(tmp_path):
    """Python writes again when it closes the file, and raises an error of its own."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        with pytest.raises(CheckpointIOError, match="File too large"):  # noqa: PT012, SIM117
            with RunLog(tmp_path / "log", None) as log:
                resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
                log.append({"text": "x" * 100})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("fails", [False, True])
def test_result_of_the_last_save_is_reported_if_training_fails(tmp_path, monkeypatch, fails):
    events = []
    real = Checkpoint.write

    def write(self, path):
        if fails and self.progress.step == 2:
            raise CheckpointIOError(f"{path}: {os.strerror(errno.ENOSPC)}")
        real(self, path)

    def diverge(event):
        events.append(event)
        # This event precedes the save of its step, so the save of step 2 is the last.
        if isinstance(event, StepDone) and event.step == 2:
            monkeypatch.setattr(running.Trainer, "_next_step", explode)

    def explode(self):
        raise DivergedError("the loss is not finite")

    monkeypatch.setattr(Checkpoint, "write", write)
    with pytest.raises(DivergedError):
        tinynet.train(SPEC, tmp_path / "run", observer=diverge)
    last = events[-1]
    if fails:
        assert isinstance(last, Warned)
        assert "the last save failed" in last.message
    else:
        assert isinstance(last, Saved)
        assert last.step == 2


def test_old_checkpoint_of_a_newer_version_is_kept_and_ignored(folder):
    """The run does not need it, and it may belong to another run."""
    newer = bytearray(folder.checkpoint(folder.steps()[0]).read_bytes())
    newer[14] = 2
    newer[48:64] = xxh3_128_digest(bytes(newer[:48]))
    folder.checkpoint(1).write_bytes(newer)
    tinynet.resume(folder.path, overrides={"training.steps": 9})
    assert folder.checkpoint(1).read_bytes() == newer


def test_damaged_checkpoint_that_cannot_be_set_aside_is_an_error(folder, monkeypatch):
    newest = folder.checkpoint(folder.steps()[-1])
    newest.write_bytes(newest.read_bytes()[:-1])

    def refuse(self, target):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(CheckpointIOError, match=newest.name):
        folder.newest(lambda text: None, set_aside=True)


@pytest.mark.parametrize(
    ("metrics", "kept"),
    [([MICRO], False), ([MACRO, "accuracy"], True), (["accuracy", MACRO], True)],
    ids=["redefined", "added", "moved"],
)
def test_best_value_is_reset_if_its_metric_is_redefined(folder, metrics, kept):
    """Otherwise a run would permanently keep a checkpoint that is not its best."""
    path = folder.checkpoint(6)
    checkpoint = Checkpoint.read(path)
    progress = replace(checkpoint.progress, best=Best(0.9999, 6))
    replace(checkpoint, progress=progress).write(path)
    warned = []
    run = tinynet.resume(
        folder.path,
        overrides={"training.metrics": metrics, "training.steps": 8},
        allow_reset=True,
        observer=lambda event: warned.append(str(event)) if isinstance(event, Warned) else None,
    )
    assert run.best is not None
    assert (run.best.name == path.name) == kept
    assert any("reset which checkpoint is the best" in text for text in warned) != kept


def test_unreadable_spec_json_is_a_warning(folder):
    folder.spec.write_text("[" * 200_000)
    events = []
    tinynet.resume(folder.path, observer=events.append)
    assert "was edited" in events[0].message


def test_lock_file_that_is_not_text(folder):
    folder.lock.write_bytes(b"\xff\xfe")
    with folder.lock.open("rb") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        with pytest.raises(RunBusyError, match="in use by"):
            tinynet.resume(folder.path)


@pytest.mark.parametrize("named", [True, False])
def test_new_run_folder_survives_a_power_loss(tmp_path, monkeypatch, named):
    """A synced checkpoint is still lost if its folder was not synced."""
    synced = []
    real = os.fsync

    class System:
        def __getattr__(self, name):
            return getattr(os, name)

        def fsync(self, descriptor):
            synced.append(Path(f"/proc/self/fd/{descriptor}").resolve())
            real(descriptor)

    monkeypatch.setattr(atomic, "os", System())
    parent = tmp_path / "a" / "b"
    made = new_folder(parent / "x", reuse=False) if named else next_folder(parent, "x")
    assert made.checkpoints.is_dir()
    assert synced == [tmp_path, tmp_path / "a", parent]
    # The run folder is synced before the first checkpoint is acknowledged.
    acknowledged = []

    def on(event):
        if isinstance(event, Saved) and not acknowledged:
            acknowledged.extend(synced)

    tinynet.train(SPEC, tmp_path / "run", observer=on)
    assert tmp_path / "run" in acknowledged


def test_override_survives_a_kill_before_the_next_save(tmp_path):
    """`resume --set` also takes effect if the machine is preempted right after it."""
    run = tinynet.train(SPEC, tmp_path / "run")
    steps = run.step + 10

    def die(event):
        if isinstance(event, StepDone):
            raise SystemExit(1)

    with pytest.raises(SystemExit):
        tinynet.resume(run.path, overrides={"training.steps": steps}, observer=die)
    assert tinynet.resume(run.path).step == steps
