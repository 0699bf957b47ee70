"""The length of a run in steps, where it ends, and where its epochs do.

Where the spec counts epochs, the data decide the number of steps.
"""

from collections.abc import Callable
from functools import cached_property
from typing import TypeVar

from tinynet import registry
from tinynet.config import Frozen
from tinynet.errors import Problem, SpecError
from tinynet.length import has_epochs, in_steps
from tinynet.spec.consistency import AVERAGE, SCHEDULE
from tinynet.spec.training_spec import TrainingSpec
from tinynet.text.plugin_errors import PluginErrors
from tinynet.training.events import StopReason
from tinynet.training.progress import Progress

Model = TypeVar("Model", bound=Frozen)


class RunLength:
    """The length of a run, of its epochs, and of periods in it; the data are opened when needed."""

    def __init__(self, training: TrainingSpec, steps_per_epoch: Callable[[], int]) -> None:
        """Compute nothing yet.

        Args:
            training: The training part of the spec.
            steps_per_epoch: Function that returns the number of updates in an epoch.
        """
        self._training, self._count = training, steps_per_epoch

    @cached_property
    def steps_per_epoch(self) -> int:
        """Number of updates in an epoch."""
        return self._count()

    @cached_property
    def total_steps(self) -> int:
        """Number of updates in the whole run, without early stopping."""
        return self._training.steps or (self._training.epochs or 0) * self.steps_per_epoch

    def epoch_ended(self, progress: Progress) -> bool:
        """Return True at the end of an epoch."""
        return progress.position >= self.steps_per_epoch

    def evaluation_is_due(self, progress: Progress) -> bool:
        """Return True if the next event is an evaluation."""
        step = progress.step
        if progress.evaluated_step == step:
            return False
        if step >= self.total_steps:
            return True
        every = self._training.evaluate_every_steps
        return self.epoch_ended(progress) if every is None else step > 0 and step % every == 0

    def stopped_early(self, progress: Progress) -> bool:
        """Return True if early stopping has ended the run."""
        stopping = self._training.early_stopping
        return stopping is not None and progress.stale >= stopping.patience

    def finished(self, progress: Progress) -> bool:
        """Return True if the training and its last evaluation are complete."""
        ended = progress.step >= self.total_steps or self.stopped_early(progress)
        return ended and progress.evaluated_step == progress.step

    def stop_reason(self, progress: Progress) -> StopReason | None:
        """Return the reason why the run ended; None while it is not finished."""
        if not self.finished(progress):
            return None
        if progress.step < self.total_steps:
            return "early_stopping"
        return "epochs" if self._training.steps is None else "steps"

    def in_steps(self, config: Model, pointer: str) -> Model:
        """Return a config at ``pointer`` in the spec with whole steps in place of epochs.

        Raises:
            SpecError: listing the lengths that are too short in steps, or that do not fit each
                other.
        """
        if not has_epochs(config):
            return config
        with PluginErrors(config, "its Config failed:", pointer):
            return in_steps(config, self.steps_per_epoch, pointer)


def require_lengths(training: TrainingSpec, length: RunLength) -> None:
    """Require that lengths in epochs fit the data.

    Raises:
        SpecError: listing those that are too short in steps, or that do not fit each other.
    """
    wrong: list[Problem] = []
    parts: list[tuple[Frozen | None, str]] = [(training.average, AVERAGE)]
    if training.schedule is not None:
        parts.append((registry.default().config(training.schedule, SCHEDULE), SCHEDULE))
    for config, pointer in parts:
        try:
            if config is not None:
                length.in_steps(config, pointer)
        except SpecError as error:
            wrong += error.problems
    if wrong:
        raise SpecError(wrong)
