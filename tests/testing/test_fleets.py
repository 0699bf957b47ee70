"""The fleet of threads moves arrays as a fleet does, and reports calls that do not match."""

import numpy as np
import pytest

from tinynet.errors import TinynetError
from tinynet.testing.fleets import in_threads


def test_processes_have_ranks_and_results_are_in_their_order():
    assert in_threads(3, lambda fleet: (fleet.rank, fleet.size)) == [(0, 3), (1, 3), (2, 3)]


@pytest.mark.parametrize("size", [1, 2, 5])
def test_objects_are_copied(size):
    def work(fleet):
        mine = {"rank": fleet.rank}
        gathered = fleet.all_gather(mine)
        mine["rank"] = -1
        return gathered, fleet.broadcast(mine if fleet.rank else "first")

    assert in_threads(size, work) == [([{"rank": r} for r in range(size)], "first")] * size


def test_arrays_are_moved():
    def work(fleet):
        rank, whole = fleet.rank, np.zeros(3)
        received = np.zeros(2)
        fleet.swap(1 - rank, np.full((rank + 1, 1), rank), np.zeros(2 - rank, int))
        fleet.all_to_all(np.array([rank, rank + 10.0]), [1, 1], received, [1, 1])
        fleet.all_gather_array(np.full(rank + 1, rank + 1.0), whole, [1, 2])
        return received.tolist(), whole.tolist()

    assert in_threads(2, work) == [([0, 1], [1, 2, 2]), ([10, 11], [1, 2, 2])]


def fail(fleet):
    if fleet.rank:
        raise ValueError(f"process {fleet.rank}")
    fleet.all_gather(None)


def leave(fleet):
    if fleet.rank == 0:
        fleet.broadcast(None)


def differ(fleet):
    if fleet.rank == 0:
        fleet.broadcast(None)
    else:
        fleet.all_gather(None)


def miscount(fleet):
    fleet.swap(1 - fleet.rank, np.zeros(2 + fleet.rank), np.zeros(2))


def wait_in_vain(fleet):
    fleet.swap((fleet.rank + 1) % 3, np.zeros(1), np.zeros(1))


@pytest.mark.parametrize(
    ("size", "work", "error", "message"),
    [
        (3, fail, ValueError, "process 1"),
        (
            2,
            leave,
            TinynetError,
            "process 0 of 2 waits in broadcast for process 1, which has ended",
        ),
        (
            2,
            differ,
            TinynetError,
            "calls all_gather, but process 0 calls broadcast|calls broadcast",
        ),
        (2, miscount, TinynetError, r"pieces of \[3\] elements arrive, but pieces of \[2\]"),
        (3, wait_in_vain, TinynetError, r"process 0 of 3 has waited in swap for process 1"),
    ],
)
def test_a_mistake_ends_all_processes(size, work, error, message):
    """A test must fail instead of hang."""
    with pytest.raises(error, match=message):
        in_threads(size, work, patience=0.2)


def test_abort_ends_processes_that_wait():
    def work(fleet):
        if fleet.rank == 1:
            fleet.abort(4)
        fleet.all_gather(None)

    with pytest.raises(SystemExit) as failure:
        in_threads(3, work)
    assert failure.value.code == 4
