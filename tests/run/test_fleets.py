"""The choice of the fleet: from the launcher's variables, or by name, with errors that help."""

import threading
from functools import partial

import pytest

from tinynet import registry
from tinynet.engine.watchdog import Watchdog
from tinynet.errors import PluginError
from tinynet.run import fleets
from tinynet.run.fleets import open_group
from tinynet.run.launcher import launched
from tinynet.testing.fleets import in_threads

VARIABLES = {"PMI_SIZE", "PMI_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"}


class Alone:
    """A fleet that does not see the other processes, as one of another MPI library does not."""

    rank, size = 0, 1


class Waiting:
    """A fleet that waits for a process that has ended, until the job ends."""

    rank, size = 2, 1
    released = threading.Event()

    def __init__(self):
        assert self.released.wait(30)


class Unbuildable:
    def __init__(self):
        raise RuntimeError("cannot load MPI library")


@pytest.fixture(autouse=True)
def no_launcher(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def nothing_but_tinynet(monkeypatch):
    """Hide the fleets that are installed on this machine."""
    entries = [e for group in registry.GROUPS for e in registry.default().entries(group)]
    own = registry.Registry(e for e in entries if e.distribution == "tinynet-core")
    monkeypatch.setattr(registry, "default", lambda: own)


@pytest.fixture
def four_launched(monkeypatch):
    monkeypatch.setenv("PMI_SIZE", "4")
    monkeypatch.setenv("PMI_RANK", "2")


SLURM = {"SLURM_STEP_NUM_TASKS": "8", "SLURM_PROCID": "3"}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        ({"PMI_SIZE": "2", "PMI_RANK": "1", "MPI_LOCALNRANKS": "2"}, (2, 1)),
        ({"OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_RANK": "0", "PMIX_RANK": "0"}, (4, 0)),
        (SLURM, (8, 3)),
        # The script of sbatch, which is one process in a job of eight.
        ({"SLURM_NTASKS": "8", "SLURM_PROCID": "0"}, None),
        # mpiexec within a job of Slurm
        ({**SLURM, "PMI_SIZE": "2", "PMI_RANK": "1"}, (2, 1)),
        ({"PMI_SIZE": "", "PMI_RANK": "x"}, None),
    ],
)
def test_launchers_are_recognized_by_their_variables(environment, expected):
    """Otherwise N processes would each train a run of their own."""
    assert launched(environment) == expected


def test_one_process_needs_no_fleet(register):
    register("fleets", "broken", Unbuildable)
    assert open_group({}) is None


def test_the_installed_fleet_connects_the_processes(register, four_launched):
    register("fleets", "broken", Unbuildable)
    with pytest.raises(PluginError, match="could not be constructed: RuntimeError: cannot load"):
        open_group({})


def test_none_lets_each_process_work_by_itself(register, four_launched):
    register("fleets", "broken", Unbuildable)
    assert open_group({"fleet": "none"}) is None


def test_several_processes_without_a_fleet_are_refused(four_launched):
    """Four runs would train the same spec side by side, each in a folder of its own."""
    with pytest.raises(PluginError) as caught:
        open_group({})
    assert str(caught.value) == (
        "4 processes were launched, but no fleet that connects them is installed:"
        " pip install tinynet-mpi, or add --fleet none to let each process work by itself"
    )


def test_several_fleets_are_refused(register, four_launched):
    register("fleets", "one", Alone)
    register("fleets", "two", Alone)
    with pytest.raises(PluginError, match="more than one fleet is installed; add --fleet test-pl"):
        open_group({})


def test_a_fleet_of_another_size_than_the_launcher_is_refused(register, four_launched):
    """`srun` without the right --mpi starts processes that do not see each other."""
    register("fleets", "alone", Alone)
    with pytest.raises(PluginError, match="started 4 processes, but the fleet"):
        open_group({"fleet": "alone"})


@pytest.mark.parametrize(
    ("name", "message"),
    [("mpi", "pip install tinynet-mpi, or --fleet none"), ("alnoe", "did you mean 'alone'?")],
)
def test_an_unknown_fleet_is_an_error(register, name, message):
    register("fleets", "alone", Alone)
    with pytest.raises(PluginError) as caught:
        open_group({"fleet": name})
    assert message in str(caught.value)


def test_an_object_can_be_the_fleet():
    groups = in_threads(3, lambda fleet: open_group({"fleet": fleet, "fleet_timeout": 60.0}))
    assert [group.rank for group in groups] == [0, 1, 2]
    assert groups[0].hosts == groups[2].hosts
    assert in_threads(1, lambda fleet: open_group({"fleet": fleet})) == [None]


def test_a_process_that_never_joins_ends_the_job(register, four_launched, monkeypatch):
    """A process may end by an error in its own script, and the others would wait forever."""
    codes, lines, returned = [], [], threading.Event()

    def leave(code):
        codes.append(code)
        Waiting.released.set()
        assert returned.wait(30)  # Otherwise the watch could end this process after the test.

    watchdog = partial(Watchdog, say=lines.append, leave=codes.append)
    monkeypatch.setattr(fleets, "Watchdog", watchdog)
    monkeypatch.setattr("os._exit", leave)
    register("fleets", "waiting", Waiting)
    with pytest.raises(PluginError, match="connects 1"):
        open_group({"fleet": "waiting", "fleet_timeout": 0.1})
    returned.set()
    assert codes[0] == 4
    assert lines[0].startswith("error: process 2 of 4 has waited for the others")
    assert "in the start and ends the job; every process must make this call" in lines[0]
