"""The messages of `GradientSum`, recorded from its own code, and their times in a model network.

The sum of each process runs with a group that carries nothing: neither the calls nor their lengths
depend on the numbers. Short vectors are recorded, and their messages lengthened in proportion.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from statistics import median
from time import perf_counter
from typing import NamedTuple
from unittest.mock import patch

import numpy as np

from tests.benchmarks.fleets.network import Network, Times
from tinynet.engine import exchange
from tinynet.engine.exchange import Algorithm
from tinynet.engine.gradient_sum import GradientSum, owned_shards
from tinynet.engine.threads import ThreadPool
from tinynet.types import Array, Shape

ITEM = 4
"""Bytes of a float32."""

PARAMETERS = 8
"""Parameters into which the elements of a gradient are divided, as in a network of four layers."""

RECORDED = 64
"""Elements for each process of the vectors whose messages are recorded."""

REPEATS, LONG = 5, 0.5
"""Measurements of the local work, and seconds after which they are enough."""


class Call(NamedTuple):
    """A call of a group.

    Attributes:
        name: The method.
        sent: Elements sent: to the peer, to each process, or the piece of each process.
        received: Elements received: from the peer, or from each process.
        peer: The peer of a swap.
    """

    name: str
    sent: tuple[int, ...]
    received: tuple[int, ...] = ()
    peer: int = -1


class Recorder:
    """A group that records its calls, and fills received arrays with zeros."""

    def __init__(self, rank: int, size: int) -> None:
        self.rank, self.size = rank, size
        self.calls: list[Call] = []
        self.seconds = 0.0  # in the calls of this group

    def swap(self, peer: int, send: Array, receive: Array) -> None:
        start = perf_counter()
        self.calls.append(Call("swap", (send.size,), (receive.size,), peer))
        receive[...] = 0
        self.seconds += perf_counter() - start

    def all_to_all(
        self, send: Array, sent: Sequence[int], receive: Array, received: Sequence[int]
    ) -> None:
        start = perf_counter()
        self.calls.append(Call("all_to_all", tuple(sent), tuple(received)))
        receive[...] = 0
        self.seconds += perf_counter() - start

    def all_gather_array(self, mine: Array, whole: Array, counts: Sequence[int]) -> None:
        start = perf_counter()
        self.calls.append(Call("all_gather_array", tuple(counts)))
        whole[...] = 0
        self.seconds += perf_counter() - start


def shapes_of(length: int) -> dict[str, Shape]:
    """Return the shapes of parameters that have so many elements together."""
    edges = [length * i // PARAMETERS for i in range(PARAMETERS + 1)]
    return {f"layer_{i}/weight": (edges[i + 1] - edges[i],) for i in range(PARAMETERS)}


def gradients_of(shapes: Mapping[str, Shape], shards: int, seed: int) -> dict[str, list[Array]]:
    """Return gradients of some shards."""
    draw = np.random.default_rng(seed)
    return {
        address: [draw.random(shape, np.float32) for _ in range(shards)]
        for address, shape in shapes.items()
    }


class _Sum:
    """The sum of one process, with a recorder."""

    def __init__(
        self, rank: int, size: int, shards: int, algorithm: Algorithm | None, length: int
    ) -> None:
        shapes = shapes_of(length)
        self.recorder = Recorder(rank, size)
        self._sum = GradientSum(shapes, np.float32, ThreadPool(1), self.recorder, algorithm)
        self._own, self._shards = owned_shards(shards, size, "tree")[rank], shards
        self._parts = gradients_of(shapes, len(self._own), rank)

    def run(self) -> float:
        """Run it; return the seconds outside of the calls of the group."""
        self.recorder.calls, self.recorder.seconds = [], 0.0
        start = perf_counter()
        self._sum.sum(self._parts, self._own, self._shards, "tree")
        return perf_counter() - start - self.recorder.seconds


@cache
def calls_of_all(
    size: int, shards: int, algorithm: Algorithm | None
) -> tuple[int, list[list[Call]]]:
    """Return the length of the recorded vectors, and the calls of each process."""
    length, calls = RECORDED * size, []
    # Every process finds the nodes of all; here, all processes are one.
    with patch.object(exchange, "subtrees", cache(exchange.subtrees)):
        for rank in range(size):
            one = _Sum(rank, size, shards, algorithm, length)
            one.run()
            calls.append(one.recorder.calls)
    return length, calls


@cache
def local_work(size: int, shards: int, algorithm: Algorithm | None, length: int) -> float:
    """Return the seconds of placing and adding in the process with the most of it.

    They are measured on this machine with vectors of the whole length, in the first and the last
    process that have shards.
    """
    seconds = []
    for rank in sorted({0, min(size, shards) - 1}):
        one = _Sum(rank, size, shards, algorithm, length)
        one.run()
        times = [one.run()]
        while len(times) < REPEATS and sum(times) < LONG:
            times.append(one.run())
        seconds.append(median(times))
    return max(seconds)


def moving(
    network: Network, size: int, shards: int, algorithm: Algorithm | None, length: int
) -> float:
    """Return the seconds of the messages of a sum, from the simultaneous start to the last end."""
    recorded, calls = calls_of_all(size, shards, algorithm)
    return float(finish_times(network, calls, ITEM * length / recorded).max())


def finish_times(network: Network, calls: Sequence[Sequence[Call]], unit: float) -> Times:
    """Return the time at which each process has made all its calls.

    Args:
        network: The network.
        calls: The calls of each process.
        unit: Bytes of an element.
    """
    size = len(calls)
    clocks = np.zeros(size)
    done = [0] * size
    while unfinished := [rank for rank in range(size) if done[rank] < len(calls[rank])]:
        following = {rank: calls[rank][done[rank]] for rank in unfinished}
        pairs = [rank for rank in unfinished if _meets(following, rank)]
        if pairs:
            peers, sent = np.arange(size), np.zeros(size)
            for rank in pairs:
                peers[rank], sent[rank] = following[rank].peer, following[rank].sent[0] * unit
            clocks[pairs] = network.swap(clocks, peers, sent)[pairs]
        else:
            clocks, pairs = _together(network, clocks, following, unit), unfinished
        for rank in pairs:
            done[rank] += 1
    return clocks


def _meets(following: Mapping[int, Call], rank: int) -> bool:
    """Return True if a process and its peer are about to swap with each other."""
    call = following[rank]
    if call.name != "swap":
        return False
    other = following.get(call.peer)
    return other is not None and other.name == "swap" and other.peer == rank


def _together(network: Network, clocks: Times, following: Mapping[int, Call], unit: float) -> Times:
    """Return the clocks after a call that all processes make together."""
    names = {call.name for call in following.values()}
    assert len(following) == len(clocks), "processes wait for some that have ended"
    assert len(names) == 1, f"the processes wait for each other in {names}"
    if names == {"all_to_all"}:
        sizes = np.array([following[rank].sent for rank in range(len(clocks))], float)
        return network.all_to_all(clocks, sizes * unit)
    assert names == {"all_gather_array"}, f"the processes wait for each other in {names}"
    return network.all_gather(clocks, np.array(following[0].sent, float) * unit)
