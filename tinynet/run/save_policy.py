"""The rule that saves checkpoints, as the spec has it."""

import time

from tinynet.training.events import Evaluated, Event, StepDone
from tinynet.training.exchange import Requests
from tinynet.training.trainer import Trainer


class SavePolicy:
    """The times at which a run is saved.

    They follow from the position in the run, except for `every_seconds`: of several processes the
    first reads the clock, and all save together after the next step.
    """

    def __init__(self, trainer: Trainer) -> None:
        """Start the clock of `every_seconds`."""
        self._trainer = trainer
        self._policy = trainer.spec.training.checkpoint
        self._by_step = trainer.spec.training.evaluate_every_steps is not None
        self.restart()

    def restart(self) -> None:
        """Restart the clock, at a save."""
        self._saved_at = time.monotonic()

    def due(self, event: Event) -> bool:
        """Return True if the run is saved after an event; all processes ask after each one."""
        due, group = self._scheduled(event) or _improved(event), self._trainer.group
        if group is None:
            return due or self._overdue(event)
        due = due or (isinstance(event, StepDone) and self._trainer.agreed.save)
        if not due and group.first and self._overdue(event):
            self._trainer.request(Requests(save=True))
        return due

    def can_wait(self, event: Event) -> bool:
        """Return True if a save that is due is that of the best state alone; see `KeptBest`."""
        return _improved(event) and not self._scheduled(event)

    def _scheduled(self, event: Event) -> bool:
        """Return True if the run is saved after an event, by its position."""
        policy = self._policy
        if isinstance(event, StepDone):
            return policy.every_steps is not None and event.step % policy.every_steps == 0
        if isinstance(event, Evaluated):
            every = policy.epochs_between
            scheduled = every is not None and event.epoch % every == 0 and event.epoch_ended
            by_step = self._by_step and policy.every_epochs is None and every is not None
            return scheduled or by_step or self._trainer.finished
        return False

    def _overdue(self, event: Event) -> bool:
        """Return True if the time since the last save is over."""
        seconds = self._policy.every_seconds
        if seconds is None or not isinstance(event, StepDone):
            return False
        return time.monotonic() - self._saved_at >= seconds


def _improved(event: Event) -> bool:
    return isinstance(event, Evaluated) and event.improved
