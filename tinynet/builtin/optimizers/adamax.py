"""Adamax: Adam with the largest recent gradient in place of the mean square."""

from typing import Any

import numpy as np

from tinynet.builtin.optimizers._adaptive import AdaptiveConfig
from tinynet.builtin.optimizers._fused import FusedOptimizer
from tinynet.kernels import updates
from tinynet.types import Array


class Adamax(FusedOptimizer):
    """Steps divided by a decaying maximum of the gradients.

    t counts steps from 1.

        g = grad + weight_decay * param
        first_moment = beta_1 * first_moment + (1 - beta_1) * g
        norm = max(beta_2 * norm, |g| + epsilon)
        param -= rate * first_moment / (1 - beta_1^t) / norm

    Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2015, section 7.1.
    """

    class Config(AdaptiveConfig):
        """Parameters of `adamax`."""

    kernel = staticmethod(updates.adamax)
    config: Config

    def slots(self, param: Array) -> dict[str, Array]:
        return {"first_moment": np.zeros_like(param), "norm": np.zeros_like(param)}

    def arguments(self, slots: dict[str, Array], step: int, rate: float) -> tuple[Any, ...]:
        c = self.config
        state = slots["first_moment"], slots["norm"]
        return *state, c.beta_1, c.beta_2, c.epsilon, c.weight_decay, step, rate
