"""Runs by their paths, with the reason where one cannot be read."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tinynet.errors import CheckpointError, CheckpointIOError
from tinynet.files.nearby import names_in, suggest_path
from tinynet.run.folder import RunFolder
from tinynet.run.path_errors import no_run
from tinynet.run.record import TRIALS, RunRecord, find_runs, read_record
from tinynet.run.unsaved_steps import unsaved_steps
from tinynet.text.printing import counted

_MAX_UNSAVED = 3
"""The most runs with unsaved steps that are named."""


@dataclass(frozen=True)
class RunEntry:
    """A run folder.

    Attributes:
        path: The folder.
        record: Its summary; None if it cannot be read.
        problems: A sentence for each fault of the folder, or the reason why it cannot be read.
        unsaved: A warning if the figures are of steps that no checkpoint holds; else None.
    """

    path: Path
    record: RunRecord | None
    problems: tuple[str, ...] = ()
    unsaved: str | None = None

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.name or self.path.resolve().name


def read_entry(path: Path) -> RunEntry:
    """Read a run; errors of its folder become its problems."""
    try:
        record = read_record(path)
    except CheckpointError as error:
        return RunEntry(path, None, (str(error),))
    progress = record.sections.progress
    used = progress.step if progress.best is None else progress.best.step
    unsaved = unsaved_steps(RunFolder(path), used) if record.step > progress.step else None
    return RunEntry(path, record, record.problems, unsaved)


def warnings_of(entries: Iterable[RunEntry]) -> list[str]:
    """Return a line for each fault of a run's folder, and for the first with unsaved steps."""
    entries = [*entries]
    lines = [f"{entry.name}: {text}" for entry in entries for text in entry.problems]
    unsaved = [f"{entry.name}: {entry.unsaved}" for entry in entries if entry.unsaved]
    rest = len(unsaved) - _MAX_UNSAVED
    more = f"{counted(rest, 'more run')} with steps that were not saved"
    return [*lines, *unsaved[:_MAX_UNSAVED], *([more] if rest > 0 else [])]


def entries_in(folder: str | Path) -> list[RunEntry]:
    """Read all runs in a folder, or of a study, in natural order.

    Raises:
        CheckpointIOError: if the folder does not exist, or cannot be read.
    """
    path = Path(folder)
    if not os.path.lexists(path) and path == Path("runs"):
        raise CheckpointIOError(
            "there is no folder 'runs' here; tinynet train SPEC creates it, and tinynet runs FOLDER"
            " lists another one"
        )
    if not os.path.lexists(path):
        near = suggest_path(path, "folders", lambda entry: entry.is_dir())
        raise CheckpointIOError(f"no such folder: {path}{near}")
    if not path.is_dir():
        raise no_run(path)
    return [read_entry(run) for run in find_runs(path)]


def studies_in(folder: str | Path) -> list[Path]:
    """Return the folders of studies, whose trials are runs, in a folder."""
    names = names_in(Path(folder), lambda entry: os.path.isdir(os.path.join(entry.path, TRIALS)))
    return [Path(folder, name) for name in names]


def entries_of(paths: Iterable[str | Path]) -> list[RunEntry]:
    """Read runs, each given by its path or with all others in a folder.

    Raises:
        CheckpointIOError: for a path that is neither a run nor a folder with runs.
    """
    runs: dict[Path, None] = {}
    for path in map(Path, paths):
        found = find_runs(path) if path.is_dir() else []
        if not found:
            raise no_run(path)
        runs |= dict.fromkeys(found)
    entries = [read_entry(run) for run in runs]
    if entries and all(entry.record is None for entry in entries):
        raise CheckpointIOError("\n  ".join(p for entry in entries for p in entry.problems))
    return entries
