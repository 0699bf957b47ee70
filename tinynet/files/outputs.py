"""Checks of the files that a user names for a result: nothing that a run needs is replaced."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from tinynet.errors import UsageError

PAGE_ENDINGS = (".html", ".htm")

_STEP = re.compile(r"step-[0-9]{12,19}\.msgpack(\..*)?")

_RUN_FILES = frozenset(
    {
        "spec.json",
        "metrics.jsonl",
        "statistics.jsonl",
        "evaluations.jsonl",
        "profile.json",
        "trace.json.gz",
        "run.lock",
        "metrics.csv",
        "mlflow.json",
    }
)
_STUDY_FILES = frozenset({"study.json", "study.lock", "journal.log", "best.json", "trials.csv"})


def require_ending(path: str | Path, endings: Sequence[str], content: str) -> None:
    """Refuse a file name without a fitting ending, as that of a spec or a log.

    Args:
        path: The file.
        endings: The endings that fit: ``(".html", ".htm")``.
        content: The noun for what is written: ``"a page"``.

    Raises:
        UsageError: with an example.
    """
    name = str(path)
    if name == "-":
        raise UsageError(
            f"{content} is not written to stdout; name a file that ends in {' or '.join(endings)}"
        )
    if Path(name).suffix.lower() not in endings:
        example = Path(name).with_suffix(endings[0]) if Path(name).name else f"x{endings[0]}"
        raise UsageError(
            f"{content} is written to a file that ends in {' or '.join(endings)}, but {name!r} does"
            f" not; name it {str(example)!r}"
        )


def require_foreign(path: Path) -> None:
    """Refuse ``-``, and a file that a run or a study writes itself: a log, a checkpoint.

    Raises:
        UsageError: if the file is one of those.
    """
    if str(path) == "-":
        raise UsageError("the result is not written to stdout; name a file instead of -")
    target = Path(os.path.realpath(path))
    folder, name = target.parent, target.name
    if folder.name == "checkpoints" and _STEP.fullmatch(name):
        raise UsageError(f"{path} is a checkpoint, and would be replaced; name another file")
    if name in _RUN_FILES and _is_run(folder):
        raise UsageError(f"{path} belongs to the run {folder}; name another file")
    if name in _STUDY_FILES and (folder / "study.json").is_file():
        raise UsageError(f"{path} belongs to the study {folder}; name another file")


def _is_run(folder: Path) -> bool:
    if (folder / "metrics.jsonl").is_file():
        return True
    try:
        return any(map(_STEP.fullmatch, os.listdir(folder / "checkpoints")))
    except OSError:
        return False
