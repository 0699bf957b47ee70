"""The memory that this process can still allocate.

The kernel kills a process that uses more, without a message. The limits are those of the machine,
of every control group (versions 1 and 2) of the process, and of the process.
"""

import os
import re
import resource
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tinynet.errors import DataError

SMALL = 1 << 24
"""Bytes that are loaded without a check: fewer than the precision of the limits."""

RESERVE = 1 << 25
"""Bytes that stay free beside a file, for everything else: parts that are checked, batches."""

_GROUP_FILES = {
    1: ("memory.limit_in_bytes", "memory.usage_in_bytes"),
    2: ("memory.max", "memory.current"),
}
"""The files of the limit and of the memory in use, by version of control groups."""

_RECLAIMABLE = {
    1: ("total_active_file", "total_inactive_file"),
    2: ("active_file", "inactive_file", "slab_reclaimable"),
}
"""Names of lines in ``memory.stat``, by version of control groups."""


def require_memory(
    place: str, needed: int, remedy: str, held: int = 0, root: Path = Path("/")
) -> None:
    """Raise `DataError`, with ``remedy`` as its last clause, unless a file fits into memory.

    ``needed`` is the approximate number of bytes that the file needs in memory, of which ``held``
    are already loaded; ``place`` names it, and ``root`` is the folder of ``proc`` and ``sys``.
    """
    if needed < SMALL:
        return
    available = available_memory(root)
    if available is None:
        return
    available = max(0, available - RESERVE)
    if needed - held > available:
        if any(bound < needed - held for bound in _address_space(root)):
            remedy = "raise the limit on address space, which mapped files also use (ulimit -v)"
        raise DataError(
            f"{place} does not fit into memory (needs about {show_bytes(needed)},"
            f" {show_bytes(available + held)} available); {remedy}"
        )


def show_bytes(count: int) -> str:
    """Return a number of bytes in the largest fitting unit."""
    units = ("KiB", "MiB", "GiB", "TiB")
    power = min(max(1, (count.bit_length() - 1) // 10), len(units))
    return f"{count / 1024**power:,.1f} {units[power - 1]}"


def available_memory(root: Path = Path("/")) -> int | None:
    """Return the bytes that this process can still allocate, or None without any limit."""
    limits = [*_machine(root), *_control_groups(root), *_address_space(root)]
    limits += _of_process(root, resource.RLIMIT_DATA, 5)
    return max(0, min(limits)) if limits else None


def _machine(root: Path) -> Iterator[int]:
    fields = _table(root / "proc/meminfo", unit=1024)
    if "MemAvailable" in fields:
        yield fields["MemAvailable"] + fields.get("SwapFree", 0)
    elif root == Path("/"):
        with suppress(ValueError, OSError):  # not every system has these names
            yield os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _address_space(root: Path) -> Iterator[int]:
    return _of_process(root, resource.RLIMIT_AS, 0)


def _of_process(root: Path, limit: int, field: int) -> Iterator[int]:
    """Yield the rest of a limit, if there is one; ``field`` of ``statm`` is the pages in use."""
    pages = _text(root / "proc/self/statm").split()
    bound = resource.getrlimit(limit)[0]
    if bound != resource.RLIM_INFINITY:
        used = int(pages[field]) * resource.getpagesize() if len(pages) > field else 0
        yield bound - used


def _control_groups(root: Path) -> Iterator[int]:
    swap = _table(root / "proc/meminfo", unit=1024).get("SwapFree", 0)
    for folder, version in _group_folders(root):
        limit, used = (_number(folder / name) for name in _GROUP_FILES[version])
        if limit is None or used is None:
            continue
        statistics = _table(folder / "memory.stat")
        # Pages of files that were read count as used, and the kernel drops them when it must.
        reclaimable = sum(statistics.get(name, 0) for name in _RECLAIMABLE[version])
        yield limit - used + min(reclaimable, used) + swap


def _group_folders(root: Path) -> Iterator[tuple[Path, int]]:
    """Yield the folder and the version of every control group of this process, with all parents."""
    mounts = dict(_mounts(root))
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        version = 1 if "memory" in controllers.split(",") else 2
        if (controllers and version == 2) or version not in mounts:
            continue
        top, inner = mounts[version]
        # Inside a container the mount may begin below the group that the kernel names.
        relative = os.path.relpath(path, inner) if path.startswith("/") else "."
        folder = top if relative.startswith("..") else top / relative
        while True:
            yield folder, version
            if folder == top:
                break
            folder = folder.parent


def _mounts(root: Path) -> Iterator[tuple[int, tuple[Path, str]]]:
    """Yield each version of control groups, with its mount point and the group mounted there."""
    for line in _text(root / "proc/self/mountinfo").splitlines():
        before, _, after = line.partition(" - ")
        place, kind = before.split(), after.split()
        if len(place) > 4 and len(kind) > 2:
            if kind[0] == "cgroup2":
                yield 2, (root / place[4].lstrip("/"), place[3])
            elif kind[0] == "cgroup" and "memory" in kind[2].split(","):
                yield 1, (root / place[4].lstrip("/"), place[3])


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _number(path: Path) -> int | None:
    text = _text(path).strip()
    return int(text) if text.isdecimal() else None


def _table(path: Path, unit: int = 1) -> dict[str, int]:
    lines = re.findall(r"^(\w+):?\s+(\d+)", _text(path), re.MULTILINE)
    return {name: int(value) * unit for name, value in lines}
