"""Faults of the machine during training: they are errors, and saved data is not lost.

Other faults are tested elsewhere: concurrent and killed lock holders in cli/test_signals.py,
kills in run/test_kill.py, failing system calls and power loss in archive/test_saving.py.
"""

import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

import tinynet
from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.files import atomic
from tinynet.training.events import Saved, StepDone


def after(step, act):
    """Return an observer that calls ``act`` once, after the checkpoint of ``step`` is saved."""
    acted = []

    def on(event):
        if isinstance(event, Saved) and event.step >= step and not acted:
            acted.append(True)
            act()

    return on


@contextmanager
def limits_kept():
    """Restore the resource limits of the process at the end."""
    kinds = (resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE)
    before = {kind: resource.getrlimit(kind) for kind in kinds}
    try:
        yield
    finally:
        for kind, limit in before.items():
            resource.setrlimit(kind, limit)


def limit(kind, amount):
    resource.setrlimit(kind, (amount, resource.getrlimit(kind)[1]))


# The disk ------------------------------------------------------------------------------------


def test_deleted_run_folder_is_an_error(run):
    """Training must neither continue without saving nor recreate parts of the folder."""
    # Renamed: a running save may write a file into a folder that is being emptied.
    code, err = run.train(after(run.every, lambda: run.folder.path.rename("trash")))
    assert code == 4
    assert "run/checkpoints" in err
    assert "No such file or directory" in err
    assert not run.folder.path.exists()


def test_file_size_limit_is_an_error(run):
    with limits_kept():
        code, err = run.train(after(run.every, lambda: limit(resource.RLIMIT_FSIZE, 100_000)))
    assert code == 4
    assert "File too large" in err
    newest = run.folder.steps()[-1]
    assert run.every <= newest < run.steps
    run.assert_intact(newest)
    run.assert_resumes()


def test_descriptor_limit_is_an_error(run):
    with limits_kept():
        code, err = run.train(after(run.every, lambda: limit(resource.RLIMIT_NOFILE, 3)))
    assert code == 4
    assert "Too many open files" in err
    newest = run.folder.steps()[-1]
    assert run.every <= newest < run.steps
    run.assert_intact(newest)
    run.assert_resumes()


IN_A_NAMESPACE = """
import os, subprocess, sys
from tinynet_cli import main, progress
from tinynet.training.events import Saved

def on(display, event):
    if isinstance(event, Saved) and event.step == 4 and sys.argv[1]:
        subprocess.run(["sh", "-ec", sys.argv[1]], check=True)

progress.Display.__call__ = on
main.main(["train", "spec.json", "--run", "disk/run", "--quiet"])
"""


