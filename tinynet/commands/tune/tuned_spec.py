"""The best spec as a file beside the original one, from which relative data paths start."""

import os
from pathlib import Path

from tinynet.commands.tune.plan import Plan
from tinynet.commands.tune.study import StudyFolder
from tinynet.errors import UsageError
from tinynet.text.printing import short


def tuned_path(plan: Plan, folder: StudyFolder) -> Path | None:
    """Return the file that the best spec is written to besides ``best.json``; None without one.

    That is the one of ``--output``, or ``NAME-tuned.json`` beside a spec whose data paths start
    there. A file that the study has not written, or that was edited, is never replaced.
    """
    path = _wished(plan)
    if path is None or not os.access(path.parent, os.W_OK):
        return None
    if os.path.lexists(path) and not _is_own(path, folder.best):
        return None
    return path


def require_new_output(output: str | None, folder: StudyFolder | None) -> None:
    """Require that the file of ``--output`` can be created, or was written by the study.

    Raises:
        UsageError: if not.
    """
    if output is None:
        return
    path = Path(output)
    if os.path.lexists(path) and (folder is None or not _is_own(path, folder.best)):
        raise UsageError(f"--output: {output} already exists; name a new file")
    if not os.access(path.parent, os.W_OK):
        raise UsageError(f"--output: {path.parent} is not a folder in which files can be created")


def train_words(plan: Plan, folder: StudyFolder, tuned: Path | None) -> list[str]:
    """Return the words of the command that trains the best spec."""
    spec = folder.best if tuned is None else tuned
    words = ["tinynet", "train", short(spec)]
    if plan.reads_files and spec.parent.resolve() != Path(plan.data_root).resolve():
        words += ["--data-root", plan.data_root]
    return words


def _wished(plan: Plan) -> Path | None:
    if plan.output is not None:
        return Path(plan.output)
    if plan.spec_file is None or not plan.reads_files:
        return None
    spec = Path(plan.spec_file)
    if spec.parent.resolve() != Path(plan.data_root).resolve():
        return None
    return spec.with_name(f"{spec.stem}-tuned.json")


def _is_own(path: Path, best: Path) -> bool:
    """Return True if a file is as the study wrote it: equal to its ``best.json``."""
    try:
        return path.is_file() and not path.is_symlink() and path.read_bytes() == best.read_bytes()
    except OSError:
        return False
