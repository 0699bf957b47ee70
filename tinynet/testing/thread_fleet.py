"""A fleet whose processes are threads of one process; see `tinynet.testing.fleets.in_threads`."""

import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, NoReturn

from tinynet.errors import TinynetError
from tinynet.types import Array


@dataclass(frozen=True)
class _Message:
    """The content that one process sends to another in one call."""

    call: str
    content: Any


@dataclass(frozen=True)
class _End:
    """The last message of a process; with an exit code if the process has called `abort`."""

    code: int | None = None


class Unanswered(BaseException):
    """A call that another process has not taken part in, since it has ended.

    Not an `Exception`: work that handles the failures of tinynet must not handle this one.
    """


class ThreadFleet:
    """One process of a fleet of threads; see `in_threads`."""

    def __init__(
        self, rank: int, channels: Sequence[Sequence["SimpleQueue[Any]"]], patience: float
    ) -> None:
        """Join a fleet.

        Args:
            rank: The rank of this process.
            channels: A queue for each sender and each receiver.
            patience: Seconds to wait for another process.
        """
        self.rank = rank
        self.size = len(channels)
        self._channels, self._patience = channels, patience

    def all_gather(self, item: Any) -> list[Any]:
        """See `Fleet`."""
        data = pickle.dumps(item)
        pieces = self._exchange("all_gather", [data] * self.size)
        return [pickle.loads(piece) for piece in pieces]

    def broadcast(self, item: Any) -> Any:
        """See `Fleet`."""
        data = pickle.dumps(item) if self.rank == 0 else b""
        pieces = self._exchange("broadcast", [data] * self.size)
        return pickle.loads(pieces[0])

    def swap(self, peer: int, send: Array, receive: Array) -> None:
        """See `Fleet`."""
        self._send("swap", peer, _flat(send).copy())
        _fill(receive, [self._receive("swap", peer)], [receive.size])

    def all_to_all(
        self, send: Array, sent: Sequence[int], receive: Array, received: Sequence[int]
    ) -> None:
        """See `Fleet`."""
        pieces = self._exchange("all_to_all", _cut(_flat(send), sent))
        _fill(receive, pieces, received)

    def all_gather_array(self, mine: Array, whole: Array, counts: Sequence[int]) -> None:
        """See `Fleet`."""
        pieces = self._exchange("all_gather_array", [_flat(mine).copy()] * self.size)
        _fill(whole, pieces, counts)

    def abort(self, code: int) -> NoReturn:
        """End every process of the fleet: `SystemExit` is raised in the call of each."""
        for queues in self._channels:
            for queue in queues:
                queue.put(_End(code))
        raise SystemExit(code)

    def end(self) -> None:
        """End this process: others that wait for it fail."""
        for queue in self._channels[self.rank]:
            queue.put(_End())

    def _exchange(self, call: str, contents: Sequence[Any]) -> list[Any]:
        for peer, content in enumerate(contents):
            self._send(call, peer, content)
        return [self._receive(call, peer) for peer in range(self.size)]

    def _send(self, call: str, peer: int, content: Any) -> None:
        self._channels[self.rank][peer].put(_Message(call, content))

    def _receive(self, call: str, peer: int) -> Any:
        queue = self._channels[peer][self.rank]
        place = f"process {self.rank} of {self.size}"
        try:
            message = queue.get(timeout=self._patience)
        except Empty:
            raise TinynetError(
                f"{place} has waited in {call} for process {peer} for {self._patience:g} s"
            ) from None
        if isinstance(message, _End):
            queue.put(message)  # For the next call.
            if message.code is not None:
                raise SystemExit(message.code)
            raise Unanswered(f"{place} waits in {call} for process {peer}, which has ended")
        if message.call != call:
            raise TinynetError(f"{place} calls {call}, but process {peer} calls {message.call}")
        return message.content


def _flat(array: Array) -> Array:
    """Return a 1-D view of an array."""
    if not array.flags.c_contiguous:
        raise TinynetError("the array is not C-contiguous")
    return array.reshape(-1)


def _cut(array: Array, counts: Sequence[int]) -> list[Array]:
    """Return copies of the pieces of an array."""
    if sum(counts) != len(array):
        raise TinynetError(f"{len(array)} elements are cut into pieces of {list(counts)}")
    pieces, start = [], 0
    for count in counts:
        pieces.append(array[start : start + count].copy())
        start += count
    return pieces


def _fill(array: Array, pieces: Sequence[Array], counts: Sequence[int]) -> None:
    """Fill an array with pieces of some lengths."""
    lengths = [len(piece) for piece in pieces]
    if lengths != list(counts) or sum(lengths) != array.size:
        raise TinynetError(
            f"pieces of {lengths} elements arrive, but pieces of {list(counts)} are expected in an"
            f" array of {array.size}"
        )
    if any(piece.dtype != array.dtype for piece in pieces):
        raise TinynetError(f"{pieces[0].dtype} is received as {array.dtype}")
    flat, start = _flat(array), 0
    for piece in pieces:
        flat[start : start + len(piece)] = piece
        start += len(piece)
