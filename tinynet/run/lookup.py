"""Lookup of checkpoints by a run folder or a file."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.errors import CheckpointError
from tinynet.run.folder import RunFolder, retry_if_pruned
from tinynet.run.path_errors import newest_damaged, no_checkpoint, no_checkpoint_of
from tinynet.run.unsaved_steps import unsaved_steps


def find_checkpoint(
    path: str | Path,
    which: str | Path | None = None,
    warn: Callable[[str], None] = lambda text: None,
) -> tuple[Path, Checkpoint]:
    """Return the file and the content of the checkpoint that a path stands for.

    Args:
        path: A run folder, or a checkpoint.
        which: ``"best"``, ``"last"``, or a file (the name is enough for one of the run); by
            default the best if the run keeps one, else the last.
        warn: Called if the process that trained the run ended without a last save, so that the log
            has steps that no checkpoint holds, or the network is untrained; not for a file that
            ``which`` names.

    Raises:
        CheckpointError: if it cannot be read, or the newest one of a run is damaged: no other file
            is read instead, since it would be another model.
    """
    folder = RunFolder(Path(path))
    if which not in (None, "best", "last"):
        inside = folder.checkpoints / which
        path = inside if inside.exists() else which
        if not os.path.lexists(path):
            raise no_checkpoint_of(folder.path, str(which))
    elif not os.path.lexists(path):
        raise no_checkpoint(folder.path)
    if which not in (None, "best", "last") or not folder.path.is_dir():
        return Path(path), Checkpoint.read(Path(path))
    file, checkpoint = retry_if_pruned(lambda: _choose(folder, which))
    if text := unsaved_steps(folder, checkpoint.progress.step):
        warn(f"{folder.path}: {text}")
    return file, checkpoint


def _choose(folder: RunFolder, which: str | Path | None) -> tuple[Path, Checkpoint]:
    newest, damaged = folder.newest_and_damaged()
    if damaged:
        intact = folder.checkpoint(newest.progress.step)
        raise newest_damaged(folder.path, intact, damaged.values())
    best = newest.progress.best
    if which == "best" and best is None:
        raise _no_best(folder, newest)
    if which == "last" or best is None or best.step == newest.progress.step:
        return folder.checkpoint(newest.progress.step), newest
    chosen = folder.checkpoint(best.step)
    return chosen, Checkpoint.read(chosen)


def _no_best(folder: RunFolder, newest: Checkpoint) -> CheckpointError:
    rule: Any = newest.spec
    for key in ("training", "checkpoint", "keep_best"):
        rule = rule.get(key) if isinstance(rule, dict) else None
    if rule is None:
        remedy = "keeps no best checkpoint; set training.checkpoint.keep_best to keep one"
    else:
        remedy = (
            "has no best checkpoint yet. The best state is written with the next checkpoint, or"
            " within seconds; if no process trains the run, tinynet resume computes it again"
        )
    return CheckpointError(f"{folder.path} {remedy}")
