"""The files of one table: one file, or all that match a pattern."""

import glob
import os

from tinynet.errors import DataError


def table_files(path: str) -> list[str]:
    """Return the files that a path names; ``*`` and ``?`` in it are wildcards.

    A path that exists names itself.

    Raises:
        DataError: if no file matches.
    """
    if not ("*" in path or "?" in path) or os.path.lexists(path):
        return [path]
    try:
        files = sorted(glob.glob(path.replace("[", "[[]")))
    except (OSError, ValueError):
        files = []
    files = [file for file in files if os.path.isfile(file)]
    if not files:
        raise DataError(f"no file matches the pattern {path}; correct the pattern")
    return files
