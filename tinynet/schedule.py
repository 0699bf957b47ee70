"""The protocols of learning-rate schedules, and every name that the author of one imports."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeAlias

from pydantic import Field

from tinynet.config import Config
from tinynet.length import Epochs, Length, LengthOrZero, has_epochs
from tinynet.types import Array

__all__ = [
    "AdaptiveSchedule",
    "AdaptiveScheduleConfig",
    "Array",
    "Epochs",
    "Evaluation",
    "Length",
    "LengthOrZero",
    "Schedule",
    "ScheduleConfig",
    "State",
    "has_epochs",
]

State: TypeAlias = dict[str, Array]
"""The state of an adaptive schedule: finite arrays by name, which checkpoints save."""


class ScheduleConfig(Config):
    """The base of a schedule's ``Config``: linear warm-up may come before any schedule.

    A field of type `Length`, or `LengthOrZero`, is a number of steps, which a spec may also give in
    epochs: ``{"epochs": 5}``. A schedule is constructed with whole steps. Validators of the config
    see `Epochs` first, and then run again with whole steps; see `has_epochs`.
    """

    warmup_steps: LengthOrZero = Field(
        default=0, description="Steps over which the rate first rises linearly from 0."
    )


class AdaptiveScheduleConfig(ScheduleConfig):
    """The base of the ``Config`` of an `AdaptiveSchedule`."""

    metric: str = Field(default="val/loss", description="The monitored figure.")


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


@dataclass(frozen=True)
class Evaluation:
    """The results of an evaluation, for an adaptive schedule.

    Attributes:
        value: The monitored figure, which may be NaN or infinite.
        greater_is_better: True if a greater value is an improvement.
        figures: All figures by name: ``train/loss``, ``val/loss``, ``val/accuracy``, ...
        step: Updates done, with those of warm-up.
    """

    value: float
    greater_is_better: bool
    figures: Mapping[str, float]
    step: int


class AdaptiveSchedule(Protocol):
    """A schedule with state that sees the results of evaluations. Constructed as ``Type(config)``.

    Its ``Config`` derives from `AdaptiveScheduleConfig`. The object itself has no state: what it
    remembers is in the arrays of `start`, which checkpoints save.
    """

    Config: ClassVar[type[Any]]

    def start(self) -> State:
        """Return the initial state."""
        ...

    def update(self, state: State, evaluation: Evaluation) -> None:
        """Change ``state`` in place, after each evaluation that follows warm-up."""
        ...

    def factor(self, step: int, total_steps: int, state: State) -> float:
        """Return the factor of the optimizer's learning rate; nothing is changed.

        Args:
            step: Number of the step, counted from 0 at the end of warm-up.
            total_steps: Number of steps after warm-up in the whole run.
            state: The state, from `start`.
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
