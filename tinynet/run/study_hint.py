"""The best run of a study, for messages about its folder; the study may come from a stranger."""

import csv
import io
import json
import os
from pathlib import Path
from typing import Any

from tinynet.errors import CheckpointError
from tinynet.files.strict import READ, open_strictly

_MAX_BYTES = 1 << 24
"""Most bytes of a file that are read."""


def is_study(path: Path) -> bool:
    """Return True if a folder is a study of `tinynet tune`."""
    return os.path.lexists(path / "study.json") and (path / "trials").is_dir()


def study_hint(path: Path) -> str:
    """Return the sentence about a study that was named instead of a run."""
    run = _best_run(path)
    if run is None:
        return f"{path} is a study; its runs are in {path / 'trials'}"
    return f"{path} is a study; its best run is {run}"


def _best_run(path: Path) -> Path | None:
    """Return the run of the finished trial with the best value; None if it is unknown."""
    try:
        plan = json.loads(_text(path / "study.json"))
        table = csv.DictReader(io.StringIO(_text(path / "trials.csv")))
        rows = [row for row in table if row["state"] == "finished"]
        runs = {_number(row): float(row[plan["metric"]]) for row in rows}
        best = (max if plan["greater"] else min)(runs, key=runs.__getitem__)
    except (OSError, ValueError, KeyError, TypeError, csv.Error, RecursionError, CheckpointError):
        return None
    return path / "trials" / f"{best:04d}"


def _number(row: dict[str, Any]) -> int:
    return int(row["trial"])


def _text(path: Path) -> str:
    with open(open_strictly(path, READ), "rb") as file:
        return file.read(_MAX_BYTES).decode()
