"""Results of reading large files from end to end, kept until the files change.

A result belongs to the paths, sizes and times of its files (see `FileVersion`). It is kept in a
small JSON file in ``$XDG_CACHE_HOME/tinynet/scans``, by default ``~/.cache/tinynet/scans``. A
damaged entry, and one that cannot be written, is ignored: the files are read again.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import astuple
from pathlib import Path
from typing import Any

from pydantic import JsonValue
from xxhash import xxh3_128_hexdigest

from tinynet.files.atomic import replacing
from tinynet.files.file_rows import FileVersion

_verifying: ContextVar[bool] = ContextVar("verifying", default=False)

_MAX_ENTRY = 1 << 26
"""Bytes of an entry that are read."""


@contextmanager
def verifying(everything: bool = True) -> Iterator[None]:
    """Read all files in the block, also those whose results are kept, if ``everything``."""
    token = _verifying.set(everything or _verifying.get())
    try:
        yield
    finally:
        _verifying.reset(token)


def remember(
    purpose: str,
    files: Sequence[FileVersion],
    compute: Callable[[], JsonValue],
    compare: Callable[[Any, Any], None] = lambda old, new: None,
) -> Any:
    """Return the result of ``compute``, which reads files from end to end, or the kept result.

    Args:
        purpose: The kind of the result, and everything that it depends on besides the files.
        files: The files, as they were before ``compute`` reads them.
        compute: Return the result, which is data of JSON.
        compare: Called with the kept and the new result if the files are read to verify them
            (see `verifying`) although their sizes and times are those of the kept result.
    """
    entry = _entry(purpose, files)
    versions: list[JsonValue] = [list(astuple(file)) for file in files]
    kept = _read(entry, versions)
    if kept is not None and not _verifying.get():
        return kept["result"]
    result = compute()
    if kept is not None:
        compare(kept["result"], result)
    if entry is not None and _unchanged(files):
        _write(entry, {"files": versions, "result": result, "digest": _digest(result)})
    return result


def _entry(purpose: str, files: Sequence[FileVersion]) -> Path | None:
    """Return the file of a result; None without a home folder."""
    key = json.dumps([purpose, [file.path for file in files]])
    given = os.environ.get("XDG_CACHE_HOME", "")
    try:
        base = Path(given) if os.path.isabs(given) else Path.home() / ".cache"
    except RuntimeError:
        return None
    return base / "tinynet" / "scans" / f"{xxh3_128_hexdigest(key.encode())}.json"


def _read(entry: Path | None, versions: list[JsonValue]) -> dict[str, Any] | None:
    if entry is None:
        return None
    try:
        with open(entry, "rb") as file:
            kept = json.loads(file.read(_MAX_ENTRY))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(kept, dict) or kept.get("files") != versions or "result" not in kept:
        return None
    return kept if kept.get("digest") == _digest(kept["result"]) else None


def _digest(result: JsonValue) -> str:
    return xxh3_128_hexdigest(json.dumps(result, sort_keys=True).encode())


def _unchanged(files: Sequence[FileVersion]) -> bool:
    try:
        return all(FileVersion.read(file.path) == file for file in files)
    except OSError:
        return False


def _write(entry: Path, content: dict[str, JsonValue]) -> None:
    with suppress(OSError):
        entry.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with replacing(entry) as write_at:
            write_at(0, json.dumps(content).encode())
