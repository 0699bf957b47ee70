"""The exchange of sums of gradients between processes.

Each process adds the gradients of its own shards into one or several vectors, and the processes
bring the total of all vectors to everyone, in one of two ways:

direct: Each process gets a piece of each vector of every process, adds these, and sends its piece
of the total to all. Two calls, but as many messages as there are processes.

halving: See `tinynet.engine.halving`. Fewer messages, the largest between neighbors; each process
has one vector or none.
"""

from bisect import bisect
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Literal, NamedTuple, Protocol, TypeAlias

from numpy.typing import DTypeLike

from tinynet.engine.adder import Adder, Sum
from tinynet.engine.flat_layout import Placed
from tinynet.engine.halving import Swap, swaps
from tinynet.engine.tree import (
    Additions,
    Node,
    Order,
    root,
    sequential_additions,
    subtrees,
    tree_additions,
)
from tinynet.kernels.memory import aligned_empty
from tinynet.types import Array

Algorithm: TypeAlias = Literal["direct", "halving"]
"""A way to bring the total to all processes."""

_COPY = sequential_additions(1)
_PAIR = sequential_additions(2)


class ArrayGroup(Protocol):
    """The calls of a process group, or of a `Fleet`, that move arrays."""

    @property
    def rank(self) -> int: ...

    @property
    def size(self) -> int: ...

    def swap(self, peer: int, send: Array, receive: Array) -> None: ...

    def all_to_all(
        self, send: Array, sent: Sequence[int], receive: Array, received: Sequence[int]
    ) -> None: ...

    def all_gather_array(self, mine: Array, whole: Array, counts: Sequence[int]) -> None: ...


class Held(NamedTuple):
    """A vector of this process.

    Attributes:
        first: The first of the shards of this process that it is the sum of.
        stop: The end of these shards; both count from the first shard of the process.
        additions: The additions of their gradients.
    """

    first: int
    stop: int
    additions: Additions


class Plan(NamedTuple):
    """The exchange for batches with some number of shards.

    Attributes:
        own: The shards of this process.
        held: The vectors of this process.
        counts: The number of vectors of each process.
        total: The additions that make the total of all vectors, in the order of the shards.
        length: Length of a vector.
        lengths: The length of the piece of each process in the direct exchange.
        swaps: The swaps by which this process gets its pieces by halving; None for the direct
            exchange.
    """

    own: range
    held: list[Held]
    counts: list[int]
    total: Additions
    length: int
    lengths: list[int]
    swaps: list[Swap] | None


