"""A run's folder: its lock, its log, and its checkpoints.

    spec.json                                    the resolved spec, for people
    metrics.jsonl                                one object per line
    statistics.jsonl                             likewise, with log_statistics_every_steps
    ending.json                                  the end of the last process, unless it finished
    evaluations.jsonl                            evaluations of whole splits, one per line
    profile.json, trace.json.gz                  the profile, if one was asked for
    checkpoints/step-000000001200.msgpack
    run.lock                                     locked while a process trains here

The spec and the step inside a checkpoint are authoritative; names and copies outside are not.
"""

import json
import os
import re
import stat
from collections.abc import Callable, Iterable, Mapping
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from pydantic import JsonValue

from tinynet import archive
from tinynet.errors import (
    CheckpointCorruptError,
    CheckpointError,
    CheckpointFormatError,
    CheckpointIOError,
    RunExistsError,
    explaining_io,
)
from tinynet.files.atomic import leftovers, replacing, sync_folder
from tinynet.files.strict import READ, kind_of, open_strictly, require_folder
from tinynet.run.path_errors import no_run, none_intact
from tinynet.text.shell import shell_path

if TYPE_CHECKING:
    from tinynet.checkpoint.checkpoint import Checkpoint

T = TypeVar("T")

_NAME = re.compile(r"step-([0-9]{12,19})\.msgpack")

_MAX_SPEC = 2**26
"""Most bytes of spec.json that are read."""


class _Owner(NamedTuple):
    """The run of a checkpoint.

    Attributes:
        identity: Inode, time of change and size of the file: another file differs in them.
        run_id: The identity of the run.
    """

    identity: tuple[int, int, int]
    run_id: str


class RunFolder:
    """The files of the run in the folder ``path``, as the module lists them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoints = path / "checkpoints"
        self.log = path / "metrics.jsonl"
        self.statistics = path / "statistics.jsonl"
        self.spec = path / "spec.json"
        self.lock = path / "run.lock"
        self._owners: dict[int, _Owner] = {}

    # Checkpoints ----------------------------------------------------------------------------

    def checkpoint(self, step: int) -> Path:
        """Return the file of a step's checkpoint."""
        return self.checkpoints / _name(step)

    def steps(self) -> list[int]:
        """Return the steps that have a checkpoint file, ascending."""
        with explaining_io(self.checkpoints):
            try:
                require_folder(self.checkpoints)
                names = set(os.listdir(self.checkpoints))
            except (FileNotFoundError, NotADirectoryError):
                return []
        steps = sorted(int(match[1]) for name in names if (match := _NAME.fullmatch(name)))
        # A name with additional zeros would stand for a step twice.
        return [step for step in steps if _name(step) in names]

    def newest(
        self, warn: Callable[[str], None], *, set_aside: bool, copy: bool = True
    ) -> "Checkpoint":
        """Return the newest intact checkpoint; skip damaged ones with a warning.

        Only damaged ones are skipped: one of a newer format version, for example, is an error.
        With ``set_aside``, which is for the holder of the lock, they are renamed to ``.bad`` if an
        older one is intact. Without ``copy``, the file is mapped, for reading only.

        Raises:
            CheckpointError: if there is none, listing the reasons.
        """
        checkpoint, damaged = self.newest_and_damaged(warn, copy=copy)
        if set_aside:
            _set_aside(damaged)
        return checkpoint

    def newest_and_damaged(
        self, warn: Callable[[str], None] | None = None, *, copy: bool = True
    ) -> "tuple[Checkpoint, dict[Path, str]]":
        """Return the newest intact checkpoint, and the fault of each newer one; see `newest`."""
        # Imported here, as lists of runs do without it.
        from tinynet.checkpoint.checkpoint import Checkpoint

        damaged: dict[Path, str] = {}
        for step in reversed(self.steps()):
            path = self.checkpoint(step)
            try:
                checkpoint = Checkpoint.read(path, copy=copy)
                if (held := checkpoint.progress.step) != step:
                    raise CheckpointFormatError(f"{path} holds step {held:,}: the file was renamed")
            except (CheckpointFormatError, CheckpointCorruptError) as error:
                damaged[path] = str(error)
                if warn is not None:
                    warn(f"skipped a damaged checkpoint: {error}")
            else:
                return checkpoint, damaged
        if not damaged:
            raise no_run(self.path)
        raise none_intact(self.path, damaged.values())

    def remember(self, run_id: str, step: int) -> None:
        """Remember that a checkpoint, which was just written, is of a run."""
        with explaining_io(path := self.checkpoint(step)):
            self._owners[step] = _Owner(_identity(path), run_id)

    def prune(self, run_id: str, keep_last: int, protected: Iterable[int]) -> None:
        """Remove old checkpoints of this run; keep unreadable ones, which may be of another."""
        steps = self.steps()
        if len(steps) <= keep_last:
            return
        own = [step for step in steps if self._belongs_to(run_id, step)]
        for step in {*own[:-keep_last]} - {*protected}:
            path = self.checkpoint(step)
            with explaining_io(path):
                path.unlink(missing_ok=True)
            self._owners.pop(step, None)

    def _belongs_to(self, run_id: str, step: int) -> bool:
        """Return True if a checkpoint is of a run; its file is read only if it is not known."""
        path, known = self.checkpoint(step), self._owners.get(step)
        try:
            identity = _identity(path)
            if known is None or known.identity != identity:
                known = _Owner(identity, archive.read_outline(path).run_id)
                self._owners[step] = known
        except (CheckpointError, OSError):
            return False
        return known.run_id == run_id

    def clean(self) -> None:
        """Remove the temporary files of killed processes; only for the holder of the lock."""
        with explaining_io(self.checkpoints):
            require_folder(self.checkpoints)
        for folder in (self.path, self.checkpoints):
            with explaining_io(folder):
                for path in leftovers(folder):
                    path.unlink(missing_ok=True)

    def require_unused(self) -> None:
        """Require that the folder holds no log and no checkpoint; only for the holder of the lock.

        Raises:
            RunExistsError: if it does; a damaged checkpoint counts.
        """
        with explaining_io(self.path):
            require_folder(self.checkpoints)
            used = [self.log] if _is_used(self.log) else []
            used += sorted(set(self.checkpoints.iterdir()) - {*leftovers(self.checkpoints)})
        if used:
            resume = f"resume it (tinynet resume {shell_path(self.path)}), or "
            raise RunExistsError(
                f"{used[0]} belongs to an earlier run, which is never overwritten:"
                f" {resume if self.steps() else ''}choose a new folder: run_dir (--run)"
            )

    # Spec -----------------------------------------------------------------------------------

    def write_spec(self, spec: Mapping[str, JsonValue]) -> None:
        """Write the resolved spec, for people."""
        with explaining_io(self.spec), replacing(self.spec) as write_at:
            write_at(0, json.dumps(spec, indent=2, ensure_ascii=False).encode() + b"\n")

    def spec_was_edited(self, spec: Mapping[str, JsonValue]) -> bool:
        """Return True if spec.json differs from the run's own spec.

        Raises:
            CheckpointIOError: if spec.json is not a regular file.
        """
        try:
            with open(open_strictly(self.spec, READ), "rb") as file:
                text = file.read(_MAX_SPEC + 1)
            return len(text) > _MAX_SPEC or json.loads(text) != spec
        except OSError:
            return False
        except (ValueError, RecursionError):
            return True


