"""Schedules that rise to the optimizer's rate and fall again."""

import math
from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from tinynet.schedule import Length, ScheduleConfig


class OneCycle:
    """One rise to the optimizer's rate and one fall, over the run.

    It ends far below the start. With S steps in the run, the factor is 1 / div_factor at step 0, 1
    at pct_start * S - 1, and 1 / (div_factor * final_div_factor) at S - 1. With ``three_phase`` it
    is 1 / div_factor again at 2 * pct_start * S - 2. Smith and Topin, "Super-Convergence: Very Fast
    Training of Neural Networks Using Large Learning Rates", 2018; as torch's ``OneCycleLR``,
    without its momentum.
    """

    class Config(ScheduleConfig):
        """Parameters of `one_cycle`."""

        pct_start: float = Field(
            default=0.3, ge=0, le=1, description="Share of the run that rises."
        )
        div_factor: float = Field(
            default=25.0, ge=1, description="The highest rate in units of the first."
        )
        final_div_factor: float = Field(
            default=1e4, gt=0, description="The first rate in units of the last."
        )
        anneal_strategy: Literal["cos", "linear"] = Field(
            default="cos", description="Shape of each phase: half a cosine or a straight line."
        )
        three_phase: bool = Field(
            default=False,
            description="Fall as fast as the rise, then to the last rate in the rest of the run.",
        )

        @model_validator(mode="after")
        def _check(self) -> Self:
            if self.three_phase and self.pct_start > 0.5:
                raise PydanticCustomError(
                    "phases", "pct_start must be at most 0.5 with three_phase, as it counts twice"
                )
            return self

    def __init__(self, config: Config) -> None:
        self._config = config

    def factor(self, step: int, total_steps: int) -> float:
        config = self._config
        first, last = 1 / config.div_factor, 1 / config.div_factor / config.final_div_factor
        rise = config.pct_start * total_steps
        ends, factors = [rise - 1], [first, 1.0]
        if config.three_phase:
            ends.append(2 * rise - 2)
            factors.append(first)
        ends.append(total_steps - 1)
        factors.append(last)
        phase = next((i for i, end in enumerate(ends) if step <= end), len(ends) - 1)
        start, end = ends[phase - 1] if phase else 0, ends[phase]
        done = min((step - start) / (end - start), 1.0) if end > start else 1.0
        if config.anneal_strategy == "cos":
            done = (1 - math.cos(math.pi * done)) / 2
        return factors[phase] + (factors[phase + 1] - factors[phase]) * done


class Cyclical:
    """Triangles between `min_factor` and 1.

    min + (1 - min) * height * scale, where min is ``min_factor``. ``height`` rises from 0 to 1 over
    step_size_up steps and falls to 0 over step_size_down. In mode "triangular" ``scale`` is 1, in
    "triangular2" 2^-i in cycle i = 0, 1, ..., and in "exp_range" gamma^step. Smith, "Cyclical
    Learning Rates for Training Neural Networks", 2017.
    """

    class Config(ScheduleConfig):
        """Parameters of `cyclical`."""

        step_size_up: Length = Field(default=2000, description="Steps of each rise.")
        step_size_down: Length | None = Field(
            default=None, description="Steps of each fall; null: as many as of a rise."
        )
        min_factor: float = Field(
            default=0.25, ge=0, le=1, description="The factor between two triangles."
        )
        mode: Literal["triangular", "triangular2", "exp_range"] = Field(
            default="triangular",
            description="Heights: constant, halved in each cycle, or by gamma.",
        )
        gamma: float = Field(
            default=1.0, gt=0, le=1, description="Factor of the height at each step of exp_range."
        )

    def __init__(self, config: Config) -> None:
        self._config = config

    def factor(self, step: int, total_steps: int) -> float:
        config = self._config
        up, down = config.step_size_up, config.step_size_down or config.step_size_up
        cycle, place = divmod(step, up + down)
        height = place / up if place <= up else (up + down - place) / down
        if config.mode == "triangular2":
            height *= math.pow(0.5, cycle)
        elif config.mode == "exp_range":
            height *= math.pow(config.gamma, step)
        return config.min_factor + (1 - config.min_factor) * height
