"""Checks of a resumed run whose length has changed."""

import math
from collections.abc import Iterable
from typing import Any

from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.errors import Problem, SpecError
from tinynet.spec.change import Change
from tinynet.text.options import overrides
from tinynet.training.trainer import Trainer

_RATE = ("/training/schedule", "/training/optimizer/learning_rate")
_JUMP = 0.01
"""The relative change of a learning rate that is worth a warning."""


def require_end_not_passed(trainer: Trainer) -> None:
    """Require that a run does not end before the step that it has reached.

    Raises:
        SpecError: if it does, with the shortest length that continues the run.
    """
    if trainer.total_steps >= trainer.step:
        return
    progress = trainer.progress
    key, least = "steps", trainer.step + 1
    if trainer.spec.training.steps is None:
        key, least = "epochs", progress.epoch + 1
    place = f", in epoch {progress.epoch + 1}"
    if not progress.position:
        place = f" after {progress.epoch:,} complete epoch{'s' if progress.epoch != 1 else ''}"
    message = (
        f"the run has reached step {trainer.step:,}{place}, past its new end at step"
        f" {trainer.total_steps:,}; to train longer use"
        f" {overrides(f'training.{key}={least}')}"
    )
    raise trainer.spec.locate(SpecError([Problem(message, f"/training/{key}")]))


def rate_jump(trainer: Trainer, checkpoint: Checkpoint, changes: Iterable[Change]) -> str | None:
    """Return a warning if another length of the run makes the learning rate jump; else None.

    A changed schedule or rate is meant to change the rate, and needs no warning.
    """
    pointers = [change.pointer for change in changes]
    if not trainer.step or any(pointer.startswith(_RATE) for pointer in pointers):
        return None
    training: Any = checkpoint.spec["training"]
    before = training.get("steps") or training["epochs"] * trainer.steps_per_epoch
    last = trainer.step - 1
    old, new = trainer.rate_at(last, before), trainer.rate_at(last, trainer.total_steps)
    if math.isclose(old, new, rel_tol=_JUMP):
        return None
    return (
        f"the learning rate jumps from {old:.4g} to {trainer.learning_rate:.4g}, because the"
        f" schedule follows the length of the run, which changes from {before:,} to"
        f" {trainer.total_steps:,} steps; to stay at the rate it had reached, add"
        f" {overrides('training.schedule=null', f'training.optimizer.learning_rate={old:.4g}')}"
    )
