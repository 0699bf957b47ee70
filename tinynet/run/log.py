"""The log of a run: one JSON object a line, exactly as far as the checkpoint that belongs to it."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from pydantic import JsonValue
from xxhash import xxh3_128

from tinynet.checkpoint.sections import LogMark
from tinynet.errors import CheckpointCorruptError, explaining_io
from tinynet.files.atomic import sync

_PIECE = 2**20


class RunLog:
    """A log that is being written.

    It is opened at a mark: what an earlier process wrote after its last checkpoint is cut off,
    since the steps it tells of will be made again.

    Attributes:
        gone: Whether there was no log, although the mark says that there must be one.
    """

    def __init__(self, path: Path, mark: LogMark | None) -> None:
        """Open the log at ``mark``; None starts a new one, and so does a log that is gone.

        Raises:
            CheckpointCorruptError: if it was changed before that place.
            CheckpointIOError: if the disk refuses.
        """
        self._path = path
        length = mark.length if mark is not None else 0
        self._digest = xxh3_128()
        with explaining_io(path):
            self._file = path.open("a+b")
            self.gone = length > 0 and self._file.tell() == 0
            if self.gone:
                mark, length = None, 0
            self._file.seek(0)
            self._length = 0
            while piece := self._file.read(min(_PIECE, length - self._length)):
                self._digest.update(piece)
                self._length += len(piece)
            if mark is not None and self.mark() != mark:
                self._file.close()
                raise CheckpointCorruptError(
                    f"{path} was changed: its first {length:,} bytes are not those that the"
                    " checkpoint was made with; move it away to go on"
                )
            self._file.truncate(length)

    def append(self, record: Mapping[str, JsonValue]) -> None:
        """Add a line.

        Raises:
            CheckpointIOError: if the disk refuses.
        """
        line = json.dumps(record, allow_nan=False).encode() + b"\n"
        with explaining_io(self._path):
            self._file.write(line)
            self._file.flush()
        self._digest.update(line)
        self._length += len(line)

    def mark(self) -> LogMark:
        """How far the log is."""
        return LogMark(self._length, self._digest.hexdigest())

    def sync(self) -> None:
        """Make durable what was appended so far.

        Raises:
            CheckpointIOError: if the disk refuses.
        """
        with explaining_io(self._path):
            sync(self._file.fileno())

    def __enter__(self) -> "RunLog":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with explaining_io(self._path):
            self._file.close()


def read_log(path: Path) -> list[dict[str, Any]]:
    """Every whole line of a log."""
    try:
        lines = path.read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in lines]
