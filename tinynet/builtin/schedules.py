"""Learning-rate schedules: what the optimizer's rate is multiplied by at each step."""

import math

from pydantic import Field

from tinynet.schedule import ScheduleConfig


class Constant:
    """1 at every step."""

    Config = ScheduleConfig

    def __init__(self, config: ScheduleConfig) -> None:
        """Take a config that has no fields."""

    def factor(self, step: int, total_steps: int) -> float:
        return 1.0


class Step:
    """A staircase: gamma^floor(step / step_size)."""

    class Config(ScheduleConfig):
        """Parameters of `step`."""

        step_size: int = Field(ge=1, description="Steps between one drop and the next.")
        gamma: float = Field(
            default=0.1, gt=0, le=1, description="Factor of the rate at each drop."
        )

    def __init__(self, config: Config) -> None:
        self.step_size = config.step_size
        self.gamma = config.gamma

    def factor(self, step: int, total_steps: int) -> float:
        return math.pow(self.gamma, step // self.step_size)


class Exponential:
    """Smooth decay: decay_rate^(step / decay_steps)."""

    class Config(ScheduleConfig):
        """Parameters of `exponential`."""

        decay_rate: float = Field(gt=0, le=1, description="Factor of the rate over `decay_steps`.")
        decay_steps: int = Field(ge=1, description="Steps over which `decay_rate` applies once.")

    def __init__(self, config: Config) -> None:
        self.decay_rate = config.decay_rate
        self.decay_steps = config.decay_steps

    def factor(self, step: int, total_steps: int) -> float:
        return math.pow(self.decay_rate, step / self.decay_steps)


class Cosine:
    """Half a cosine from 1 to alpha: alpha + (1 - alpha) (1 + cos(pi step / decay_steps)) / 2.

    It stays at alpha after ``decay_steps``. Loshchilov and Hutter, "SGDR: Stochastic Gradient
    Descent with Warm Restarts", 2017; without restarts.
    """

    class Config(ScheduleConfig):
        """Parameters of `cosine`."""

        decay_steps: int | None = Field(
            default=None, ge=1, description="Steps to the lowest rate; null: to the end of the run."
        )
        alpha: float = Field(default=0.0, ge=0, le=1, description="The factor at the lowest rate.")

    def __init__(self, config: Config) -> None:
        self.decay_steps = config.decay_steps
        self.alpha = config.alpha

    def factor(self, step: int, total_steps: int) -> float:
        done = min(step / (self.decay_steps or total_steps), 1.0)
        return self.alpha + (1 - self.alpha) * (1 + math.cos(math.pi * done)) / 2
