"""One process a run: a lock that dies with the process that holds it."""

import errno
import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from tinynet.errors import CheckpointIOError, RunBusyError, explaining_io


@contextmanager
def locked(path: Path, *, required: bool = True) -> Iterator[None]:
    """Hold the lock file ``path``, which is made if needed and never removed.

    While it is held it says who holds it; nobody trusts what a killed process left in it.

    Args:
        path: The file.
        required: Fail where the file system offers no locks; else go on without one.

    Raises:
        RunBusyError: if another process holds it; it names that process.
        CheckpointIOError: if the file system offers no locks.
    """
    with explaining_io(path):
        file = path.open("a+", encoding="utf-8", errors="replace")
    with file:
        _lock(file, path, required)
        try:
            yield
        finally:
            with suppress(OSError):
                file.truncate(0)


def _lock(file: TextIO, path: Path, required: bool) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
            if not required:
                return
            raise CheckpointIOError(
                f"{path} cannot be locked: {error.strerror}; --no-lock goes on without a lock, and"
                " nothing then keeps a second process out of the run"
            ) from error
        file.seek(0)
        holder = file.read().strip() or "another process"
        raise RunBusyError(f"{path.parent} is in use by {holder}") from error
    with explaining_io(path):
        file.truncate(0)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        file.write(f"process {os.getpid()} on {socket.gethostname()} since {now}\n")
        file.flush()
