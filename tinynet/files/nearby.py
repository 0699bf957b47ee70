"""Suggestions for a path that does not exist."""

import glob
import os
from collections.abc import Callable
from itertools import islice
from pathlib import Path

from tinynet.files.natural_order import natural_key
from tinynet.text.wording import closest, format_list

_MAX_NAMES = 10_000
"""The most names of a folder that are compared."""


def suggest_path(path: Path, kind: str, matches: Callable[[os.DirEntry[str]], bool]) -> str:
    """Return the end of a message about a missing path of a ``kind``, such as ``specs``."""
    parent = path.parent
    if not parent.is_dir():
        return f" (there is no folder {parent})"
    names = names_in(parent, matches)
    if near := closest(path.name, names):
        return f"; did you mean {parent / near}?"
    if names:
        where = "in this folder" if parent == Path() else f"in {parent}"
        return f"; {kind} {where}: {format_list(names)}"
    return ""


def names_in(folder: Path, matches: Callable[[os.DirEntry[str]], bool]) -> list[str]:
    """Return the names in a folder that match, sorted; none if it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in islice(entries, _MAX_NAMES) if matches(entry))
    except OSError:
        return []


def ends_in(*suffixes: str) -> Callable[[os.DirEntry[str]], bool]:
    """Return a function that matches files by the end of their names."""
    return lambda entry: entry.name.lower().endswith(suffixes) and entry.is_file()


def files_of_pattern(pattern: str | Path) -> list[str]:
    """Return the files that match a pattern with ``*`` or ``?``, in natural order; else none."""
    text = str(pattern)
    if "*" not in text and "?" not in text:
        return []
    try:
        return sorted(glob.glob(text.replace("[", "[[]")), key=natural_key)
    except (OSError, ValueError):
        return []
