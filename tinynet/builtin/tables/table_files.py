"""The files of one table: one file, or all that match a pattern."""

import glob
import os

from tinynet.errors import DataError
from tinynet.files.natural_order import natural_key

TEXT_ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt")
"""Usual endings of text tables."""


def table_files(path: str) -> list[str]:
    """Return the files that a path names, in natural order; ``*`` and ``?`` are wildcards.

    A path that exists names itself.

    Raises:
        DataError: for a folder, and if no file matches.
    """
    if os.path.isdir(path):
        raise DataError(f"{path} is a folder; a file is expected{_all_tables(path)}")
    if not ("*" in path or "?" in path) or os.path.lexists(path):
        return [path]
    try:
        files = sorted(glob.glob(path.replace("[", "[[]")), key=natural_key)
    except (OSError, ValueError):
        files = []
    files = [file for file in files if os.path.isfile(file)]
    if not files:
        raise DataError(f"no file matches the pattern {path}; correct the pattern")
    return files


def _all_tables(folder: str) -> str:
    """Suggest the pattern of the tables in a folder, if it has any."""
    for ending in TEXT_ENDINGS:
        if glob.glob(os.path.join(glob.escape(folder), f"*{ending}")):
            return f'; for all tables in it, set "path": "{os.path.join(folder, f"*{ending}")}"'
    return ""
