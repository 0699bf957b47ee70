"""A stream that the first of several processes reads for all."""

import io
from typing import IO, Any

from tinynet.engine.process_group import ProcessGroup

PIECE = 2**24
"""Bytes that are shared at a time."""


class _Shared(io.RawIOBase):
    """The content of a stream, piece by piece; all processes read the same pieces."""

    def __init__(self, stream: IO[bytes], group: ProcessGroup) -> None:
        super().__init__()
        self._stream, self._group = stream, group

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer with the next bytes; return their number."""
        own = self._stream.read(len(buffer)) if self._group.first else b""
        piece: bytes = self._group.share(own)
        buffer[: len(piece)] = piece
        return len(piece)


def shared_stream(stream: IO[bytes], group: ProcessGroup | None) -> IO[bytes]:
    """Return a stream with the content of that of the first process; all must read it alike.

    Args:
        stream: The stream of this process, which only the first one reads.
        group: The processes; None for one.
    """
    return stream if group is None else io.BufferedReader(_Shared(stream, group), PIECE)
