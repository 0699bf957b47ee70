"""Processes that a launcher starts must see each other, and end together."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mpi4py", reason="mpi4py is not installed")
from launching import MPIEXEC, environment, is_mpich, launcher, messages

WORKER = Path(__file__).with_name("worker.py")
pytestmark = pytest.mark.skipif(MPIEXEC is None, reason="there is no mpiexec: pip install mpich")


def start(task, processes=2, **variables):
    """Start processes that work on a task of `worker.py`, and wait for their end."""
    command = [*launcher(processes), sys.executable, str(WORKER), task]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=120,
        env=environment(**variables),
        check=False,
    )


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_it_passes_the_kit(processes):
    done = start("kit", processes)
    assert done.returncode == 0, done.stderr
    assert not messages(done.stderr)


@pytest.mark.parametrize("task", ["small_chunks", "crowded", "twice"])
def test_objects_arrive_in_many_messages_and_with_pauses(task):
    done = start(task, 3)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("processes", [1, 2, 5])
def test_objects_of_any_length_arrive(processes):
    done = start("slots", processes)
    assert done.returncode == 0, done.stderr


def test_a_failure_is_one_message_and_its_exit_code():
    """Lines of the launcher would hide the message."""
    done = start("failure")
    assert done.returncode == 3
    assert messages(done.stderr) == ["process 1 of 2 on HOST: no such file"]


def test_a_process_that_is_stopped_ends_the_job():
    """MPI itself would wait forever."""
    done = start("hang")
    assert done.returncode == 4
    warning, error = messages(done.stderr)
    assert warning.startswith("warning: process 0 of 2 has waited for the others")
    assert error.startswith("error: process 0 of 2 has waited")
    assert "step 7" in error


def test_a_process_that_ends_before_it_joins_ends_the_job():
    """MPI itself would wait forever, and Ctrl-C would be the only way out."""
    done = start("absent", 3)
    if not is_mpich():  # The launcher of Open MPI sees it.
        assert done.returncode != 0
        return
    assert done.returncode == 4
    warning, error = messages(done.stderr)
    assert warning.startswith("warning: process 0 of 3 has waited for the others for")
    assert "in the start: a process may have ended before it joined them" in warning
    assert error.startswith("error: process 0 of 3 has waited for the others for")
    assert "in the start and ends the job" in error


def test_a_process_that_joins_late_is_no_failure():
    done = start("late")
    assert (done.returncode, messages(done.stderr)) == (0, [])


@pytest.mark.parametrize(("task", "code"), [("unreachable", 4), ("locked", 1)])
def test_a_process_that_cannot_reach_its_launcher_ends_itself(task, code):
    """MPICH waits forever for the launcher on a machine that is cut off."""
    done = start(task, None)
    assert done.returncode == code
    assert not done.stderr


def test_the_library_need_not_be_found():
    """On some systems only mpi4py has the address of its functions."""
    done = start("other_library", 2)
    assert (done.returncode, messages(done.stderr)) == (0, [])


@pytest.mark.parametrize("task", ["mixed", "mixed_before"])
def test_a_program_can_call_mpi_itself(task):
    """MPI must be as mpi4py starts it: with exceptions, and until the very end."""
    done = start(task, 2)
    assert (done.returncode, messages(done.stderr)) == (0, [])
    assert sorted(done.stdout.split()) == ["rank0", "rank1"]


def test_an_interrupt_reaches_a_process_that_waits():
    """Within a call of MPI that blocks, Python's signal handlers would not run."""
    done = start("interrupt")
    assert done.returncode == 130
    (line,) = messages(done.stderr)
    assert "process 1 of 2" in line
    assert "was interrupted" in line


def test_a_process_that_dies_ends_the_job():
    done = start("killed")
    assert done.returncode != 0


def test_processes_end_at_different_times():
    done = start("alone")
    assert (done.returncode, done.stdout.split()) == (0, ["done", "done"])


def test_a_missing_library_is_explained():
    done = start("kit", 1, MPI4PY_LIBMPI="/nowhere/libmpi.so")
    assert done.returncode != 0
    assert "MPI cannot be started" in done.stderr
    assert "pip install mpich" in done.stderr
