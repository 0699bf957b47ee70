"""The lock of a run, which ends with the process that holds it."""

import errno
import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from tinynet.errors import CheckpointIOError, RunBusyError, explaining_io
from tinynet.files.strict import APPEND, READ, open_strictly
from tinynet.text.options import option

_MAX_HOLDER = 300
"""Bytes of a lock file that are shown."""

_HELD = (errno.EWOULDBLOCK, errno.EACCES)
"""The errors of a lock that another process holds."""

_PATIENCE = 0.02
"""Seconds before the second attempt to take a lock."""


@contextmanager
def locked(path: Path, *, required: bool = True) -> Iterator[None]:
    """Hold a lock on the file ``path``, which is created if needed and never removed.

    While it is held, the file names the holder; text that a killed process left is ignored. Unless
    it is ``required``, there is no lock where the file system does not support locks.

    Raises:
        RunBusyError: if another process holds it, naming that process.
        CheckpointIOError: if it is not a regular file, or locks are required but not supported.
    """
    with explaining_io(path):
        descriptor = open_strictly(path, APPEND)
    try:
        _lock(descriptor, path, required)
        try:
            yield
        finally:
            with suppress(OSError):
                os.ftruncate(descriptor, 0)
    finally:
        with suppress(OSError):
            os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Return True if a process holds the lock on the file ``path``.

    Raises:
        CheckpointIOError: if it is not a regular file.
    """
    try:
        descriptor = open_strictly(path, READ)
    except FileNotFoundError:
        return False
    try:
        # The holder writes its name, and removes it at the end; a killed one leaves it.
        if not os.fstat(descriptor).st_size:
            return False
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in _HELD
    finally:
        os.close(descriptor)
    return False


def _lock(descriptor: int, path: Path, required: bool) -> None:
    try:
        _try_lock(descriptor)
    except OSError as error:
        if error.errno not in _HELD:
            if not required:
                return
            raise CheckpointIOError(
                f"{path} cannot be locked: {error.strerror}; add"
                f" {option('--no-lock', 'lock=False')} to train without a lock"
                " (a second process can then train in the same run folder)"
            ) from error
        raise RunBusyError(f"{path.parent} is in use by {_holder(descriptor)}") from error
    with explaining_io(path):
        os.ftruncate(descriptor, 0)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        os.write(
            descriptor, f"process {os.getpid()} on {socket.gethostname()} since {now}\n".encode()
        )


def _try_lock(descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in _HELD:
            raise
        # It may be `is_locked` of another process, which takes microseconds.
        time.sleep(_PATIENCE)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _holder(descriptor: int) -> str:
    """Return the first line of a lock file."""
    with suppress(OSError):
        text = os.pread(descriptor, _MAX_HOLDER, 0).decode(errors="replace")
        if line := text.partition("\n")[0].strip():
            return line
    return "another process"
