"""The conformance kit for fleets, and fleets of threads to test everything that uses a fleet."""

import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

import numpy as np
from numpy.typing import DTypeLike

from tinynet.errors import TinynetError
from tinynet.fleet import Fleet
from tinynet.testing.arrays import read_only
from tinynet.testing.checks import Check, CheckFailed, checks_of, explain, require
from tinynet.testing.thread_fleet import ThreadFleet, Unanswered
from tinynet.types import Array

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds that a process waits for another before it fails; no test computes for so long."""

DTYPES = ("float32", "float64", "int32", "int64", "uint8", "bool")
LARGE = 2**17
"""Elements of an array that is too large to be sent before its receiver waits for it."""
GUARD = 3
"""Elements before and after an array to be filled, which must keep their values."""


class Filled:
    """An array to be filled, between elements that must keep their values."""

    def __init__(self, count: int, dtype: DTypeLike) -> None:
        self._all = np.ones(count + 2 * GUARD, dtype)
        self.array = self._all[GUARD : GUARD + count]
        self.array[...] = 0

    def require(self, expected: Array, call: str) -> None:
        """Raise `CheckFailed` unless the array has some elements, and those around it are kept."""
        wrong = np.flatnonzero(self.array != expected)
        if len(wrong):
            first = wrong[0]
            raise CheckFailed(
                f"{call}: element {first} of {len(expected)} of {self.array.dtype} is"
                f" {self.array[first]}, not {expected[first]}"
            )
        around = np.concatenate([self._all[:GUARD], self._all[-GUARD:]])
        require(bool((around == 1).all()), f"{call}: elements outside of the array are changed")


def content(sender: int, receiver: int, count: int, dtype: DTypeLike) -> Array:
    """Return the array that one process sends to another; it cannot be written to."""
    numbers = (np.arange(min(count, 251)) * 7 + sender * 31 + receiver * 17 + 1) % 251
    values = numbers % 2 if np.dtype(dtype) == bool else numbers
    return read_only(np.resize(values.astype(dtype), count))


def ranks(fleet: Fleet) -> None:
    """Each process has a rank of its own, and items are gathered in their order."""
    gathered, expected = fleet.all_gather(fleet.rank), list(range(fleet.size))
    require(gathered == expected, f"the gathered ranks are {gathered}, not {expected}")


def objects(fleet: Fleet) -> None:
    """Objects of any type and size are gathered in the order of the ranks, or broadcast."""

    def item(rank: int) -> Any:
        return {"rank": rank, "text": "\u00e9" * 3000 * rank} if rank % 3 else [None, rank]

    gathered = fleet.all_gather(item(fleet.rank))
    shared = [
        fleet.broadcast(sent if fleet.rank == 0 else fleet.rank)
        for sent in (None, ("text", 0.1), b"0" * LARGE)
    ]
    wrong = [rank for rank in range(fleet.size) if gathered[rank] != item(rank)]
    require(len(gathered) == fleet.size, f"all_gather returns {len(gathered)} items")
    require(not wrong, f"all_gather returns another item than that of process {wrong[:1]}")
    names = ("None", "a tuple", f"{LARGE} bytes")
    for name, got, sent in zip(names, shared, (None, ("text", 0.1), b"0" * LARGE), strict=True):
        require(got == sent, f"broadcast returns another object than {name} of process 0")


def swap(fleet: Fleet) -> None:
    """Each two processes swap arrays, each process with itself; some are empty."""
    results = []
    for number in range(fleet.size):
        peer = (number - fleet.rank) % fleet.size
        for dtype in DTYPES:
            results.append(_swap(fleet, peer, dtype, lambda sender, to: (sender * 2 + to) % 4))
    _require(results)


def swap_large(fleet: Fleet) -> None:
    """Two processes swap large arrays: neither waits until the other has received."""
    peers = [(number - fleet.rank) % fleet.size for number in range(min(fleet.size, 3))]
    _require([_swap(fleet, peer, "float64", lambda sender, _: LARGE + sender) for peer in peers])


def all_to_all(fleet: Fleet) -> None:
    """Each process sends a piece of its own length to each."""
    lengths = [lambda sender, to: (sender + 2 * to) % 4, lambda *_: 0, lambda sender, _: sender % 2]
    _require([_all_to_all(fleet, dtype, length) for dtype in DTYPES for length in lengths])


def all_to_all_large(fleet: Fleet) -> None:
    """Each process sends a large piece to each."""
    _require([_all_to_all(fleet, "float64", lambda sender, _: LARGE // fleet.size + sender)])


def all_gather_array(fleet: Fleet) -> None:
    """Arrays are filled with pieces of different lengths."""
    lengths = [lambda rank: (2 * rank + 1) % 4, lambda _: 0, lambda rank: 3 * (rank == 0)]
    _require([_all_gather_array(fleet, dtype, length) for dtype in DTYPES for length in lengths])


def all_gather_array_large(fleet: Fleet) -> None:
    """Large arrays are filled."""
    _require([_all_gather_array(fleet, "float64", lambda rank: LARGE // fleet.size + rank)])


def memory(fleet: Fleet) -> None:
    """An array may be changed as soon as the call that sends it has returned."""
    size, rank, rounds = fleet.size, fleet.rank, 20
    mine, whole, received = np.zeros(5), np.zeros(5 * size), np.zeros(5 * size)
    results = []
    for number in range(rounds):
        mine[:] = number * 1000 + rank
        fleet.all_gather_array(mine, whole, [5] * size)
        mine[:] = -1
        results.append(whole[::5].tolist())
        sent = np.repeat(number * 1000.0 + rank, 5 * size)
        fleet.all_to_all(sent, [5] * size, received, [5] * size)
        sent[:] = -1
        results.append(received[::5].tolist())
    expected = [[n * 1000.0 + r for r in range(size)] for n in range(rounds) for _ in range(2)]
    require(results == expected, "an array that is used for several calls brings wrong elements")


def threads(fleet: Fleet) -> None:
    """Another thread than the one that constructed the fleet may call."""
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(fleet.all_gather(fleet.rank)))
    thread.start()
    thread.join()
    require(results == [list(range(fleet.size))], f"all_gather in a thread returns {results}")


def _swap(fleet: Fleet, peer: int, dtype: str, length: Callable[[int, int], int]) -> Any:
    send = content(fleet.rank, peer, length(fleet.rank, peer), dtype)
    expected = content(peer, fleet.rank, length(peer, fleet.rank), dtype)
    filled = Filled(len(expected), dtype)
    fleet.swap(peer, send.reshape(-1, 1), filled.array.reshape(1, -1))
    return filled, expected, f"swap with process {peer}"


def _all_to_all(fleet: Fleet, dtype: str, length: Callable[[int, int], int]) -> Any:
    rank, everyone = fleet.rank, range(fleet.size)
    sent = [length(rank, peer) for peer in everyone]
    received = [length(peer, rank) for peer in everyone]
    pieces = [content(rank, peer, sent[peer], dtype) for peer in everyone]
    expected = np.concatenate([content(peer, rank, received[peer], dtype) for peer in everyone])
    filled = Filled(len(expected), dtype)
    fleet.all_to_all(read_only(np.concatenate(pieces)), sent, filled.array, received)
    return filled, expected, f"all_to_all with pieces of {received[:8]}"


def _all_gather_array(fleet: Fleet, dtype: str, length: Callable[[int], int]) -> Any:
    counts = [length(rank) for rank in range(fleet.size)]
    pieces = [content(rank, 0, count, dtype) for rank, count in enumerate(counts)]
    filled = Filled(sum(counts), dtype)
    fleet.all_gather_array(pieces[fleet.rank], filled.array, counts)
    return filled, np.concatenate(pieces), f"all_gather_array of pieces of {counts[:8]}"


def _require(results: Sequence[Any]) -> None:
    """Compare after the last call, so that a wrong element in one process lets no other wait."""
    for filled, expected, call in results:
        filled.require(expected, call)


FLEET_CHECKS: tuple[Callable[[Fleet], None], ...] = (
    ranks, objects, swap, swap_large, all_to_all, all_to_all_large, all_gather_array,
    all_gather_array_large, memory, threads,
)  # fmt: skip


def fleet_checks(fleet: Fleet) -> list[Check]:
    """Return the checks of a fleet; all of its processes run each of them, in this order.

    ``abort`` is not checked: it would end the checks.

    Args:
        fleet: The fleet of this process.
    """
    return checks_of(type(fleet).__name__, fleet, FLEET_CHECKS)


def check_fleet(fleet: Fleet) -> None:
    """Run all of `fleet_checks` in all processes, started by the launcher that the fleet is for.

    Some mistakes show with three or more processes only.

    Args:
        fleet: The fleet of this process.

    Raises:
        CheckFailed: In every process, with a line for each finding in any process. Only in this
            process, and at once, if the fleet raises an exception.
    """
    sizes = fleet.all_gather(fleet.size)
    if sizes != [fleet.size] * fleet.size:
        raise CheckFailed(f"{type(fleet).__name__}: the processes have the sizes {sizes}")
    place = f"process {fleet.rank} of {fleet.size}"
    lines = []
    for check in fleet_checks(fleet):
        finding, error = explain(check)
        if finding:
            lines.append(f"{check.subject}, {check.name}: {place}: {finding}")
        if error is not None:  # The other processes wait for this one, so no check can follow.
            raise CheckFailed("\n".join(lines)) from error
    # The lines of this process are among those gathered, unless it is `all_gather` that is wrong.
    everywhere = {*lines, *(line for of_one in fleet.all_gather(lines) for line in of_one)}
    if everywhere:
        raise CheckFailed("\n".join(sorted(everywhere)))


def in_threads(size: int, work: Callable[[Fleet], T], patience: float = PATIENCE) -> list[T]:
    """Run some work in each process of a fleet whose processes are threads, and return the results.

    A process whose work raises an exception, or returns, while others wait for it, ends the others.

    Args:
        size: Number of processes.
        work: The work of one process, which gets its fleet.
        patience: Seconds that a process waits for another before it fails.

    Returns:
        The result of each process, in the order of the ranks.

    Raises:
        BaseException: The exception of the process of the lowest rank that failed by itself.
            `SystemExit` after `abort`.
        TinynetError: If processes wait for each other in vain, or their calls do not match.
    """
    channels = [[SimpleQueue[Any]() for _ in range(size)] for _ in range(size)]
    results: dict[int, T] = {}
    failures: dict[int, BaseException] = {}
    ended: SimpleQueue[int] = SimpleQueue()

    def run(rank: int) -> None:
        fleet = ThreadFleet(rank, channels, patience)
        try:
            results[rank] = work(fleet)
        except BaseException as error:
            failures[rank] = error
        finally:
            fleet.end()
            ended.put(rank)

    for rank in range(size):
        threading.Thread(target=run, args=(rank,), name=f"process-{rank}", daemon=True).start()
    waiting = set(range(size))
    while waiting:
        try:
            waiting.remove(ended.get(timeout=patience if failures else None))
        except Empty:
            break  # The others do not return even though one has failed: the failure matters more.
    causes = [rank for rank in failures if not isinstance(failures[rank], Unanswered)]
    if causes:
        raise failures[min(causes)]
    if failures:
        raise TinynetError(str(failures[min(failures)]))
    return [results[rank] for rank in range(size)]
