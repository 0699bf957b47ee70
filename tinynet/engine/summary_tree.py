"""The summaries of the shards of a large batch, merged in pairs.

Every shard reads the summaries of all: with many shards that takes long, and so does sending each
summary to every process. A layer with the ability `tinynet.layer.Mergeable` merges two of them into
one instead, along the tree over the numbers of the shards (`tinynet.engine.tree`): left + right at
each node. So the bits of the merged summary depend on the number of shards alone.

Each process merges as far as the shards of a node are its own. Then the nodes move along a second
tree, that of the processes. With 6 processes, process 0 receives the nodes of 1, 2 and 4, of which
2 and 4 have received those of 3 and 5 before; each merges what it receives with what it has. The
summary of the batch goes back the same way. With P processes that takes 2 log2 P messages one after
the other, and each process unpickles log2 P summaries, not P.
"""

from collections.abc import Callable, Iterable
from typing import Protocol, TypeAlias, TypeVar

import numpy as np

from tinynet.engine.tree import Node, root
from tinynet.types import Array

T = TypeVar("T")

MERGED_SHARDS = 64
"""Summaries are merged in batches of more shards, if the spec sets the number of shards."""

FRAME = 4096
"""Bytes of the first message of each step, which has the length; most summaries fit in."""

LENGTH = 8
"""Bytes of the length."""

ROOM = FRAME - LENGTH

Parts: TypeAlias = list[tuple[Node, T]]
"""Nodes of the tree over the shards in order, each with the summary of its samples."""


def merge_nodes(
    parts: Iterable[tuple[Node, T]], shards: int, merge: Callable[[T, T], T]
) -> Parts[T]:
    """Return the largest nodes that some nodes make together.

    Args:
        parts: Nodes whose shards follow each other, and their summaries.
        shards: Number of shards of the batch.
        merge: Returns the summary of the samples of two summaries, of which the first precede.
    """
    top, merged = root(shards).level, Parts[T]()
    for node, summary in parts:
        while node.level < top:
            level, number = node
            if number % 2 == 1:
                if not merged or merged[-1][0] != Node(level, number - 1):
                    break  # Another process has the left half.
                summary = merge(merged.pop()[1], summary)
            elif (number + 1) << level < shards:
                break  # The right half has shards.
            node = Node(level + 1, number // 2)
        merged.append((node, summary))
    return merged


class Fleet(Protocol):
    """The part of `tinynet.fleet.Fleet` that is needed here."""

    @property
    def rank(self) -> int: ...

    @property
    def size(self) -> int: ...

    def swap(self, peer: int, send: Array, receive: Array) -> None: ...


class Merging(Protocol):
    """The part of a merge that one process does."""

    def add(self, received: bytes) -> None:
        """Merge what this process has with what processes after it have."""
        ...

    def result(self) -> bytes:
        """Return what this process has, for another one."""
        ...


def merge_processes(fleet: Fleet, merging: Merging) -> bytes:
    """Return the result of process 0, which has merged what all processes have, in every process.

    Args:
        fleet: The processes; all of them call this at the same time.
        merging: The work of this process.
    """
    rank, size, distance = fleet.rank, fleet.size, 1
    while distance < size and rank % (2 * distance) == 0:
        if rank + distance < size:
            merging.add(_receive(fleet, rank + distance))
        distance *= 2
    result = merging.result()
    if rank > 0:
        _send(fleet, rank - distance, result)
        result = _receive(fleet, rank - distance)
    while distance > 1:
        distance //= 2
        if rank + distance < size:
            _send(fleet, rank + distance, result)
    return result


def _send(fleet: Fleet, peer: int, data: bytes) -> None:
    frame = (len(data).to_bytes(LENGTH, "little") + data[:ROOM]).ljust(FRAME, b"\0")
    for part in (frame, data[ROOM:]):
        if part:
            fleet.swap(peer, np.frombuffer(part, np.uint8), np.empty(0, np.uint8))


def _receive(fleet: Fleet, peer: int) -> bytes:
    frame, nothing = np.empty(FRAME, np.uint8), np.empty(0, np.uint8)
    fleet.swap(peer, nothing, frame)
    length = int.from_bytes(frame[:LENGTH].tobytes(), "little")
    rest = np.empty(max(0, length - ROOM), np.uint8)
    if rest.size:
        fleet.swap(peer, nothing, rest)
    return frame[LENGTH : LENGTH + length].tobytes() + rest.tobytes()
