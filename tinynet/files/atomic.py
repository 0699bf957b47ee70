"""Atomic replacement of a file: after any crash the old or the new content is complete.

The new bytes go into a temporary file in the same folder, which is synced, renamed over the old
file, and made permanent by syncing the folder. A failed sync is never tried again: the kernel may
have dropped the very pages it could not write, and a second sync would report success (Rebello et
al., 2020, "Can applications recover from fsync failures?").

All system calls go through this module's name ``os``, so that a test can replace it by an object
that fails at the Nth call, or records the calls.
"""

import fcntl
import os
import re
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TypeAlias

from tinynet.errors import CheckpointIOError
from tinynet.files.outputs import require_foreign
from tinynet.files.strict import kind_of

WriteAt: TypeAlias = Callable[[int, bytes | memoryview], None]
"""Write all of the second argument at the offset, the first."""

_TEMPORARY = re.compile(r"\.tinynet-[0-9a-f]{16}\.tmp")


@contextmanager
def replacing(path: Path, size: int = 0) -> Iterator[WriteAt]:
    """Write a file that replaces ``path``, complete and durable, when the block ends.

    If the block or the disk fails, ``path`` is not changed. Only a failure of the last step, the
    sync of the folder, leaves the new file in place: complete, but not safe from a power loss. No
    error leaves a temporary file.
    """
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        temporary = path.parent / f".tinynet-{secrets.token_hex(8)}.tmp"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            try:
                _reserve(descriptor, size)
                yield partial(_write_at, descriptor)
                sync(descriptor)
            finally:
                os.close(descriptor)
            os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary)
            raise
        sync(folder)
    finally:
        os.close(folder)


@contextmanager
def replacing_output(path: Path, size: int = 0) -> Iterator[WriteAt]:
    """Write a file that the user names; see `replacing`.

    A symbolic link is followed: it stays, and its target is replaced.

    Raises:
        CheckpointIOError: for a folder, a pipe or a device.
        UsageError: for ``-``, and for a file that a run or a study writes itself.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise CheckpointIOError(f"{path} is {kind_of(target)}; name a regular file to write")
    require_foreign(path)
    with replacing(target, size) as write_at:
        yield write_at


def leftovers(folder: Path) -> list[Path]:
    """Return the temporary files that killed processes left in a folder.

    A file that is being written looks the same: remove them only under the folder's lock.
    """
    return sorted(path for path in folder.iterdir() if _TEMPORARY.fullmatch(path.name))


def sync_folder(folder: Path) -> None:
    """Make the names of a folder's files durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        sync(descriptor)
    finally:
        os.close(descriptor)


def _reserve(descriptor: int, size: int) -> None:
    # Not every system supports it, and a full disk is reported again by the writes.
    if size and sys.platform != "darwin":
        with suppress(OSError):
            os.posix_fallocate(descriptor, 0, size)


def _write_at(descriptor: int, offset: int, data: bytes | memoryview) -> None:
    rest = memoryview(data)
    while rest:
        # A full disk first shows as a short write; only the next one fails.
        written = os.pwrite(descriptor, rest, offset)
        rest, offset = rest[written:], offset + written


def sync(descriptor: int) -> None:
    """Make the content of a file, or the names in a folder, durable."""
    if sys.platform == "darwin":
        # On macOS, fsync leaves the bytes in the drive's cache.
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    else:
        os.fsync(descriptor)
