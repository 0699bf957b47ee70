"""Schedules that follow a line, a power or a root of the step."""

import math
from typing import ClassVar

from pydantic import Field

from tinynet.schedule import Length, ScheduleConfig


class Linear:
    """A straight line, from start_factor to end_factor.

    start_factor + (end_factor - start_factor) * step / decay_steps. It stays at ``end_factor``
    after ``decay_steps``.
    """

    class Config(ScheduleConfig):
        """Parameters of `linear`."""

        decay_steps: Length | None = Field(
            default=None, description="Steps to the end factor; null: to the end of the run."
        )
        start_factor: float = Field(default=1.0, ge=0, description="The factor at the first step.")
        end_factor: float = Field(default=0.0, ge=0, description="The factor after `decay_steps`.")

    def __init__(self, config: Config) -> None:
        self._config = config

    def factor(self, step: int, total_steps: int) -> float:
        start, end = self._config.start_factor, self._config.end_factor
        done = min(step / (self._config.decay_steps or total_steps), 1.0)
        return start * (1 - done) + end * done


class Exponential:
    """Smooth decay: decay_rate^(step / decay_steps)."""

    example: ClassVar = {"decay_rate": 0.96, "decay_steps": 1000}

    class Config(ScheduleConfig):
        """Parameters of `exponential`."""

        decay_rate: float = Field(gt=0, le=1, description="Factor of the rate over `decay_steps`.")
        decay_steps: Length = Field(description="Steps over which `decay_rate` applies once.")

    def __init__(self, config: Config) -> None:
        self.decay_rate = config.decay_rate
        self.decay_steps = config.decay_steps

    def factor(self, step: int, total_steps: int) -> float:
        return math.pow(self.decay_rate, step / self.decay_steps)


class InverseTime:
    """Decay by time: 1 / (1 + decay_rate * step / decay_steps).

    It is ``InverseTimeDecay`` of Keras.
    """

    example: ClassVar = {"decay_rate": 0.5, "decay_steps": 1000}

    class Config(ScheduleConfig):
        """Parameters of `inverse_time`."""

        decay_rate: float = Field(ge=0, description="Growth of the divisor over `decay_steps`.")
        decay_steps: Length = Field(description="Steps over which `decay_rate` is added once.")
        staircase: bool = Field(
            default=False, description="Change the rate only every `decay_steps`."
        )

    def __init__(self, config: Config) -> None:
        self._config = config

    def factor(self, step: int, total_steps: int) -> float:
        config = self._config
        periods = step / config.decay_steps
        return 1 / (1 + config.decay_rate * (math.floor(periods) if config.staircase else periods))


class InverseSqrt:
    """Decay by the root of time after warm-up: 1 / sqrt(1 + step / timescale).

    If the timescale is the length of warm-up, the rate is proportional to 1 / sqrt of the step
    counted with warm-up. Vaswani et al., "Attention Is All You Need", 2017.
    """

    class Config(ScheduleConfig):
        """Parameters of `inverse_sqrt`."""

        timescale: Length | None = Field(
            default=None,
            description="Steps after which the factor is 1 / sqrt(2); null: `warmup_steps`, or"
            " 10000 without warm-up.",
        )

    def __init__(self, config: Config) -> None:
        self.timescale = config.timescale or config.warmup_steps or 10_000

    def factor(self, step: int, total_steps: int) -> float:
        return 1 / math.sqrt(1 + step / self.timescale)


class Polynomial:
    """A power of the part that is left, from 1 to end_factor.

    end + (1 - end) (1 - step / decay_steps)^power, where end is ``end_factor``. It stays at
    ``end_factor`` after ``decay_steps``. With ``cycle``, ``decay_steps`` is instead doubled,
    tripled, ... whenever it is passed, so that the rate rises again to fall more slowly. Keras's
    ``PolynomialDecay``.
    """

    class Config(ScheduleConfig):
        """Parameters of `polynomial`."""

        decay_steps: Length | None = Field(
            default=None, description="Steps to the lowest rate; null: to the end of the run."
        )
        end_factor: float = Field(
            default=0.0, ge=0, le=1, description="The factor at the lowest rate."
        )
        power: float = Field(default=1.0, gt=0, description="The exponent; 1 is a straight line.")
        cycle: bool = Field(
            default=False, description="Multiply `decay_steps` whenever it is passed."
        )

    def __init__(self, config: Config) -> None:
        self._config = config

    def factor(self, step: int, total_steps: int) -> float:
        config = self._config
        length = config.decay_steps or total_steps
        if config.cycle:
            length *= max(1, math.ceil(step / length))
        left = max(1 - step / length, 0.0)
        return config.end_factor + (1 - config.end_factor) * math.pow(left, config.power)
