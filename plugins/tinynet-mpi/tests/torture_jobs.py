"""Jobs of the torture tests: a launcher, its processes, and the run that they train."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

from launching import MPIEXEC, environment

from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.run.folder import RunFolder

COUNT = int(os.environ.get("TORTURE_COUNT", "0"))
"""Kills; 0 leaves the torture out."""

TINYNET = [sys.executable, "-m", "tinynet"]
GONE_WITHIN = 20.0
"""Seconds after which a job whose process was killed must have ended, on a busy machine."""

HIDDEN = [
    "flatten",
    {"type": "dense", "units": 16},
    "batch_norm",
    "relu",
    {"type": "dropout", "rate": 0.3},
]
SPEC = {
    "tinynet": 1,
    "name": "torture",
    "data": {
        "type": "digits",
        "transforms": [{"type": "scale", "factor": 0.0625}],
        "split": {"validation": 60, "test": 1400},
    },
    "network": {"layers": [*HIDDEN, {"type": "dense", "units": 10}]},
    "training": {
        "epochs": 40,
        "batch_size": 32,
        "seed": 5,
        "loss": "softmax_cross_entropy",
        "optimizer": "adam",
        "shards": 5,
        "metrics": ["accuracy"],
        "checkpoint": {"every_steps": 3, "keep_last": 3, "keep_best": {"metric": "val/loss"}},
    },
}


class Job:
    """A launcher and the processes that it started, on one run folder."""

    def __init__(self, run, processes, *options, command="train", launcher=(), **variables):
        self.mark = uuid.uuid4().hex
        self.run = run
        words = [
            command,
            *([str(write_spec(run)), "--run"] if command == "train" else []),
            str(run),
        ]
        resume = ["--resume"] if command == "train" else []
        if processes > 1:
            launcher = launcher or [MPIEXEC, "-n", str(processes)]
        self.launcher = subprocess.Popen(
            [*launcher, *TINYNET, *words, *resume, "--quiet", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env=environment(TORTURE_MARK=self.mark, PYTHONWARNINGS="default", **variables),
        )

    def members(self):
        """Return the living processes of the job: PMI_RANK (None for the launcher's), by id."""
        found = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdecimal():
                continue
            try:
                variables = (entry / "environ").read_bytes().split(b"\0")
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            if f"TORTURE_MARK={self.mark}".encode() in variables and state not in "ZX":
                ranks = [v.partition(b"=")[2] for v in variables if v.startswith(b"PMI_RANK=")]
                found[int(entry.name)] = int(ranks[0]) if ranks else None
        return found

    def rank(self, rank):
        """Return the id of the process with a rank; None if it is not there."""
        return next((pid for pid, own in self.members().items() if own == rank), None)

    def wait_until(self, true):
        """Wait until a function returns True; return False if the job has ended before."""
        while self.launcher.poll() is None:
            if true():
                return True
            time.sleep(0.002)
        return False

    def steps(self):
        """Return the newest step that is saved; -1 without one."""
        return max(RunFolder(self.run).steps(), default=-1)

    def saves(self):
        """Return True while a checkpoint is being written."""
        names = os.listdir(RunFolder(self.run).checkpoints)
        return not all(re.fullmatch(r"step-\d+\.msgpack", name) for name in names)

    def end(self, within=60.0):
        """Wait for the end; return the exit code and the lines on stderr."""
        try:
            _, err = self.launcher.communicate(timeout=within)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        until = time.monotonic() + GONE_WITHIN
        while (left := self.members()) and time.monotonic() < until:
            time.sleep(0.01)
        if left:
            self.kill()
        assert not left, "processes were left over"
        return self.launcher.returncode, err.splitlines()

    def kill(self):
        for pid in self.members():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


def write_spec(run, **training):
    path = run.with_suffix(".json")
    path.write_text(json.dumps({**SPEC, "training": {**SPEC["training"], **training}}))
    return path


def own_lines(lines):
    """Return the messages of tinynet, without the block that a launcher prints."""
    starts = ("error: ", "warning: ", "process ", "Interrupted", "Traceback")
    return [line for line in lines if line.startswith(starts)]


def outcome(run):
    """Return the last and the best checkpoint, and the log without times."""
    folder = RunFolder(run)
    state = {}
    last = Checkpoint.read(folder.checkpoint(folder.steps()[-1]))
    for kind, step in (("last", last.progress.step), ("best", last.progress.best.step)):
        checkpoint = Checkpoint.read(folder.checkpoint(step))
        arrays = {**checkpoint.tensors, **checkpoint.transforms}
        state |= {f"{kind} {name}": array.tobytes() for name, array in arrays.items()}
        state[f"{kind} progress"] = checkpoint.progress
        state[f"{kind} spec"] = checkpoint.spec
    records = [json.loads(line) for line in folder.log.read_text().splitlines()]
    state["log"] = [{k: v for k, v in record.items() if k != "wall"} for record in records]
    return state


def assert_same(run, whole):
    found = outcome(run)
    assert found.keys() == whole.keys()
    assert not [name for name in whole if found[name] != whole[name]]


def running(run, processes, *options, step=6, **settings):
    """Start a job, and return it when a step has been saved."""
    job = Job(run, processes, *options, **settings)
    if not job.wait_until(lambda: job.steps() >= step):
        raise AssertionError(job.end())
    return job


def resumed(run, processes, whole):
    """Resume a run, and compare it with an uninterrupted one."""
    code, lines = Job(run, processes).end()
    assert (code, own_lines(lines)) == (0, [])
    assert_same(run, whole)
