"""Schedules that are constant between some steps."""

import math
from bisect import bisect_right
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from tinynet.schedule import Length, ScheduleConfig, has_epochs


class Constant:
    """The same rate at every step: 1."""

    Config = ScheduleConfig

    def __init__(self, config: ScheduleConfig) -> None:
        """Take a config that has no fields."""

    def factor(self, step: int, total_steps: int) -> float:
        return 1.0


class Step:
    """A staircase: gamma^floor(step / step_size)."""

    example: ClassVar = {"step_size": 1000}

    class Config(ScheduleConfig):
        """Parameters of `step`."""

        step_size: Length = Field(description="Steps between one drop and the next.")
        gamma: float = Field(
            default=0.1, gt=0, le=1, description="Factor of the rate at each drop."
        )

    def __init__(self, config: Config) -> None:
        self.step_size = config.step_size
        self.gamma = config.gamma

    def factor(self, step: int, total_steps: int) -> float:
        return math.pow(self.gamma, step // self.step_size)


class PiecewiseConstant:
    """Given factors between given steps.

    values[i], where i boundaries are not after the step. A boundary is the first step of its new
    factor.
    """

    example: ClassVar = {"boundaries": [1000, 2000], "values": [1, 0.1, 0.01]}

    class Config(ScheduleConfig):
        """Parameters of `piecewise_constant`."""

        boundaries: tuple[Length, ...] = Field(
            min_length=1, description="Steps at which the factor changes, in ascending order."
        )
        values: tuple[Annotated[float, Field(ge=0)], ...] = Field(
            description="Factors of the rate: before the first boundary, and from each one on."
        )

        @model_validator(mode="after")
        def _check(self) -> Self:
            boundaries = list(self.boundaries)
            if not has_epochs(boundaries) and boundaries != sorted(set(boundaries)):
                listed = ", ".join(map(str, boundaries))
                message = f"boundaries must be in ascending order, not {listed}"
                raise PydanticCustomError("order", "{message}", {"message": message})
            expected = len(self.boundaries) + 1
            if len(self.values) != expected:
                raise PydanticCustomError(
                    "count",
                    f"values must have one factor more than there are boundaries, {expected},"
                    f" not {len(self.values)}",
                )
            return self

    def __init__(self, config: Config) -> None:
        self._config = config

    def factor(self, step: int, total_steps: int) -> float:
        return self._config.values[bisect_right(self._config.boundaries, step)]
