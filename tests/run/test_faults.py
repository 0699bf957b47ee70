"""What happens to a run when the machine fails it: an error, and nothing that was saved is lost.

A second process at one run and the death of a lock's holder are in cli/test_signals.py, kills in
test_kill.py beside this file, failures of single calls and power loss in archive/test_saving.py.
"""

import json
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
from tinynet_cli import progress
from tinynet_cli.main import main

import tinynet
from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.files import atomic
from tinynet.run.folder import RunFolder
from tinynet.run.log import read_log
from tinynet.training.events import Saved, StepDone, Warned

STEPS = 24
EVERY = 4

SPEC = {
    "tinynet": 1,
    "name": "faults",
    "data": {
        "type": "digits",
        "split": {"validation": 60, "test": 1637},
        "transforms": [{"type": "scale", "factor": 0.0625}],
    },
    "network": {
        "layers": [
            "flatten",
            {"type": "dropout", "rate": 0.2},
            {"type": "dense", "units": 400},
            "relu",
            {"type": "dense", "units": 10},
        ]
    },
    "training": {
        "steps": STEPS,
        "batch_size": 16,
        "loss": "softmax_cross_entropy",
        "optimizer": {"type": "adam", "learning_rate": 0.001},
        "checkpoint": {"every_steps": EVERY, "keep_last": 2},
    },
}
"""Its checkpoints take 370 KB."""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Where the run is that a fault meets; beside it lies the spec."""
    (tmp_path / "spec.json").write_text(json.dumps(SPEC))
    monkeypatch.chdir(tmp_path)
    return RunFolder(tmp_path / "run")


def run_here(*words):
    """The exit code of the command, run in this process."""
    try:
        main([str(word) for word in words])
    except SystemExit as left:
        return left.code
    return 0


@pytest.fixture
def command(capfd, monkeypatch):
    """The command, run here: command(*words, on=...) gives its exit code and what it said.

    ``on`` is told of every event, as the display is.
    """

    def call(*words, on=lambda event: None):
        with monkeypatch.context() as patch:
            show = progress.Display.__call__
            patch.setattr(progress.Display, "__call__", lambda *told: (on(told[1]), show(*told)))
            capfd.readouterr()
            code = run_here(*words, "--quiet")
        said = capfd.readouterr().err
        assert "Traceback" not in said, said
        return code, said

    return call


def train(command, on=lambda event: None):
    return command("train", "spec.json", "--run", "run", "--resume", on=on)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What a run leaves behind that meets no fault."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "spec.json").write_text(json.dumps(SPEC))
    assert run_here("train", folder / "spec.json", "--run", folder / "run", "--quiet") == 0
    return outcome(RunFolder(folder / "run"))


def outcome(run):
    assert run.steps()[-1] == STEPS
    last = Checkpoint.read(run.checkpoint(STEPS))
    log = [{key: value for key, value in r.items() if key != "wall"} for r in read_log(run.log)]
    return last.progress, log, {name: a.tobytes() for name, a in last.tensors.items()}


def assert_intact(run, newest):
    """The newest checkpoint is that of a step, every other is whole too, no temporary is left."""
    assert run.steps()[-1] == newest
    for step in run.steps():
        assert Checkpoint.read(run.checkpoint(step)).progress.step == step
    assert atomic.leftovers(run.checkpoints) == atomic.leftovers(run.path) == []


def assert_ends_as(command, run, whole):
    """Once the fault is mended the run goes on, and nobody can tell."""
    assert command("resume", run.path)[0] == 0
    assert outcome(run) == whole


def after(step, act):
    """An observer that does something once, when the checkpoint of ``step`` was acknowledged."""
    acted = []

    def on(event):
        if isinstance(event, Saved) and event.step >= step and not acted:
            acted.append(True)
            act()

    return on


@contextmanager
def limits_kept():
    """Give back what the process may take, whatever happens inside."""
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


def test_a_run_folder_that_is_deleted_is_an_error(run, command):
    """It must not go on for hours and save nothing, nor make half of a folder anew."""
    # Renamed, since a save that is under way may put a file into a folder that is being emptied.
    code, said = train(command, after(EVERY, lambda: run.path.rename("trash")))
    assert code == 4
    assert "run/checkpoints" in said
    assert "No such file or directory" in said
    assert not run.path.exists()


def test_files_that_may_not_grow_are_an_error(run, command, whole):
    with limits_kept():
        code, said = train(command, after(EVERY, lambda: limit(resource.RLIMIT_FSIZE, 100_000)))
    assert code == 4
    assert "File too large" in said
    newest = run.steps()[-1]
    assert EVERY <= newest < STEPS
    assert_intact(run, newest)
    assert_ends_as(command, run, whole)


def test_no_descriptors_left_is_an_error(run, command, whole):
    with limits_kept():
        code, said = train(command, after(EVERY, lambda: limit(resource.RLIMIT_NOFILE, 3)))
    assert code == 4
    assert "Too many open files" in said
    newest = run.steps()[-1]
    assert EVERY <= newest < STEPS
    assert_intact(run, newest)
    assert_ends_as(command, run, whole)


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
    """Train on a real tmpfs, which vanishes afterwards; the run is copied out first.

    A command may be given that is run as root of the namespace after step 4 was saved.
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


