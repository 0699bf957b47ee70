"""The state of a new best evaluation, kept in memory until the next save writes it.

A save for each new best takes up to a tenth of a short run, and the next best one replaces most of
them. A run that is killed loses nothing: resumed from its last checkpoint, it computes the same
steps and the same best state again, with the same bits. That checkpoint names the best one before,
which is only removed when a later checkpoint is written, after the best state that this one names.
"""

import time
from dataclasses import dataclass, replace

from tinynet.checkpoint.sections import LogMark
from tinynet.training.progress import Progress
from tinynet.types import Array

_LONGEST = 5.0
"""Seconds after the first state that was kept since a save, after which the latest one is saved:
so the best checkpoint of a run that improves steadily is never older than that."""

_MOST = 1 << 26
"""Bytes of the largest state that is kept: the copy of a larger one takes memory of training."""


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The state of a run that a checkpoint holds.

    Attributes:
        progress: The position in the run.
        log: The part of the log that belongs to it.
        tensors: The arrays of the trainer's state.
    """

    progress: Progress
    log: LogMark
    tensors: dict[str, Array]

    @property
    def is_best(self) -> bool:
        """True for the state of the best evaluation so far."""
        return self.progress.best is not None and self.progress.best.step == self.progress.step


class KeptBest:
    """The state of the best evaluation, as long as no checkpoint holds it.

    Attributes:
        snapshots: The state, or nothing.
    """

    def __init__(self) -> None:
        self.snapshots: tuple[Snapshot, ...] = ()
        self._since = 0.0

    def keep(self, snapshot: Snapshot) -> bool:
        """Keep a copy of the best state; return False if it is too large, and must be saved now."""
        tensors = snapshot.tensors
        if sum(array.nbytes for array in tensors.values()) > _MOST:
            return False
        copies = {name: array.copy() for name, array in tensors.items()}
        if not self.snapshots:
            self._since = time.monotonic()
        self.snapshots = (replace(snapshot, tensors=copies),)
        return True

    def clear(self) -> None:
        """Forget the state, which is being saved, or no longer the best."""
        self.snapshots = ()

    @property
    def waits_long(self) -> bool:
        """True if the state must be saved without another one."""
        return bool(self.snapshots) and time.monotonic() - self._since >= _LONGEST
