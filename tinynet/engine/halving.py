"""Recursive halving: the schedule by which processes add their vectors along the tree.

Each process begins with one vector. In the first round processes 0 and 1, 2 and 3, ... swap halves,
so that each has one half of the sum of the two. In the second round, each swaps half of what it has
with the process two numbers away, in the third with that four numbers away, and so on. Therefore
the order of the additions is that of the tree. In the end each process has a piece of the sum of
all; the same swaps in reverse order bring all pieces to all processes. The largest messages go to
the nearest processes, which mostly run on the same machine.

If the number of processes is no power of two, the missing numbers are roles: the process that would
have swapped with a missing one keeps both halves, and makes the later swaps of both roles.
"""

from functools import cache
from typing import NamedTuple


class Swap(NamedTuple):
    """One message in each direction between this process and another.

    Attributes:
        peer: The other process.
        keep: The elements that this process receives from its peer, and has the sum of afterwards.
        give: The elements that this process sends.
        block: The first process of the block whose sum this process has before the swap.
        other_block: The first process of the block whose sum its peer has.
    """

    peer: int
    keep: slice
    give: slice
    block: int
    other_block: int


def swaps(rank: int, size: int, length: int) -> list[Swap]:
    """Return the swaps of one process, in order, by which it gets its pieces of the sum.

    Args:
        rank: Number of the process.
        size: Number of processes.
        length: Length of the vectors.
    """
    found: list[Swap] = []
    roles = [(rank, 0, length)]  # The numbers that this process acts for, and the range of each.
    for level in range((size - 1).bit_length()):
        step = 1 << level
        block = rank >> level << level
        alone = not rank & step and block + step >= size
        halved = []
        for role, start, stop in roles:
            low, high = slice(start, (start + stop) // 2), slice((start + stop) // 2, stop)
            if alone:
                halved += [(role, low.start, low.stop), (role | step, high.start, high.stop)]
                continue
            keep, give = (high, low) if rank & step else (low, high)
            peer = _actor(role ^ step, level, size)
            found.append(Swap(peer, keep, give, block, block ^ step))
            halved.append((role, keep.start, keep.stop))
        roles = halved
    return found


def _actor(role: int, level: int, size: int) -> int:
    """Return the process that acts for a number in a block of ``2**level`` numbers."""
    for bit in reversed(range(level)):
        if role >> bit & 1 and role >> bit << bit >= size:
            role -= 1 << bit
    return role


@cache
def most_swaps(size: int) -> int:
    """Return the largest number of swaps that any of some processes makes to get its pieces."""
    return max([len(swaps(rank, size, 0)) for rank in range(size)])