def test_a_full_disk_is_an_error(run, command, whole, train_on_a_disk):
    """Two checkpoints fit, the third does not: 0, 4, and no room for 8."""
    code, said = train_on_a_disk("1m")
    assert code == 4
    assert "No space left on device" in said
    assert run.steps() == [0, EVERY]
    assert_intact(run, EVERY)
    assert_ends_as(command, run, whole)


def test_a_folder_that_becomes_read_only_is_an_error(run, command, whole, train_on_a_disk):
    """As a disk does that fails; a mount, since root may write into any folder."""
    code, said = train_on_a_disk(
        "16m",
        "mount --bind disk/run/checkpoints disk/run/checkpoints;"
        " mount -o remount,ro,bind disk/run/checkpoints",
    )
    assert code == 4
    assert "Read-only file system" in said
    newest = run.steps()[-1]
    assert EVERY <= newest < STEPS
    assert_ends_as(command, run, whole)
    assert_intact(run, STEPS)


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


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells how much memory is held")
def test_no_memory_for_a_snapshot_is_an_error(run, command):
    """The state of this run is 12 MB, and 1 MiB is left when the next is to be saved."""
    wide = {**SPEC, "network": {"layers": ["flatten", {"type": "dense", "units": 15_000}]}}
    training = {**SPEC["training"], "steps": 4, "checkpoint": {"every_steps": 1}}

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
    assert_intact(run, 2)
    assert command("resume", "run")[0] == 0


# Signals, processes, clocks ------------------------------------------------------------------


class Signalling:
    """The operating system, with a signal that comes while the second checkpoint is synced."""

    def __init__(self):
        self.syncs = 0

    def __getattr__(self, name):
        return getattr(os, name)

    def fsync(self, descriptor):
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            self.syncs += 1
            # Before it come spec.json, log and checkpoint of step 0, and the log once more.
            if self.syncs == 5:
                os.kill(os.getpid(), signal.SIGTERM)
        os.fsync(descriptor)


def test_a_signal_inside_a_save_lets_it_finish(run, command, whole, monkeypatch):
    signal_lost = []
    before = signal.signal(signal.SIGTERM, lambda *arguments: signal_lost.append(True))
    try:
        with monkeypatch.context() as patch:
            patch.setattr(atomic, "os", Signalling())
            code, said = train(command)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert not signal_lost
    assert code == 143
    stopped = run.steps()[-1]
    assert said.strip() == (
        f"Interrupted at step {stopped} and saved. Continue with: tinynet resume run"
    )
    assert EVERY <= stopped < STEPS
    assert EVERY in run.steps(), "the save that was under way"
    assert_intact(run, stopped)
    assert_ends_as(command, run, whole)


def stop_at(step, command):
    """Start the run, and leave it after ``step`` as a killed process does."""

    def on(event):
        if isinstance(event, StepDone) and event.step == step:
            raise KeyboardInterrupt

    assert train(command, on)[0] == 130


