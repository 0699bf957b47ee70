"""The log of a run: one JSON object per line, cut to the length that the checkpoint records."""

import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import JsonValue
from xxhash import xxh3_128

from tinynet.checkpoint.sections import LogMark
from tinynet.errors import CheckpointCorruptError, CheckpointIOError, explaining_io
from tinynet.files.atomic import sync
from tinynet.files.strict import APPEND, READ, open_strictly
from tinynet.training.events import Statistics

_PIECE = 2**20

_MAX_LINE = 2**24
"""The longest line of a log, in bytes."""


class RunLog:
    """A log that is open for writing.

    It is opened at a mark: lines after the checkpoint are cut off, since their steps are repeated.

    Attributes:
        gone: True if the log is missing or empty although the mark has a length.
    """

    def __init__(self, path: Path, mark: LogMark | None) -> None:
        """Open the log at ``mark``; start a new one if it is None, or if the log is gone.

        Raises:
            CheckpointCorruptError: if the log was changed before the mark.
            CheckpointIOError: if the file cannot be read or written.
        """
        self._path = path
        length = mark.length if mark is not None else 0
        self._digest = xxh3_128()
        with explaining_io(path):
            self._file = os.fdopen(open_strictly(path, APPEND), "a+b")
            self._file.seek(0, os.SEEK_END)
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
                    " checkpoint records; move the file away to continue"
                )
            self._file.truncate(length)

    def append(self, record: Mapping[str, JsonValue]) -> None:
        """Append a line."""
        line = json.dumps(record, allow_nan=False).encode() + b"\n"
        with explaining_io(self._path):
            self._file.write(line)
            self._file.flush()
        self._digest.update(line)
        self._length += len(line)

    def mark(self) -> LogMark:
        """Return the length and the digest of the log so far."""
        return LogMark(self._length, self._digest.hexdigest())

    def sync(self) -> None:
        """Make the appended lines durable."""
        with explaining_io(self._path):
            sync(self._file.fileno())

    def __enter__(self) -> "RunLog":
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        try:
            with explaining_io(self._path):
                self._file.close()
        except CheckpointIOError:
            # `close` flushes again the bytes whose write has just failed.
            if error is None:
                raise


def read_log(path: Path) -> list[dict[str, Any]]:
    """Return the complete lines of a log; none if the file is missing.

    Raises:
        CheckpointCorruptError: if a line is not a JSON object.
        CheckpointIOError: if it cannot be read.
    """
    with explaining_io(path):
        try:
            descriptor = open_strictly(path, READ)
        except FileNotFoundError:
            return []
        with open(descriptor, "rb") as file:
            return list(_records(file, path))


def last_figures(path: Path) -> dict[str, float]:
    """Return the figures of the last evaluation in a log."""
    for record in reversed(read_log(path)):
        if "train/loss" in record:
            # Null is a figure that is not finite.
            figures = {n: math.nan if value is None else value for n, value in record.items()}
            return {
                name: value
                for name, value in figures.items()
                if isinstance(value, int | float) and name not in ("step", "epoch")
            }
    return {}


def read_statistics(path: Path) -> list[Statistics]:
    """Return the statistics in a run's ``statistics.jsonl``; none if the file is missing.

    Each step is there once, in ascending order; figures that were not finite are NaN.

    Raises:
        CheckpointCorruptError: if a line does not hold statistics.
        CheckpointIOError: if it cannot be read.
    """
    try:
        steps = {found.step: found for found in map(_statistics, read_log(path))}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CheckpointCorruptError(f"a line of {path} does not hold statistics") from error
    return [steps[step] for step in sorted(steps)]


def _statistics(record: dict[str, Any]) -> Statistics:
    sections = [
        {
            str(name): {key: math.nan if v is None else float(v) for key, v in summary.items()}
            for name, summary in record[section].items()
        }
        for section in ("parameters", "gradients", "outputs")
    ]
    return Statistics(int(record["step"]), int(record["epoch"]), *sections)


def _records(file: BinaryIO, path: Path) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(iter(lambda: file.readline(_MAX_LINE + 1), b""), 1):
        place = f"line {number:,} of {path}"
        if len(line) > _MAX_LINE:
            raise CheckpointCorruptError(f"{place} is longer than {_MAX_LINE:,} bytes")
        if not line.endswith(b"\n"):  # being written, or cut short by a kill
            return
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise CheckpointCorruptError(f"{place} is not JSON: {error}") from error
        if not isinstance(record, dict):
            raise CheckpointCorruptError(f"{place} is not a JSON object")
        yield record
