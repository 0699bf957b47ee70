"""The lock of a run, which ends with the process that holds it."""

import errno
import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from tinynet.errors import CheckpointIOError, RunBusyError, explaining_io
from tinynet.files.strict import APPEND, open_strictly

_MAX_HOLDER = 300
"""Bytes of a lock file that are shown."""


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


def _lock(descriptor: int, path: Path, required: bool) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
            if not required:
                return
            raise CheckpointIOError(
                f"{path} cannot be locked: {error.strerror}; add --no-lock to train without a lock"
                " (a second process can then train in the same run folder)"
            ) from error
        raise RunBusyError(f"{path.parent} is in use by {_holder(descriptor)}") from error
    with explaining_io(path):
        os.ftruncate(descriptor, 0)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        os.write(
            descriptor, f"process {os.getpid()} on {socket.gethostname()} since {now}\n".encode()
        )


def _holder(descriptor: int) -> str:
    """Return the first line of a lock file."""
    with suppress(OSError):
        text = os.pread(descriptor, _MAX_HOLDER, 0).decode(errors="replace")
        if line := text.partition("\n")[0].strip():
            return line
    return "another process"
