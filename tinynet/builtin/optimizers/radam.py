"""RAdam: Adam that takes adaptive steps only where their variance is bounded."""

from typing import Any

import numpy as np

from tinynet.builtin.optimizers._adaptive import AdaptiveConfig
from tinynet.builtin.optimizers._fused import FusedOptimizer
from tinynet.kernels import updates
from tinynet.types import Array


class RAdam(FusedOptimizer):
    """Rectified Adam, which needs no warmup.

    t counts steps from 1.

        g = grad + weight_decay * param
        first_moment  = beta_1 * first_moment  + (1 - beta_1) * g
        second_moment = beta_2 * second_moment + (1 - beta_2) * g^2
        m = first_moment / (1 - beta_1^t)
        longest = 2 / (1 - beta_2) - 1
        length  = longest - 2 * t * beta_2^t / (1 - beta_2^t)
        param -= rate * m                                                      if length <= 5
        param -= rate * m * r * sqrt(1 - beta_2^t) / (sqrt(second_moment) + epsilon)    otherwise
        r^2 = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)

    Liu et al., "On the Variance of the Adaptive Learning Rate and Beyond", 2020.
    """

    class Config(AdaptiveConfig):
        """Parameters of `radam`."""

    kernel = staticmethod(updates.radam)
    config: Config

    def slots(self, param: Array) -> dict[str, Array]:
        return {"first_moment": np.zeros_like(param), "second_moment": np.zeros_like(param)}

    def arguments(self, slots: dict[str, Array], step: int, rate: float) -> tuple[Any, ...]:
        c = self.config
        state = slots["first_moment"], slots["second_moment"]
        return *state, c.beta_1, c.beta_2, c.epsilon, c.weight_decay, step, rate