def make_plan(
    rank: int, owned: Sequence[range], order: Order, algorithm: Algorithm, length: int
) -> Plan:
    """Return the plan of one process.

    Args:
        rank: The process.
        owned: The shards of each process.
        order: Order of the additions.
        algorithm: Algorithm; halving only if each process owns a whole node of the tree, or none.
        length: Length of a vector.
    """
    own, shards, size = owned[rank], owned[-1].stop, len(owned)
    if order == "tree":
        nodes = [subtrees(range_, shards) for range_ in owned]
        counts = [len(of_one) for of_one in nodes]
        total = tree_additions(root(shards), tuple([n for of_one in nodes for n in of_one]), shards)
        held = [_held_node(node, own, shards) for node in nodes[rank]]
    else:
        # The order begins with the shards of process 0, so only this process can add its own.
        counts = [1, *[len(range_) for range_ in owned[1:]]]
        total = sequential_additions(sum(counts))
        held = [Held(i, i + 1, _COPY) for i in range(len(own))]
        if rank == 0:
            held = [Held(0, len(own), sequential_additions(len(own)))]
    if algorithm == "halving":
        assert order == "tree"
        assert max(counts) == 1, f"{owned} are no whole nodes"
    lengths = [length * (r + 1) // size - length * r // size for r in range(size)]
    schedule = swaps(rank, size, length) if algorithm == "halving" else None
    return Plan(own, held, counts, total, length, lengths, schedule)


def _held_node(node: Node, own: range, shards: int) -> Held:
    inside = node.shards(shards)
    leaves = tuple([Node(0, number) for number in inside])
    first = inside.start - own.start
    return Held(first, first + len(inside), tree_additions(node, leaves, shards))


class Exchange:
    """Adds and exchanges the vectors of one batch after another, in memory that it keeps."""

    def __init__(self, group: ArrayGroup, dtype: DTypeLike, adder: Adder) -> None:
        """Allocate nothing yet.

        Args:
            group: The processes.
            dtype: Type of the elements.
            adder: The adder.
        """
        self._group, self._dtype, self._adder = group, dtype, adder
        self._memory: dict[str, Array] = {}

    def run(self, plan: Plan, placed: Sequence[Placed]) -> Array:
        """Return the total, which is valid until the next call.

        Args:
            plan: The plan.
            placed: The gradients of the shards of this process, and their places in the vector;
                together they fill it.
        """
        if plan.swaps is None:
            return self._direct(plan, placed)
        return self._halving(plan, plan.swaps, placed)

    def _direct(self, plan: Plan, placed: Sequence[Placed]) -> Array:
        send = self._buffer("send", len(plan.held) * plan.length)
        self._add_own(plan, placed, send, [0, *accumulate(plan.lengths)])
        mine = plan.lengths[self._group.rank]
        received = self._buffer("received", sum(plan.counts) * mine)
        self._group.all_to_all(
            send,
            [len(plan.held) * length for length in plan.lengths],
            received,
            [count * mine for count in plan.counts],
        )
        piece = self._buffer("piece", mine)
        self._adder.run([Sum(plan.total, list(received.reshape(-1, mine)), piece)] if mine else [])
        total = self._buffer("total", plan.length)
        self._group.all_gather_array(piece, total, plan.lengths)
        return total

    def _halving(self, plan: Plan, schedule: Sequence[Swap], placed: Sequence[Placed]) -> Array:
        total = self._buffer("total", plan.length)
        nothing = total[:0]
        self._add_own(plan, placed, total, [0, plan.length])
        active = sum(plan.counts)  # The first processes have a vector each, the others none.
        for swap in schedule:
            kept, given = total[swap.keep], total[swap.give]
            full, other_full = swap.block < active, swap.other_block < active
            received = self._buffer("received", len(kept)) if full else kept
            if full or other_full:
                self._group.swap(
                    swap.peer, given if full else nothing, received if other_full else nothing
                )
            if full and other_full:
                parts = [kept, received] if swap.block < swap.other_block else [received, kept]
                self._adder.run([Sum(_PAIR, parts, kept)])
        for swap in reversed(schedule):
            self._group.swap(swap.peer, total[swap.keep], total[swap.give])
        return total

    def _add_own(
        self, plan: Plan, placed: Sequence[Placed], out: Array, edges: Sequence[int]
    ) -> None:
        """Add the gradients of this process.

        Args:
            plan: The plan.
            placed: The gradients.
            out: Array for all vectors of this process: the first piece of each, the second, ...
            edges: The starts of the pieces, and the end of the last.
        """
        sums, count = [], len(plan.held)
        for number, held in enumerate(plan.held):
            for place, parts in placed:
                of_vector = parts[held.first : held.stop]
                for low, start, stop, high in _cut(place, place + len(parts[0]), edges):
                    # The pieces before this one, then those of other vectors, then this one.
                    target = count * low + number * (high - low) + start - low
                    cut = slice(start - place, stop - place)
                    into = out[target : target + stop - start]
                    sums.append(Sum(held.additions, [part[cut] for part in of_vector], into))
        self._adder.run(sums)

    def _buffer(self, name: str, length: int) -> Array:
        """Return memory that later calls use again."""
        buffer = self._memory.get(name)
        if buffer is None or len(buffer) < length:
            buffer = self._memory[name] = aligned_empty((length,), self._dtype)
        return buffer[:length]


def _cut(start: int, stop: int, edges: Sequence[int]) -> Iterator[tuple[int, int, int, int]]:
    """Cut a range where pieces of a vector begin.

    Yields:
        The start of the piece, the start and the end of the range in it, the end of the piece.
    """
    number = bisect(edges, start) - 1
    while start < stop:
        low, high = edges[number], edges[number + 1]
        end = min(stop, high)
        if start < end:
            yield low, start, end, high
            start = end
        number += 1