def test_leftovers_are_cleaned_and_everything_else_is_kept(run, command, whole):
    stop_at(EVERY + 1, command)
    garbage = [
        folder / f".tinynet-{16 * digit}.tmp"
        for folder, digit in ((run.path, "0"), (run.checkpoints, "a"))
    ]
    other = Checkpoint.read(run.checkpoint(0))
    foreign = run.checkpoint(1)
    replace(other, run_id="another", progress=replace(other.progress, step=1)).write(foreign)
    elsewhere = run.path.parent / f".tinynet-{16 * '0'}.tmp"
    kept = [
        foreign,
        elsewhere,
        run.checkpoints / ".tinynet-notes.tmp",
        run.checkpoints / "step-000000000002.msgpack.bad",
        run.path / "notes.txt",
    ]
    for path in (*garbage, *kept[1:]):
        path.write_bytes(b"something")
    assert_ends_as(command, run, whole)
    assert not any(path.exists() for path in garbage)
    assert all(path.exists() for path in kept)


def test_a_clock_that_is_set_back_changes_no_order(run, command, whole):
    """The newest checkpoint is that of the last step, though its file seems a year older."""
    stop_at(2 * EVERY + 1, command)
    assert run.steps()[-1] == 2 * EVERY
    status = run.checkpoint(2 * EVERY).stat()
    os.utime(run.checkpoint(2 * EVERY), (status.st_atime, status.st_mtime - 365 * 86_400))
    first = []

    def on(event):
        if isinstance(event, StepDone):
            first.append(event.step)

    assert command("resume", "run", on=on)[0] == 0
    assert first[0] == 2 * EVERY + 1
    assert outcome(run) == whole
    assert run.steps()[-2:] == [STEPS - EVERY, STEPS], "nor which ones are pruned"


# Files that are no checkpoints ---------------------------------------------------------------


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
def test_the_newest_checkpoint_is_no_file(run, command, whole, make, reason):
    """It is refused aloud, never read, and the run goes on from the one before."""
    stop_at(2 * EVERY + 1, command)
    newest = run.checkpoint(2 * EVERY)
    make(newest)
    first, warned = [], []

    def on(event):
        if isinstance(event, StepDone):
            first.append(event.step)
        elif isinstance(event, Warned):
            warned.append(event.message)

    assert command("evaluate", newest)[0] == 4
    assert command("resume", "run", on=on)[0] == 0
    assert first[0] == EVERY + 1
    (warning,) = warned
    assert f"{newest.name}: {reason}" in warning
    assert os.path.lexists(f"{newest}.bad")
    assert outcome(run) == whole


@pytest.mark.parametrize(("make", "reason"), STRANGE)
def test_an_old_checkpoint_that_is_no_file_stops_nothing(run, command, whole, make, reason):
    """A run must not die, at the first checkpoint after it, of a file that it does not need."""
    stop_at(2 * EVERY + 1, command)
    old = run.checkpoint(1)
    shutil.copy(run.checkpoint(EVERY), old)
    make(old)
    assert_ends_as(command, run, whole)
    assert os.path.lexists(old), "what cannot be read is not known to be ours, and stays"


def test_a_damaged_old_checkpoint_stops_nothing(run, command, whole):
    stop_at(2 * EVERY + 1, command)
    run.checkpoint(1).write_bytes(run.checkpoint(EVERY).read_bytes()[:-1])
    assert_ends_as(command, run, whole)
    assert run.checkpoint(1).exists()


def test_a_renamed_checkpoint_is_not_taken_for_a_newer_one(tmp_path):
    """Order is by the step inside: a copy under a later name would be a silent rollback."""
    run = tinynet.train(SPEC, tmp_path / "run")
    folder = RunFolder(run.path)
    first, *_, last = folder.steps()
    shutil.copy(folder.checkpoint(first), folder.checkpoint(last + 1))
    warnings = []
    found = folder.newest(warnings.append, set_aside=False)
    assert found.progress.step == last
    assert "renamed" in warnings[0]


def test_damaged_checkpoints_do_not_count_among_those_that_are_kept(tmp_path):
    run = tinynet.train(SPEC, tmp_path / "run")
    folder = RunFolder(run.path)
    run_id = Checkpoint.read(run.checkpoints[-1]).run_id
    good = folder.steps()
    folder.checkpoint(good[-1] + 1).write_bytes(b"torn")
    folder.prune(run_id, 2, [])
    assert folder.steps() == [*good[-2:], good[-1] + 1]
