"""Replacing a file so that, after any crash, it is there as it was or as it should be.

The new bytes go into a temporary file in the same folder, which is synced, renamed over the old
file, and made permanent by syncing the folder. A failed sync is never tried again: the kernel may
have dropped the very pages it could not write, and a second sync would report success (Rebello et
al., 2020, "Can applications recover from fsync failures?").

Every call of the operating system goes through this module's name ``os``, so that a test can put
something in its place that fails at the Nth call, or records what reached the disk.
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
from tinynet.files.strict import kind_of

WriteAt: TypeAlias = Callable[[int, bytes | memoryview], None]
"""Writes all of its second argument at the offset that is its first."""

_TEMPORARY = re.compile(r"\.tinynet-[0-9a-f]{16}\.tmp")


@contextmanager
def replacing(path: Path, size: int = 0) -> Iterator[WriteAt]:
    """Write a file; it appears under its name, whole and durable, when the block ends.

    Until then, and for good if the block or the disk fails, whatever was called ``path`` stays as
    it is. Only a failure of the very last step, the sync of the folder, leaves the new file under
    its name: whole, but perhaps not there any more after a power loss.

    Args:
        path: The file.
        size: How many bytes it will have, where that is known; writing them is faster then.

    Raises:
        OSError: whatever the operating system refused; the temporary file is removed.
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
    """Write a file that the user has named; see `replacing`.

    A symbolic link is followed, so that it stays and the file it leads to is replaced.

    Raises:
        CheckpointIOError: for a folder, a pipe or a device.
        OSError: whatever the operating system refused.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise CheckpointIOError(f"{path} is {kind_of(target)}; name a regular file to write")
    with replacing(target, size) as write_at:
        yield write_at


def leftovers(folder: Path) -> list[Path]:
    """The temporary files that killed processes left in a folder.

    One that is being written looks the same: remove them only under the folder's lock.
    """
    return sorted(path for path in folder.iterdir() if _TEMPORARY.fullmatch(path.name))


def sync_folder(folder: Path) -> None:
    """Make durable which files a folder holds, and under which names.

    Raises:
        OSError: whatever the operating system refused.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        sync(descriptor)
    finally:
        os.close(descriptor)


def _reserve(descriptor: int, size: int) -> None:
    # Not every system can, and one that has no space says so again when it is written to.
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
    """Make durable what was written to a file, or which files a folder holds.

    Raises:
        OSError: whatever the operating system refused.
    """
    if sys.platform == "darwin":
        # There, fsync leaves the bytes in the drive's own cache.
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    else:
        os.fsync(descriptor)
