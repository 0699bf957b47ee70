"""A model of a network of processes: the time at which each has finished each call of a fleet.

It is LogGP (Alexandrov, Ionescu, Schauser and Scheiman, 1995) with the collective algorithms of
MPICH. Each process has a link of its own in both directions, and the network between the links
never limits. A message of b bytes costs its sender and its receiver ``overhead`` each, keeps both
links busy for b / bandwidth, and its last byte arrives after a further ``wire``. A message above
``eager_bytes`` starts after a request and its answer, as in the rendezvous of MPI.
"""

from dataclasses import dataclass
from struct import Struct

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.float64]
Ranks = NDArray[np.int64]

SHORT_GATHER, LONG_GATHER = 80 << 10, 512 << 10
"""Bytes of a whole all-gather from which MPICH uses a ring: for numbers of processes that are no
power of two, and for powers of two."""

HEAD = Struct("<q?")
"""The start of a slot of `tinynet-mpi`: the length of an object, and its kind."""

LONG_REDUCE = 2 << 10
"""Bytes from which MPI_Allreduce of MPICH halves the array."""


@dataclass(frozen=True)
class Network:
    """The figures of a network.

    Attributes:
        latency: Seconds from the start of sending a small message to its receipt.
        bandwidth: Bytes per second of a link, in each direction.
        overhead: Seconds that a message costs the processor of its sender, and of its receiver.
        eager_bytes: Longest message that is sent without asking the receiver.
        slot: Bytes of a process in the first messages of `tinynet-mpi` for pickled objects.
    """

    latency: float
    bandwidth: float
    overhead: float = 1e-6
    eager_bytes: int = 64 << 10
    slot: int = 512

    @property
    def wire(self) -> float:
        """Seconds of a small message outside of the processors of both ends."""
        return max(self.latency - 2 * self.overhead, 0.0)

    def swap(self, clocks: Times, peers: Ranks, sent: Times) -> Times:
        """Return the clocks after each process has exchanged messages with its peer.

        Args:
            clocks: The time at which each process makes the call.
            peers: The peer of each process.
            sent: Bytes that each process sends.
        """
        return self._shift(clocks, peers, peers, sent)

    def all_to_all(self, clocks: Times, sizes: Times) -> Times:
        """Return the clocks after an exchange of ``sizes[r, s]`` bytes from each r to each s.

        All messages are under way at once. Process r sends to r + 1, r + 2, ... in this order;
        empty messages are not sent.
        """
        size = len(clocks)
        ranks = np.arange(size)
        posted, sending, receiving = clocks.copy(), clocks.copy(), clocks.copy()
        for distance in range(1, size):
            to, source = (ranks + distance) % size, (ranks - distance) % size
            moved, came = sizes[ranks, to], sizes[source, ranks]
            posted += np.where(moved > 0, self.overhead, 0.0)
            start = np.maximum(sending, self._ready(posted, clocks[to], moved))
            left = start + moved / self.bandwidth
            sending = np.where(moved > 0, left, sending)
            taken = np.maximum(receiving + came / self.bandwidth, left[source] + self.wire)
            receiving = np.where(came > 0, taken + self.overhead, receiving)
        return np.maximum(np.maximum(sending, receiving), posted)

    def all_gather(self, clocks: Times, sizes: Times) -> Times:
        """Return the clocks after each process has received ``sizes[r]`` bytes of each r."""
        size, total = len(clocks), float(sizes.sum())
        power_of_two = size & (size - 1) == 0
        if total >= (LONG_GATHER if power_of_two else SHORT_GATHER):
            ranks = np.arange(size)
            for step in range(size - 1):
                moved = sizes[(ranks - step) % size]
                clocks = self._shift(clocks, (ranks + 1) % size, (ranks - 1) % size, moved)
            return clocks
        return self.gather_in_steps(clocks, sizes, doubling=power_of_two)

    def gather_in_steps(self, clocks: Times, sizes: Times, *, doubling: bool) -> Times:
        """Return the clocks after an all-gather in logarithmically many steps.

        They are those of recursive doubling, or of Bruck's algorithm.
        """
        size = len(clocks)
        ranks = np.arange(size)
        around = np.concatenate([[0.0], np.cumsum(np.concatenate([sizes, sizes]))])
        held = 1
        while held < size:
            if doubling:
                to = source = ranks ^ held
                first = ranks // held * held
                moved = around[first + held] - around[first]
            else:
                count = min(held, size - held)
                to, source = (ranks - held) % size, (ranks + held) % size
                moved = around[ranks + count] - around[ranks]
            clocks = self._shift(clocks, to, source, moved)
            held *= 2
        return clocks

    def _shift(self, clocks: Times, to: Ranks, source: Ranks, moved: Times) -> Times:
        """Return the clocks after each process sent to one and received from another."""
        left = self._ready(clocks + self.overhead, clocks[to], moved) + moved / self.bandwidth
        return np.maximum(left, left[source] + self.wire) + self.overhead

    def _ready(self, posted: Times, receivers: Times, moved: Times) -> Times:
        """Return the times from which the bytes of messages can leave."""
        # A request and its answer are two more messages, with an overhead at both ends.
        answered = np.maximum(posted + self.wire, receivers) + 4 * self.overhead + self.wire
        return np.where(moved > self.eager_bytes, answered, posted)

    def allreduce(self, size: int, nbytes: int) -> float:
        """Return the seconds of MPI_Allreduce in MPICH, without its additions.

        Short arrays are doubled recursively; long ones are halved, and then gathered (Thakur,
        Rabenseifner and Gropp, 2005). Processes beyond a power of two take part through another.
        """
        doublings = size.bit_length() - 1
        clocks = np.zeros(1 << doublings)
        ranks = np.arange(len(clocks))
        distances = [1 << k for k in range(doublings)]
        moved = [float(nbytes)] * doublings
        if nbytes > LONG_REDUCE:
            halves = [nbytes / (2 * distance) for distance in distances]
            moved, distances = halves + halves[::-1], distances + distances[::-1]
        for distance, amount in zip(distances, moved, strict=True):
            clocks = self.swap(clocks, ranks ^ distance, np.full(len(clocks), amount))
        beyond = 0.0 if len(clocks) == size else 2 * self.message(nbytes)
        return float(clocks.max()) + beyond

    def message(self, nbytes: float) -> float:
        """Return the seconds of one message between two processes that wait for it."""
        sent = np.full(2, float(nbytes))
        return float(self.swap(np.zeros(2), np.array([1, 0]), sent).max())

    def gather_objects(self, size: int, nbytes: int) -> float:
        """Return the seconds in which `tinynet-mpi` gathers a pickled object of every process.

        Each process has one slot, and sends then the rest of an object that does not fit into it.
        """
        if size == 1:
            return 0.0
        slots = np.full(size, float(self.slot))
        clocks = self.gather_in_steps(np.zeros(size), slots, doubling=False)
        rest = nbytes + HEAD.size - self.slot
        if rest > 0:
            clocks = self.all_gather(clocks, np.full(size, float(rest)))
        return float(clocks.max())
