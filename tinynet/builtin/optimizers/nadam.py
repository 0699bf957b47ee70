"""Nadam: Adam with Nesterov momentum."""

import math
from functools import lru_cache
from typing import Any

import numpy as np
from pydantic import Field

from tinynet.builtin.optimizers._adaptive import AdaptiveConfig
from tinynet.builtin.optimizers._fused import FusedOptimizer
from tinynet.kernels import updates
from tinynet.types import Array


class Nadam(FusedOptimizer):
    """Adam whose momentum looks one step ahead, and grows over the run.

    t counts steps from 1.

        g = grad + weight_decay * param
        first_moment  = beta_1 * first_moment  + (1 - beta_1) * g
        second_moment = beta_2 * second_moment + (1 - beta_2) * g^2
        mu(t) = beta_1 * (1 - 0.5 * 0.96^(t * momentum_decay))
        product(t) = mu(1) * ... * mu(t)
        m = mu(t + 1) * first_moment / (1 - product(t + 1)) + (1 - mu(t)) * g / (1 - product(t))
        v = second_moment / (1 - beta_2^t)
        param -= rate * m / (sqrt(v) + epsilon)

    Dozat, "Incorporating Nesterov Momentum into Adam", 2016. Keras has a momentum_decay of 1.
    """

    class Config(AdaptiveConfig):
        """Parameters of `nadam`."""

        momentum_decay: float = Field(
            default=0.004, ge=0, description="Speed at which the momentum grows to beta_1."
        )

    kernel = staticmethod(updates.nadam)
    config: Config

    def slots(self, param: Array) -> dict[str, Array]:
        return {"first_moment": np.zeros_like(param), "second_moment": np.zeros_like(param)}

    def arguments(self, slots: dict[str, Array], step: int, rate: float) -> tuple[Any, ...]:
        c = self.config
        state = slots["first_moment"], slots["second_moment"]
        now, ahead = (_mu(t, c.beta_1, c.momentum_decay) for t in (step, step + 1))
        product = _product(step, c.beta_1, c.momentum_decay)
        shares = ahead / (1 - product * ahead), (1 - now) / (1 - product)
        return *state, c.beta_1, c.beta_2, c.epsilon, c.weight_decay, *shares, step, rate


def _mu(step: int, beta_1: float, momentum_decay: float) -> float:
    return beta_1 * (1 - 0.5 * math.pow(0.96, step * momentum_decay))


# Every parameter of a step needs the same product.
@lru_cache(maxsize=16)
def _product(steps: int, beta_1: float, momentum_decay: float) -> float:
    """Return mu(1) * ... * mu(steps); 0 where it is too small to change 1 - product."""
    product = 1.0
    for step in range(1, steps + 1):
        product *= _mu(step, beta_1, momentum_decay)
        if product < 1e-20:
            return 0.0
    return product
