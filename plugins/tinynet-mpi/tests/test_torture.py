"""Jobs whose processes are killed, stopped and interrupted, again and again.

``TORTURE_COUNT=200 python -m pytest -s plugins/tinynet-mpi/tests/test_torture.py`` says how often.
"""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.run.folder import RunFolder

pytest.importorskip("mpi4py", reason="mpi4py is not installed")
BESIDE_PYTHON = Path(sys.executable).with_name("mpiexec")
MPIEXEC = str(BESIDE_PYTHON) if BESIDE_PYTHON.exists() else shutil.which("mpiexec")
COUNT = int(os.environ.get("TORTURE_COUNT", "0"))
pytestmark = [
    pytest.mark.torture,
    pytest.mark.skipif(MPIEXEC is None, reason="there is no mpiexec: pip install mpich"),
    pytest.mark.skipif(not COUNT, reason="TORTURE_COUNT says how often"),
]

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

    def __init__(self, run, processes, *options, command="train", launcher=()):
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
            env={**os.environ, "TORTURE_MARK": self.mark, "PYTHONWARNINGS": "default"},
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


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return the outcome of a run that one process trains without an interruption."""
    run = tmp_path_factory.mktemp("whole") / "run"
    code, lines = Job(run, 1).end()
    assert code == 0, lines
    return outcome(run)


def reach(job, moment, draw):
    """Wait until a random moment of a kind; return False if the job has ended before."""
    end, target = time.monotonic() + draw.uniform(0, 2.5), job.steps() + draw.randint(1, 120)
    if moment == "start":
        return job.wait_until(lambda: time.monotonic() > end)
    reached = job.wait_until(lambda: job.steps() >= target)
    return reached and (moment == "step" or job.wait_until(job.saves))


def test_killed_jobs_resume_with_the_same_bits(tmp_path, whole):
    """Random processes are killed at random moments, and while the first one saves."""
    kills, ends, messages, runs = Counter(), [], Counter(), 0
    while sum(kills.values()) < COUNT:
        run = tmp_path / f"run-{runs}"
        draw, runs, alive = random.Random(runs), runs + 1, True
        while alive:
            processes = draw.choice((1, 2, 2, 3, 4))
            job = Job(run, processes)
            moment = draw.choice(("start", "step", "step", "save", "save"))
            victim = 0 if moment == "save" and draw.random() < 0.7 else draw.randrange(processes)
            if processes == 1:
                alive = job.end()[0] != 0
                continue
            reached = reach(job, moment, draw)
            pid = job.rank(victim) if reached else None
            if pid is None:
                code, lines = job.end()
                assert code == 0, (code, lines)
                alive = False
                continue
            killed = time.monotonic()
            os.kill(pid, signal.SIGKILL)
            code, lines = job.end()
            if code == 0:  # The run was complete, and the processes were ending.
                alive = False
                continue
            ends.append(time.monotonic() - killed)
            kills[moment, victim == 0] += 1
            messages[len(own_lines(lines))] += 1
            if len(own_lines(lines)) > 1:
                print(moment, victim, processes, code, lines)
            assert ends[-1] < GONE_WITHIN
            print(
                len(ends),
                moment,
                victim,
                processes,
                code,
                f"{ends[-1]:.2f} s",
                own_lines(lines),
                flush=True,
            )
        assert_same(run, whole)
        shutil.rmtree(run)
    ends.sort()
    print(f"{len(ends)} kills in {runs} runs: {dict(kills)}; messages {dict(messages)}")
    print(f"gone after {ends[len(ends) // 2]:.2f} s in the middle, {ends[-1]:.2f} s at most")
    assert max(messages) <= 1


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


@pytest.mark.parametrize("victim", [0, 1, 2])
def test_a_stopped_process_ends_the_job(tmp_path, whole, victim):
    job = running(tmp_path / "run", 3, "--fleet-timeout", "4")
    os.kill(job.rank(victim), signal.SIGSTOP)
    code, lines = job.end()
    print(lines)
    assert code == 4
    errors = [line for line in lines if line.startswith("error: ")]
    assert len(errors) == 1
    assert re.search(r"(step|evaluation|save after step) .* ends the job", errors[0])
    resumed(job.run, 2, whole)


def test_a_process_that_is_stopped_for_a_while_changes_nothing(tmp_path, whole):
    job = running(tmp_path / "run", 2, "--fleet-timeout", "60")
    for victim in (1, 0):
        pid = job.rank(victim)
        os.kill(pid, signal.SIGSTOP)
        time.sleep(1)
        os.kill(pid, signal.SIGCONT)
    code, lines = job.end()
    assert (code, own_lines(lines)) == (0, [])
    assert_same(job.run, whole)


def send(job, target, number):
    """Send a signal to the launcher, to a rank, or to all processes of the job."""
    if target == "launcher":
        pids = [job.launcher.pid]
    elif target == "all":
        pids = [pid for pid, rank in job.members().items() if rank is not None]
    else:
        pids = [job.rank(target)]
    for pid in pids:
        os.kill(pid, number)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("target", ["launcher", 0, 1, "all"])
def test_signals_stop_all_processes_after_the_same_step(tmp_path, whole, target, number):
    job = running(tmp_path / "run", 2, step=random.randint(1, 60))
    send(job, target, number)
    code, lines = job.end()
    print(target, number, code, lines)
    (line,) = [line for line in lines if "Interrupted" in line]
    assert re.search(r"at step [\d,]+ and saved\. Continue with: tinynet resume", line)
    assert len(own_lines(lines)) == 1
    assert code == 128 + number
    resumed(job.run, random.choice((1, 3)), whole)


@pytest.mark.parametrize("target", ["launcher", 0, 1, "all"])
def test_two_signals_end_the_job(tmp_path, whole, target):
    """The second one may come before or after the save of the first."""
    job = running(tmp_path / "run", 2, step=random.randint(1, 60))
    send(job, target, signal.SIGINT)
    with suppress(ProcessLookupError, TypeError):  # It may have ended.
        send(job, target, signal.SIGINT)
    code, lines = job.end()
    print(target, code, lines)
    assert code != 0
    assert len(own_lines(lines)) <= 1
    resumed(job.run, 2, whole)


def ranked(tmp_path, text):
    """Return the words of a launcher script: shell commands that a process runs before tinynet."""
    script = tmp_path / "ranked.sh"
    script.write_text(f'#!/bin/sh\n{text}\nexec "$@"\n')
    script.chmod(0o755)
    return [str(script)]


def write_table(folder, values):
    """Write a table, which is data of `CSV`."""
    folder.mkdir()
    rows = [f"{a},{b},{'yn'[a % 2]}" for a, b in enumerate(values)]
    (folder / "data.csv").write_text("\n".join(["a,b,kind", *rows]) + "\n")


CSV = {
    "tinynet": 1,
    "name": "table",
    "data": {"type": "csv", "path": "data.csv", "target": "kind"},
    "network": {"layers": [{"type": "dense", "units": 2}]},
    "training": {"epochs": 2, "batch_size": 8, "loss": "softmax_cross_entropy", "optimizer": "sgd"},
}


@pytest.mark.parametrize("odd", [0, 1, 2])
@pytest.mark.parametrize("kind", ["other values", "missing"])
def test_other_data_in_one_process_is_one_message(tmp_path, kind, odd):
    write_table(tmp_path / "one", range(40))
    write_table(tmp_path / "two", range(1, 41))
    if kind == "missing":
        (tmp_path / "two" / "data.csv").unlink()
    root = f'[ $PMI_RANK = {odd} ] && set -- "$@" --data-root {tmp_path}/two ||'
    words = ranked(tmp_path, f'{root} set -- "$@" --data-root {tmp_path}/one')
    (tmp_path / "spec.json").write_text(json.dumps(CSV))
    code, lines = launch(3, [*words, *TINYNET, "train", "spec.json", "--run", "run"], tmp_path)
    print(kind, odd, code, lines)
    errors = [line for line in lines if line.startswith("error: ")]
    assert len(errors) == 1
    assert code == (3 if kind == "missing" else 4)
    assert not (tmp_path / "run").exists()


def launch(processes, words, folder):
    """Run a command in several processes; return the exit code and the lines on stderr."""
    done = subprocess.run(
        [MPIEXEC, "-n", str(processes), *words],
        cwd=folder, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr.splitlines()


@pytest.mark.parametrize(("options", "code"), [("--fleet nothing", 5), ("--kernels nothing", 5)])
@pytest.mark.parametrize("odd", [0, 1])
def test_other_options_of_one_process_are_one_message(tmp_path, odd, options, code):
    words = ranked(tmp_path, f'[ $PMI_RANK = {odd} ] && set -- "$@" {options}')
    spec = write_spec(tmp_path / "run", epochs=1)
    command = [*words, *TINYNET, "train", str(spec), "--run", "run", "--quiet"]
    found, lines = launch(2, command, tmp_path)
    print(options, odd, found, lines)
    assert found == code
    assert len([line for line in lines if line.startswith("error: ")]) == 1


@pytest.mark.parametrize("at", ["first save", "later save"])
def test_a_full_disk_ends_the_job_with_one_message(tmp_path, whole, at):
    disk = tmp_path / "disk"
    disk.mkdir()
    size = 20 if at == "first save" else 56
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        code, lines = Job(disk / "run", 2).end()
        print(at, code, lines, sorted(os.listdir(disk / "run")))
        assert code == 4
        assert len(own_lines(lines)) == 1
        subprocess.run(["mount", "-o", "remount,size=8m", str(disk)], check=True)
        resumed(disk / "run", 2, whole)
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_folder_that_is_deleted_ends_the_job_with_one_message(tmp_path):
    job = running(tmp_path / "run", 2)
    shutil.rmtree(job.run, ignore_errors=True)
    code, lines = job.end()
    print(code, lines)
    assert code == 4
    assert len(own_lines(lines)) == 1


@pytest.fixture
def two_machines(tmp_path):
    """Two network namespaces with a link; the words that start two processes, and the link."""
    script = tmp_path / "enter.sh"
    script.write_text(
        '#!/bin/sh\n[ "$1" = -x ] && shift\n'
        "case $1 in 10.77.0.1) space=tinynet-a;; *) space=tinynet-b;; esac\n"
        'shift\nexec ip netns exec $space sh -c "$*"\n'
    )
    script.chmod(0o755)
    spaces = ("tinynet-a", "10.77.0.1"), ("tinynet-b", "10.77.0.2")
    try:
        for space, _ in spaces:
            ip("netns", "add", space)
        ip(*"link add va netns tinynet-a type veth peer name vb netns tinynet-b".split())
        for (space, address), link in zip(spaces, ("va", "vb"), strict=True):
            ip("-n", space, "addr", "add", f"{address}/24", "dev", link)
            ip("-n", space, "link", "set", "lo", "up")
            ip("-n", space, "link", "set", link, "up")
        hosts = ["-hosts", "10.77.0.1,10.77.0.2", "-launcher", "ssh", "-launcher-exec", str(script)]
        yield ["ip", "netns", "exec", "tinynet-a", MPIEXEC, *hosts, "-n", "2"]
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("network namespaces are not allowed here")
    finally:
        for space, _ in spaces:
            subprocess.run(["ip", "netns", "del", space], capture_output=True, check=False)


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True)


def test_a_link_that_is_down_ends_the_job(tmp_path, whole, two_machines):
    job = running(tmp_path / "run", 2, "--fleet-timeout", "4", launcher=two_machines)
    ip("-n", "tinynet-a", "link", "set", "va", "down")
    begun = time.monotonic()
    code, lines = job.end()
    print(code, f"{time.monotonic() - begun:.1f} s", lines)
    assert code != 0
    assert len([line for line in lines if line.startswith("error: ")]) == 1
    resumed(job.run, 2, whole)


def test_a_link_that_is_down_for_a_while_changes_nothing(tmp_path, whole, two_machines):
    job = running(tmp_path / "run", 2, "--fleet-timeout", "60", launcher=two_machines)
    ip("-n", "tinynet-a", "link", "set", "va", "down")
    time.sleep(2)
    ip("-n", "tinynet-a", "link", "set", "va", "up")
    code, lines = job.end()
    print(code, lines)
    assert (code, own_lines(lines)) == (0, [])
    assert_same(job.run, whole)