def _name(step: int) -> str:
    return f"step-{step:012d}.msgpack"


def _identity(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_ino, status.st_mtime_ns, status.st_size


def _is_used(log: Path) -> bool:
    """Return True if the log has content, or is not a regular file."""
    try:
        status = os.lstat(log)
    except FileNotFoundError:
        return False
    return not stat.S_ISREG(status.st_mode) or status.st_size > 0


def _set_aside(damaged: Iterable[Path]) -> None:
    """Rename damaged checkpoints to names that are free."""
    for path in damaged:
        names = (path.with_name(f"{path.name}{number or ''}.bad") for number in count())
        with explaining_io(path):
            path.rename(next(name for name in names if not os.path.lexists(name)))


def retry_if_pruned(read: Callable[[], T]) -> T:
    """Call ``read``, once more if a file was pruned between being listed and being read."""
    try:
        return read()
    except CheckpointIOError as error:
        if not isinstance(error.__cause__, FileNotFoundError):
            raise
        return read()


def new_folder(path: Path, *, reuse: bool) -> RunFolder:
    """Create the folder of a new run; raise `RunExistsError` if the path exists.

    With ``reuse``, accept a folder of a process that was killed before its first save.
    """
    with explaining_io(path):
        _make_durably(path.parent)
        try:
            path.mkdir()
            sync_folder(path.parent)
        except FileExistsError:
            if not path.is_dir():
                raise RunExistsError(
                    f"{path} is {kind_of(path)}; a run needs a folder, so choose another name"
                ) from None
            if any(path.iterdir()) and not reuse:
                raise RunExistsError(
                    f"{path} already exists; continue it with resume=True (--resume), or choose"
                    " another folder"
                ) from None
        folder = RunFolder(path)
        if os.path.lexists(folder.checkpoints):
            require_folder(folder.checkpoints)
        else:
            folder.checkpoints.mkdir()
    return folder


def _make_durably(path: Path) -> None:
    """Create a folder and its parents so that they survive a power loss."""
    if not path.is_dir():
        if os.path.lexists(path):
            raise CheckpointIOError(f"{path} is {kind_of(path)}, and a folder is expected there")
        _make_durably(path.parent)
        path.mkdir(exist_ok=True)
        sync_folder(path.parent)


def next_folder(parent: Path, name: str) -> RunFolder:
    """Create the next free folder ``name-001``, ``name-002``, ... in ``parent``."""
    with explaining_io(parent):
        _make_durably(parent)
        pattern = re.compile(re.escape(name) + r"-([0-9]{3,9})")
        taken = [int(m[1]) for p in parent.iterdir() if (m := pattern.fullmatch(p.name))]
        for number in count(max(taken, default=0) + 1):
            path = parent / f"{name}-{number:03d}"
            try:
                path.mkdir()
            except FileExistsError:
                continue
            sync_folder(parent)
            (path / "checkpoints").mkdir()
            break
        return RunFolder(path)
