"""Safe opening of the files of a run folder, which may come from a stranger.

A run folder holds regular files and one folder. Symbolic links, pipes and devices are refused: a
link could make tinynet overwrite any file of the user, and opening a pipe could wait forever. The
run folder itself may be a symbolic link, since the user names it.
"""

import errno
import os
import stat
from pathlib import Path
from shlex import quote

from tinynet.errors import CheckpointIOError

READ = os.O_RDONLY
APPEND = os.O_RDWR | os.O_CREAT | os.O_APPEND

_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def open_strictly(path: Path, flags: int) -> int:
    """Open a regular file in a folder that was checked, and return its descriptor.

    Raises:
        CheckpointIOError: if it is not a regular file, or has several names (hard links) and is
            opened for writing.
    """
    try:
        # Before opening it, since opening a device may have an effect.
        _require_regular(path, os.lstat(path))
    except FileNotFoundError:
        if not flags & os.O_CREAT:
            raise
    try:
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):  # it became a link or a pipe meanwhile
            _require_regular(path, os.lstat(path))
        raise
    try:
        status = os.fstat(descriptor)
        _require_regular(path, status)
        if flags != READ and status.st_nlink > 1:
            old, new = quote(str(path)), quote(f"{path}.new")
            raise CheckpointIOError(
                f"{path} has another name (a hard link), and writing it would change that file,"
                f" too; replace it by a copy of its own: cp {old} {new} && mv {new} {old}"
            )
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def require_folder(path: Path) -> None:
    """Raise `CheckpointIOError` unless a path is a folder, and not a link to one."""
    mode = os.lstat(path).st_mode
    if not stat.S_ISDIR(mode):
        raise _refusal(path, mode, "a folder")


def require_regular(path: Path) -> None:
    """Raise `CheckpointIOError` unless a path is a regular file, and not a link to one."""
    _require_regular(path, os.lstat(path))


def kind_of(path: Path) -> str:
    """Return the kind of file at a path in words, such as ``a pipe``."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        os.lstat(path)
        return f"a symbolic link to {os.readlink(path)}, which does not exist"
    return _kind(mode)


def _kind(mode: int) -> str:
    return _KINDS.get(stat.S_IFMT(mode), "a file")


def _require_regular(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise _refusal(path, status.st_mode, "a regular file")


def _refusal(path: Path, mode: int, expected: str) -> CheckpointIOError:
    hint = ""
    if stat.S_ISLNK(mode):
        hint = "; links inside a run folder are not followed (the run folder itself may be a link)"
    return CheckpointIOError(f"{path} is {_kind(mode)}, and {expected} is expected there{hint}")
