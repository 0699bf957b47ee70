"""Adagrad: each element's rate shrinks with the gradients it has had."""

from typing import Any

import numpy as np
from pydantic import Field

from tinynet.builtin.optimizers._fused import FusedOptimizer
from tinynet.kernels import updates
from tinynet.optimizer import OptimizerConfig
from tinynet.types import Array


class Adagrad(FusedOptimizer):
    """Gradient descent with each element's rate divided by the size of all its gradients.

        g = grad + weight_decay * param
        sum_of_squares += g^2
        param -= rate * g / (sqrt(sum_of_squares) + epsilon)

    Duchi, Hazan and Singer, "Adaptive Subgradient Methods for Online Learning and Stochastic
    Optimization", 2011.
    """

    class Config(OptimizerConfig):
        """Parameters of `adagrad`."""

        initial_accumulator_value: float = Field(
            default=0.1, ge=0, description="Sum of squares before the first step."
        )
        epsilon: float = Field(
            default=1e-7, gt=0, description="Added to the denominator, in units of the gradient."
        )
        weight_decay: float = Field(
            default=0.0, ge=0, description="Share of the parameter added to its gradient (L2)."
        )

    kernel = staticmethod(updates.adagrad)
    config: Config

    def slots(self, param: Array) -> dict[str, Array]:
        return {"sum_of_squares": np.full_like(param, self.config.initial_accumulator_value)}

    def arguments(self, slots: dict[str, Array], step: int, rate: float) -> tuple[Any, ...]:
        c = self.config
        return slots["sum_of_squares"], c.epsilon, c.weight_decay, rate
