"""Reading of run folders again and again while other processes train the runs."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tinynet.errors import CheckpointError, explaining_io
from tinynet.run.folder import RunFolder
from tinynet.run.lock import is_locked
from tinynet.run.path_errors import no_run
from tinynet.run.record import RunRecord, find_runs, read_record


@dataclass(frozen=True, eq=False)
class Watched:
    """The state of a run, or the reason why it cannot be read.

    Attributes:
        path: The run folder.
        record: The summary; None before the first checkpoint, or if it cannot be read.
        training: True while a process trains it.
        error: The error of reading it.
    """

    path: Path
    record: RunRecord | None
    training: bool
    error: CheckpointError | None = None


class RunReader:
    """The states of the runs in some folders. A run that has not changed is not read again.

    Attributes:
        several: True if there are several runs, or may be, because a path is a folder of runs.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        """Look for the runs.

        Args:
            paths: Run folders, and folders of runs, in which new ones may appear.

        Raises:
            CheckpointError: for a path without a run.
        """
        self._paths = paths
        self._read: dict[Path, tuple[object, Watched]] = {}
        for path in paths:
            if not path.is_dir() or not find_runs(path):
                raise no_run(path)
        self.several = len(self.read()) > 1 or any(find_runs(path) != [path] for path in paths)

    def read(self) -> list[Watched]:
        """Return the state of each run, once, in the order of the paths."""
        found = dict.fromkeys(run for path in self._paths for run in _runs(path))
        return [self._state(run) for run in found]

    def _state(self, path: Path) -> Watched:
        signature = _signature(RunFolder(path))
        if path in self._read and self._read[path][0] == signature:
            return self._read[path][1]
        state = _read(path)
        self._read[path] = signature, state
        return state


def follow(
    read: Callable[[], list[Watched]], wait: Callable[[], None]
) -> Iterator[tuple[list[Watched], bool]]:
    """Yield the states until no run is trained any more, and whether these are the last ones.

    Args:
        read: Function that returns the states.
        wait: Function that waits before they are read again.
    """
    while True:
        states = read()
        ended = not any(state.training for state in states)
        yield states, ended
        if ended:
            return
        wait()


def _runs(path: Path) -> list[Path]:
    """Return the runs in a folder; none if it was removed meanwhile."""
    with suppress(CheckpointError):
        return find_runs(path)
    return []


def _read(path: Path) -> Watched:
    try:
        record = read_record(path)
    except CheckpointError as error:
        return Watched(path, None, _is_trained(path), error)
    return Watched(path, record, record.state == "training")


def _is_trained(path: Path) -> bool:
    lock = RunFolder(path).lock
    with suppress(CheckpointError), explaining_io(lock):
        return is_locked(lock)
    return False


def _signature(folder: RunFolder) -> object:
    """Return a value that differs after the run has changed."""
    files = (folder.log, folder.checkpoints, folder.path / "evaluations.jsonl")
    return (*map(_status, files), _is_trained(folder.path))


def _status(path: Path) -> object:
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ino
