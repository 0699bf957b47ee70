"""Tolerant reading of a run's logs, for lists and reports: a damaged line costs only itself."""

import json
import math
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, TypeGuard

from xxhash import xxh3_128

from tinynet.checkpoint.sections import LogMark
from tinynet.errors import CheckpointIOError, explaining_io
from tinynet.files.strict import READ, open_strictly

_MAX_LOG = 2**28
"""The most bytes of a log that are read."""

_PIECE = 2**20

_MAX_LINE = 2**22
"""The longest line of a log that is read, in bytes."""

_MAX_FIGURES = 1000
"""The most figures of a line that are kept."""

_MAX_INT = 2**63 - 1


def read_evaluated(
    path: Path, problems: list[str]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the evaluations in ``metrics.jsonl``, and these with the last line of any kind.

    Other lines are not parsed: there may be one for each step.
    """
    last = b""

    def select(line: bytes) -> bool:
        nonlocal last
        last = line
        return _is_evaluation(line)

    history = read_records(path, parse_metrics, problems, select)
    record = None if _is_evaluation(last) else parse_metrics(_json(last))
    return history, history if record is None else [*history, record]


def log_problems(path: Path, mark: LogMark) -> Iterator[str]:
    """Yield a sentence if a log does not begin as a checkpoint records it."""
    digest, rest = xxh3_128(), min(mark.length, _MAX_LOG)
    try:
        with open(open_strictly(path, READ), "rb") as file:
            while piece := file.read(min(_PIECE, rest)):
                digest.update(piece)
                rest -= len(piece)
    except FileNotFoundError:
        if mark.length:
            yield f"{path} is missing: figures and times of the training are lost"
        return
    except (OSError, CheckpointIOError) as error:
        yield str(error)
        return
    if rest:
        yield f"{path} has lost at least {rest:,} bytes: figures and times of the training are lost"
    elif mark.length <= _MAX_LOG and digest.hexdigest() != mark.digest:
        yield f"{path} is damaged: it is not as the checkpoint records it"


def last_step(path: Path) -> int:
    """Return the step of the last intact line of ``metrics.jsonl``; 0 if there is none."""
    try:
        with open(open_strictly(path, READ), "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - _PIECE, 0))
            lines = file.read(_PIECE).split(b"\n")
    except (OSError, CheckpointIOError):
        return 0
    # What follows the last newline is being written, or cut short by a kill.
    records = (parse_metrics(_json(line)) for line in reversed(lines[:-1]))
    return next((int(record["step"]) for record in records if record is not None), 0)


def read_steps(path: Path) -> list[dict[str, Any]]:
    """Return the lines of ``metrics.jsonl`` that are not evaluations."""
    return read_records(path, parse_metrics, [], lambda line: not _is_evaluation(line))


def _is_evaluation(line: bytes) -> bool:
    return b'"train/loss"' in line


def read_records(
    path: Path,
    parse: Callable[[Any], dict[str, Any] | None],
    problems: list[str],
    select: Callable[[bytes], bool] = bool,
) -> list[dict[str, Any]]:
    """Return the parsed lines of a log; none if the file is missing or cannot be read.

    Args:
        path: A file with one JSON object per line.
        parse: Returns a record from a JSON value, or None if the value is not one.
        problems: Gets a sentence for each fault of the file.
        select: Returns True for the lines to read.
    """
    records, faults = [], []
    try:
        with explaining_io(path):
            try:
                descriptor = open_strictly(path, READ)
            except FileNotFoundError:
                return []
            with open(descriptor, "rb") as file:
                if os.fstat(descriptor).st_size > _MAX_LOG:
                    problems.append(f"only the first {_MAX_LOG:,} bytes of {path} are read")
                for number, line in _lines(file):
                    if select(line):
                        record = parse(_json(line))
                        faults += [number] if record is None else []
                        records += [record] if record is not None else []
    except CheckpointIOError as error:
        problems.append(str(error))
    if faults:
        more = f" (and {len(faults) - 1:,} more)" if len(faults) > 1 else ""
        problems.append(f"line {faults[0]:,}{more} of {path} is damaged and skipped")
    return records


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield the number and the text of each complete line; a too long line in pieces."""
    number, rest = 1, _MAX_LOG
    while line := file.readline(min(_MAX_LINE, rest)):
        rest -= len(line)
        if line.endswith(b"\n") or len(line) == _MAX_LINE:
            yield number, line
        number += line.endswith(b"\n")


def _json(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def parse_metrics(value: Any) -> dict[str, Any] | None:
    """Return a line of ``metrics.jsonl`` with its step, epoch, figures and ``wall`` alone.

    A figure is a finite float, or None.
    """
    if not isinstance(value, dict):
        return None
    if not (is_count(value.get("step")) and is_count(value.get("epoch"))):
        return None
    own = {"step": value["step"], "epoch": value["epoch"]}
    wall = value.get("wall")
    return {**own, **figures_in(value), "wall": wall_of(wall if isinstance(wall, dict) else {})}


def figures_in(value: dict[str, Any]) -> dict[str, float | None]:
    """Return the figures of a record; None for one that is not finite."""
    numbers = (
        (name, number)
        for name, number in value.items()
        if name not in ("step", "epoch", "wall")
        and (number is None or (isinstance(number, int | float) and not isinstance(number, bool)))
    )
    return {name: _finite(number) for name, number in islice(numbers, _MAX_FIGURES)}


def wall_of(wall: dict[str, Any]) -> dict[str, Any]:
    """Return the seconds (a float) and the time (a text, or None) of a record."""
    seconds, time = wall.get("seconds"), wall.get("time")
    if not isinstance(seconds, int | float) or isinstance(seconds, bool):
        seconds = 0.0
    return {
        "seconds": max(_finite(seconds) or 0.0, 0.0),
        "time": time if parse_time(time) is not None else None,
    }


def parse_time(text: Any) -> datetime | None:
    """Return a time in UTC from ISO 8601 text; None for anything else."""
    try:
        time = datetime.fromisoformat(text)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def is_count(value: Any) -> TypeGuard[int]:
    """Return True for an integer of at least 0 in 64 bits."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX_INT


def _finite(number: float | None) -> float | None:
    try:
        value = math.nan if number is None else float(number)
    except OverflowError:
        return None
    return value if math.isfinite(value) else None
