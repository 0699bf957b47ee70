"""The kit finds mistakes of fleets; the fleet of threads finds calls that do not match."""

import threading

import numpy as np
import pytest

from tinynet.errors import TinynetError
from tinynet.testing import CheckFailed, check_fleet
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
    ],
)
def test_a_mistake_ends_all_processes(size, work, error, message):
    """A test must fail instead of hang."""
    with pytest.raises(error, match=message):
        in_threads(size, work)


def test_processes_that_wait_for_each_other_fail():
    with pytest.raises(TinynetError, match=r"process . of 3 has waited in swap for process . for"):
        in_threads(3, wait_in_vain, patience=0.2)


def test_abort_ends_processes_that_wait():
    def work(fleet):
        if fleet.rank == 1:
            fleet.abort(4)
        fleet.all_gather(None)

    with pytest.raises(SystemExit) as failure:
        in_threads(3, work)
    assert failure.value.code == 4


# The conformance kit --------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_a_correct_fleet_passes(size):
    in_threads(size, check_fleet)


class Wrapped:
    """A fleet that passes on all calls."""

    def __init__(self, fleet):
        self._fleet, self.rank, self.size = fleet, fleet.rank, fleet.size

    def __getattr__(self, name):
        return getattr(self._fleet, name)


class OrderOfArrival(Wrapped):
    def all_gather(self, item):
        items = self._fleet.all_gather(item)
        return items[self.rank :] + items[: self.rank]


class OwnBroadcast(Wrapped):
    def broadcast(self, item):
        self._fleet.broadcast(item)
        return item


class OneSize(Wrapped):
    def __init__(self, fleet):
        super().__init__(fleet)
        self.size = fleet.size if fleet.rank else 2


class SwapsOneOnly(Wrapped):
    def swap(self, peer, send, receive):
        whole = np.zeros_like(receive)
        self._fleet.swap(peer, send, whole)
        receive.reshape(-1)[:1] = whole.reshape(-1)[:1]


class SinglePrecision(Wrapped):
    def swap(self, peer, send, receive):
        self._fleet.swap(peer, send, receive)
        if receive.dtype == np.int64:
            receive.view(np.int32)[...] = 0


class Overflows(Wrapped):
    def all_gather_array(self, mine, whole, counts):
        self._fleet.all_gather_array(mine, whole, counts)
        whole.base[len(whole) + 3] = 0


class Reversed(Wrapped):
    def all_to_all(self, send, sent, receive, received):
        self._fleet.all_to_all(send, sent, receive, received)
        receive[:] = receive[::-1].copy()


class Delays(Wrapped):
    """A fleet that brings what an earlier call has sent."""

    kept = None

    def all_gather_array(self, mine, whole, counts):
        first = np.zeros_like(whole)
        self._fleet.all_gather_array(mine, first, counts)
        delayed = self.kept if len(counts) * 5 == len(whole) and self.kept is not None else first
        whole[:] = delayed
        self.kept = first if len(counts) * 5 == len(whole) else None


class NoEmptyArrays(Wrapped):
    def all_to_all(self, send, sent, receive, received):
        if not len(send):
            raise ValueError("nothing to send")
        self._fleet.all_to_all(send, sent, receive, received)


class OneThread(Wrapped):
    def __init__(self, fleet):
        super().__init__(fleet)
        self._thread = threading.get_ident()

    def all_gather(self, item):
        gathered = self._fleet.all_gather(item)
        return gathered if threading.get_ident() == self._thread else None


@pytest.mark.parametrize(
    ("cls", "finding"),
    [
        (
            OrderOfArrival,
            r"ranks: process . of 3: the gathered ranks are \[1, 2, 0\], not \[0, 1, 2\]",
        ),
        (OwnBroadcast, "objects: process . of 3: broadcast returns another object than None of"),
        (OneSize, r"the processes have the sizes \[2, 3, 3\]"),
        (SwapsOneOnly, "swap: process . of 3: swap with process .: element 1 of . of float32 is 0"),
        (SinglePrecision, "swap with process .: element 0 of . of int64 is 0, not"),
        (Overflows, "all_gather_array: process 0 .*: elements outside of the array are changed"),
        (Reversed, r"all_to_all: process . of 3: all_to_all with pieces of \[.*\]: element"),
        (Delays, "memory: process . of 3: an array that is used for several calls"),
        (NoEmptyArrays, "all_to_all: process . of 3: raised ValueError: nothing to send"),
        (OneThread, r"threads: process . of 3: all_gather in a thread returns \[None\]"),
    ],
)
def test_a_wrong_fleet_is_found(cls, finding):
    with pytest.raises(CheckFailed, match=finding):
        in_threads(3, lambda fleet: check_fleet(cls(fleet)))


def test_a_finding_of_one_process_is_reported_by_all():
    """The author may see the output of one process only."""

    def work(fleet):
        with pytest.raises(CheckFailed, match="process 2 of 3") as failure:
            check_fleet(Reversed(fleet) if fleet.rank == 2 else fleet)
        return str(failure.value)

    assert len(set(in_threads(3, work))) == 1
