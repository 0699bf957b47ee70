"""The protocol of learning-rate schedules, and every name that the author of one imports."""

from typing import Any, ClassVar, Protocol

from pydantic import Field

from tinynet.config import Config
from tinynet.length import Epochs, Length, LengthOrZero, has_epochs

__all__ = ["Epochs", "Length", "LengthOrZero", "Schedule", "ScheduleConfig", "has_epochs"]


class ScheduleConfig(Config):
    """The base of a schedule's ``Config``: linear warm-up may come before any schedule.

    A field of type `Length`, or `LengthOrZero`, is a number of steps, which a spec may also give in
    epochs: ``{"epochs": 5}``. A schedule is constructed with whole steps. Validators of the config
    see `Epochs` first, and then run again with whole steps; see `has_epochs`.
    """

    warmup_steps: LengthOrZero = Field(
        default=0, description="Steps over which the rate first rises linearly from 0."
    )


class Schedule(Protocol):
    """The learning rate as a pure function of the step. Constructed as ``Type(config)``."""

    Config: ClassVar[type[Any]]

    def factor(self, step: int, total_steps: int) -> float:
        """Return the factor of the optimizer's learning rate.

        Args:
            step: Number of the step, counted from 0 at the end of warm-up.
            total_steps: Number of steps after warm-up in the whole run.
        """
        ...


def scheduled_factor(schedule: Schedule, warmup_steps: int, step: int, total_steps: int) -> float:
    """Return the factor at ``step`` (counted from 0) with linear warm-up before the schedule.

    Warm-up reaches the full rate at its last step; its first step is 1 / warmup_steps, since a
    step of rate 0 would be wasted.
    """
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    return schedule.factor(step - warmup_steps, max(total_steps - warmup_steps, 1))
