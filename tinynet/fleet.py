"""The protocol of fleets, and every name that the author of a fleet imports.

A fleet moves bytes between the processes that train one run together, and computes nothing: tinynet
decides which numbers are added, and in which order. So every fleet gives the same bits.
"""

from collections.abc import Sequence
from typing import Any, NoReturn, Protocol

from tinynet.types import Array

__all__ = ["Array", "Fleet"]


class Fleet(Protocol):
    """The processes that a launcher has started, seen from one of them. Constructed as ``Type()``.

    Every process makes the same calls in the same order, `swap` excepted, which only the two
    processes concerned call. A call returns when this process has sent and received its part. Only
    one thread of a process calls at a time, not always the same thread.

    The constructor and every call should let other threads run while they wait for other processes:
    one of tinynet's threads ends a job that waits for too long.

    Arrays of one call have one dtype, of numbers or booleans, and are C-contiguous. Arrays to be
    sent may be read-only, are not changed, and share no memory with those to be filled.
    """

    @property
    def rank(self) -> int:
        """The number of this process, from 0."""
        ...

    @property
    def size(self) -> int:
        """The number of processes."""
        ...

    def all_gather(self, item: Any) -> list[Any]:
        """Return the items of all processes, in the order of their ranks.

        Args:
            item: A small object that can be pickled; its type and size differ between processes.
        """
        ...

    def broadcast(self, item: Any) -> Any:
        """Return the item of process 0.

        Args:
            item: An object that can be pickled, up to gigabytes; those of other processes are
                ignored.
        """
        ...

    def swap(self, peer: int, send: Array, receive: Array) -> None:
        """Send one array to a process, and at the same time receive one of the process's arrays.

        Args:
            peer: The rank of the other process, which calls with this one's rank; or its own.
            send: An array of any shape; as large as the peer's ``receive``, and maybe empty.
            receive: The array to be filled; as large as the peer's ``send``, and maybe empty.
        """
        ...

    def all_to_all(
        self, send: Array, sent: Sequence[int], receive: Array, received: Sequence[int]
    ) -> None:
        """Send a piece of an array to each process, and receive a piece from each, its own as well.

        Args:
            send: The pieces to be sent, one after the other in the order of the ranks; 1-D.
            sent: The number of elements of each piece; some may be 0.
            receive: The array to be filled with the received pieces in the order of the ranks; 1-D.
            received: The number of elements of each received piece: the sender's ``sent`` for this
                process.
        """
        ...

    def all_gather_array(self, mine: Array, whole: Array, counts: Sequence[int]) -> None:
        """Fill an array with a piece of each process, in the order of their ranks.

        Args:
            mine: The piece of this process; 1-D.
            whole: The array to be filled; 1-D.
            counts: The number of elements of each piece, the same in all processes; some may be 0.
        """
        ...

    def abort(self, code: int) -> NoReturn:
        """End all processes at once, also those that wait for others or do not respond.

        Another thread may call this while a call of this process is under way.

        Args:
            code: The exit code.
        """
        ...