@pytest.fixture
def train_on_a_disk(run):
    """Return a function that trains on a real tmpfs and copies the run before unmounting.

    The command ``act`` runs as root of the namespace after step 4 is saved.
    """
    if sys.platform != "linux" or shutil.which("unshare") is None:
        pytest.skip("only Linux has mounts that a test can make for itself (unshare)")
    mount = ["unshare", "-rm", "sh", "-ec"]
    Path("disk").mkdir()
    tmpfs = "mount -t tmpfs -o size={} none disk"
    tried = subprocess.run(
        [*mount, tmpfs.format("1m")], capture_output=True, text=True, check=False
    )
    if tried.returncode:
        pytest.skip(f"this machine lets no test mount a tmpfs: {tried.stderr.strip()}")

    def start(size, act=""):
        python = f'"{sys.executable}" -c "$1" "$2" || code=$?; cp -a disk/run run; exit $code'
        done = subprocess.run(
            [*mount, f"{tmpfs.format(size)}; code=0; {python}", "sh", IN_A_NAMESPACE, act],
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stderr

    return start


def test_full_disk_is_an_error(run, train_on_a_disk):
    """The checkpoints of steps 0 and 4 fit, but not that of step 8."""
    code, err = train_on_a_disk("1m")
    assert code == 4
    assert "No space left on device" in err
    assert run.folder.steps() == [0, run.every]
    run.assert_intact(run.every)
    run.assert_resumes()


def test_folder_that_becomes_read_only_is_an_error(run, train_on_a_disk):
    """A mount is remounted, because root may write into any folder."""
    code, err = train_on_a_disk(
        "16m",
        "mount --bind disk/run/checkpoints disk/run/checkpoints;"
        " mount -o remount,ro,bind disk/run/checkpoints",
    )
    assert code == 4
    assert "Read-only file system" in err
    newest = run.folder.steps()[-1]
    assert run.every <= newest < run.steps
    run.assert_resumes()
    run.assert_intact(run.steps)


# Memory --------------------------------------------------------------------------------------

NO_MEMORY = """
import re, resource, sys
from tinynet_cli import main, progress
from tinynet.training.events import StepDone

def on(display, event):
    if isinstance(event, StepDone):
        held = int(re.search(r"VmSize:\\s+(\\d+)", open("/proc/self/status").read())[1]) * 1024
        resource.setrlimit(resource.RLIMIT_AS, (held + 2**20, resource.RLIM_INFINITY))

progress.Display.__call__ = on
main.main(["resume", "run", "--quiet", "--threads", "1"])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports the memory of a process")
def test_missing_memory_for_a_snapshot_is_an_error(run):
    """The state of this run has 12 MB, and 1 MiB is left at the next save."""
    wide = {**run.spec, "network": {"layers": ["flatten", {"type": "dense", "units": 15_000}]}}
    training = {**run.spec["training"], "steps": 4, "checkpoint": {"every_steps": 1}}

    def stop(event):
        if isinstance(event, StepDone) and event.step == 3:
            raise SystemExit

    with pytest.raises(SystemExit):
        tinynet.train({**wide, "training": training}, "run", observer=stop)
    done = subprocess.run(
        [sys.executable, "-c", NO_MEMORY], capture_output=True, text=True, check=False
    )
    assert done.returncode == 4, done.stderr
    assert "error: the run cannot be saved: Unable to allocate 3.66 MiB" in done.stderr
    assert "Traceback" not in done.stderr
    run.assert_intact(2)
    assert run.command("resume", "run")[0] == 0


# Signals, processes, clocks ------------------------------------------------------------------


class Signalling:
    """The module `os`, with a signal during the sync of the second checkpoint."""

    def __init__(self):
        self.syncs = 0

    def __getattr__(self, name):
        return getattr(os, name)

    def fsync(self, descriptor):
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            self.syncs += 1
            # The four syncs before: spec.json, log and checkpoint of step 0, and the log again.
            if self.syncs == 5:
                os.kill(os.getpid(), signal.SIGTERM)
        os.fsync(descriptor)


def test_save_finishes_despite_a_signal(run, monkeypatch):
    signal_lost = []
    before = signal.signal(signal.SIGTERM, lambda *arguments: signal_lost.append(True))
    try:
        with monkeypatch.context() as patch:
            patch.setattr(atomic, "os", Signalling())
            code, err = run.train()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert not signal_lost
    assert code == 143
    stopped = run.folder.steps()[-1]
    assert err.strip() == (
        f"Interrupted at step {stopped} and saved. Continue with: tinynet resume run"
    )
    assert run.every <= stopped < run.steps
    assert run.every in run.folder.steps(), "the running save must finish"
    run.assert_intact(stopped)
    run.assert_resumes()


def test_leftovers_are_removed_and_other_files_are_kept(run):
    run.stop_at(run.every + 1)
    garbage = [
        folder / f".tinynet-{16 * digit}.tmp"
        for folder, digit in ((run.folder.path, "0"), (run.folder.checkpoints, "a"))
    ]
    other = Checkpoint.read(run.folder.checkpoint(0))
    foreign = run.folder.checkpoint(1)
    replace(other, run_id="another", progress=replace(other.progress, step=1)).write(foreign)
    elsewhere = run.folder.path.parent / f".tinynet-{16 * '0'}.tmp"
    kept = [
        foreign,
        elsewhere,
        run.folder.checkpoints / ".tinynet-notes.tmp",
        run.folder.checkpoints / "step-000000000002.msgpack.bad",
        run.folder.path / "notes.txt",
    ]
    for path in (*garbage, *kept[1:]):
        path.write_bytes(b"something")
    run.assert_resumes()
    assert not any(path.exists() for path in garbage)
    assert all(path.exists() for path in kept)


def test_order_of_checkpoints_does_not_depend_on_the_clock(run):
    """The newest checkpoint is the one with the highest step, not the latest file time."""
    run.stop_at(2 * run.every + 1)
    assert run.folder.steps()[-1] == 2 * run.every
    status = run.folder.checkpoint(2 * run.every).stat()
    os.utime(
        run.folder.checkpoint(2 * run.every), (status.st_atime, status.st_mtime - 365 * 86_400)
    )
    first = []

    def on(event):
        if isinstance(event, StepDone):
            first.append(event.step)

    assert run.command("resume", "run", on=on)[0] == 0
    assert first[0] == 2 * run.every + 1
    assert run.outcome() == run.uninterrupted
    assert run.folder.steps()[-2:] == [run.steps - run.every, run.steps], (
        "the last checkpoints are kept"
    )
