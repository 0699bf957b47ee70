"""Jobs that are stopped or killed resume, in another number of processes, to the same bits.

The numbers of processes that start a job are in the variable PROCESSES: ``PROCESSES=1,2,3,5,8``.
"""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

pytest.importorskip("mpi4py", reason="mpi4py is not installed")
from file_jobs import NAMES, write_jobs
from fleet_runs import content
from launching import MPIEXEC, environment, is_mpich, launcher

from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.run.folder import RunFolder

pytestmark = pytest.mark.skipif(MPIEXEC is None, reason="there is no mpiexec: pip install mpich")
PROCESSES = [int(size) for size in os.environ.get("PROCESSES", "2").split(",")]
SPEC = f"{NAMES['batch norm, accumulation, class weights, averages']}.json"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of the jobs."""
    folder = tmp_path_factory.mktemp("jobs")
    write_jobs(folder)
    return folder


def start(folder, processes, *words):
    """Start a command of tinynet under the launcher, in a process group of its own."""
    return subprocess.Popen(
        [*launcher(processes), sys.executable, "-m", "tinynet", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=environment(PYTHONPATH=str(folder)),
        start_new_session=True,
    )


def finish(folder, processes, *words):
    """Run a command of tinynet to its end, which must be a success."""
    process = start(folder, processes, *words)
    _, stderr = process.communicate(timeout=300)
    assert process.returncode == 0, stderr


def start_endless(folder, processes, run):
    """Start to train a run that does not end by itself, and wait until it has trained."""
    many = ["--set", "training.epochs=100000"]
    process = start(folder, processes, "train", SPEC, "--run", run, "--threads", "1", *many)
    for line in process.stderr:
        if line.lstrip().startswith("2/"):
            return process
    raise AssertionError(f"it ended by itself: {process.wait()}")


def workers(process):
    """Return the ids of the processes of tinynet that a launcher has started."""
    parents = {}
    for entry in Path("/proc").iterdir():
        with suppress(OSError, IndexError):
            if entry.name.isdecimal():
                status = (entry / "stat").read_text().rpartition(")")[2].split()
                parents[int(entry.name)] = int(status[1]), (entry / "cmdline").read_bytes()
    family = {process.pid}
    while more := {pid for pid, (parent, _) in parents.items() if parent in family} - family:
        family |= more
    family.remove(process.pid)
    return sorted(pid for pid in family if parents[pid][1].split(b"\0")[1:3] == [b"-m", b"tinynet"])


def assert_resumes(folder, run, processes):
    """Require that a stopped run resumes to the bits of one that was never stopped."""
    files = RunFolder(folder / run)
    epochs = str(Checkpoint.read(files.checkpoint(files.steps()[-1])).progress.epoch + 2)
    whole = f"{run}-whole"
    finish(folder, processes, "resume", run, "--set", f"training.epochs={epochs}", "--quiet")
    length = ["--set", f"training.epochs={epochs}", "--threads", "1", "--quiet"]
    finish(folder, None, "train", SPEC, "--run", whole, *length)
    found, expected = content(folder / run), content(folder / whole)
    last = max(expected[0])
    assert max(found[0]) == last
    assert found[0][last][:2] == expected[0][last][:2]
    assert found[1] == expected[1]


@pytest.mark.parametrize("processes", PROCESSES)
def test_a_job_that_gets_sigterm_resumes_in_another_number(folder, processes):
    """Schedulers send it before the time of a job is up."""
    process = start_endless(folder, processes, f"stopped-{processes}")
    # Open MPI's launcher kills the processes too soon after a signal of its own.
    os.kill(process.pid if is_mpich() else workers(process)[-1], signal.SIGTERM)
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 143
    assert not stdout
    assert sum("Continue with: tinynet resume" in line for line in stderr.splitlines()) == 1
    assert_resumes(folder, f"stopped-{processes}", 1 if processes == 3 else 3)


@pytest.mark.parametrize("processes", PROCESSES)
def test_a_job_with_a_killed_process_resumes_in_another_number(folder, processes):
    """A machine crashes, or the system has no memory left."""
    process = start_endless(folder, processes, f"killed-{processes}")
    os.kill(workers(process)[-1], signal.SIGKILL)
    process.communicate(timeout=120)
    assert process.returncode != 0
    assert_resumes(folder, f"killed-{processes}", 1 if processes == 3 else 3)


@pytest.mark.parametrize("processes", PROCESSES)
def test_a_job_without_its_launcher_resumes(folder, processes):
    """Processes that remain would hold the lock of the run."""
    process = start_endless(folder, processes, f"orphaned-{processes}")
    started = workers(process)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(timeout=120)
    try:
        process.communicate(timeout=120)  # Their end closes stdout and stderr.
    finally:
        for pid in started:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    assert_resumes(folder, f"orphaned-{processes}", 1 if processes == 3 else 3)
