"""Schedules that fall along half a cosine."""

import math
from typing import ClassVar

from pydantic import Field

from tinynet.schedule import Length, ScheduleConfig


class Cosine:
    """Half a cosine, from 1 to alpha.

    alpha + (1 - alpha) (1 + cos(pi step / decay_steps)) / 2. It stays at alpha after
    ``decay_steps``. Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts",
    2017; without restarts.
    """

    class Config(ScheduleConfig):
        """Parameters of `cosine`."""

        decay_steps: Length | None = Field(
            default=None, description="Steps to the lowest rate; null: to the end of the run."
        )
        alpha: float = Field(default=0.0, ge=0, le=1, description="The factor at the lowest rate.")

    def __init__(self, config: Config) -> None:
        self.decay_steps = config.decay_steps
        self.alpha = config.alpha

    def factor(self, step: int, total_steps: int) -> float:
        done = min(step / (self.decay_steps or total_steps), 1.0)
        return self.alpha + (1 - self.alpha) * (1 + math.cos(math.pi * done)) / 2


class CosineRestarts:
    """Half a cosine again and again, from 1 to alpha.

    alpha + (1 - alpha) m_mul^i (1 + cos(pi done)) / 2. Cycle i = 0, 1, ... has first_decay_steps *
    t_mul^i steps, and ``done`` is the part of it before the step. Loshchilov and Hutter, "SGDR:
    Stochastic Gradient Descent with Warm Restarts", 2017; with parameters as in Keras's
    ``CosineDecayRestarts``.
    """

    example: ClassVar = {"first_decay_steps": 1000}

    class Config(ScheduleConfig):
        """Parameters of `cosine_restarts`."""

        first_decay_steps: Length = Field(description="Steps of the first cycle.")
        t_mul: float = Field(
            default=2.0, ge=1, le=100, description="Length of a cycle in lengths of the one before."
        )
        m_mul: float = Field(
            default=1.0, gt=0, le=1, description="Height of a cycle in heights of the one before."
        )
        alpha: float = Field(default=0.0, ge=0, le=1, description="The factor at the lowest rate.")

    def __init__(self, config: Config) -> None:
        self._config = config

    def factor(self, step: int, total_steps: int) -> float:
        config = self._config
        cycle = self._cycle(step)
        done = (step - self._start(cycle)) / (
            config.first_decay_steps * math.pow(config.t_mul, cycle)
        )
        height = math.pow(config.m_mul, cycle)
        return config.alpha + (1 - config.alpha) * height * (1 + math.cos(math.pi * done)) / 2

    def _cycle(self, step: int) -> int:
        """Return the number of restarts at or before a step."""
        first, growth = self._config.first_decay_steps, self._config.t_mul
        if growth == 1:
            return step // first
        cycle = math.floor(math.log1p(step / first * (growth - 1)) / math.log(growth))
        # A rounded logarithm may put the first step of a cycle at the end of the one before.
        return cycle + 1 if self._start(cycle + 1) <= step else cycle

    def _start(self, cycle: int) -> float:
        """Return the place of a restart, in steps."""
        first, growth = self._config.first_decay_steps, self._config.t_mul
        if growth == 1:
            return first * cycle
        return first * (math.pow(growth, cycle) - 1) / (growth - 1)
