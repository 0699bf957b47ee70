"""The rule that saves checkpoints, as the spec has it."""

import time

from tinynet.spec.training_spec import TrainingSpec
from tinynet.training.events import Evaluated, Event, StepDone


class SavePolicy:
    """The times at which a run is saved.

    They follow from the position in the run, except for `every_seconds`.
    """

    def __init__(self, training: TrainingSpec) -> None:
        """Start the clock of `every_seconds`."""
        self._policy = training.checkpoint
        self._by_step = training.evaluate_every_steps is not None
        self.restart()

    def restart(self) -> None:
        """Restart the clock, at a save."""
        self._saved_at = time.monotonic()

    def due(self, event: Event, *, finished: bool) -> bool:
        """Return True if the run is saved after an event; `every_seconds` is left out.

        Args:
            event: The event.
            finished: True if the run has ended with it.
        """
        policy = self._policy
        if isinstance(event, StepDone):
            return policy.every_steps is not None and event.step % policy.every_steps == 0
        if isinstance(event, Evaluated):
            every = policy.epochs_between
            scheduled = every is not None and event.epoch % every == 0 and event.epoch_ended
            by_step = self._by_step and policy.every_epochs is None and every is not None
            return scheduled or by_step or event.improved or finished
        return False

    def overdue(self, event: Event) -> bool:
        """Return True if the run is saved after an event because of `every_seconds`."""
        seconds = self._policy.every_seconds
        if seconds is None or not isinstance(event, StepDone):
            return False
        return time.monotonic() - self._saved_at >= seconds
