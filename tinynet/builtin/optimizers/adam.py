"""Adam and AdamW: steps of a size that does not depend on the gradient's scale."""

from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from tinynet.builtin.optimizers._fused import FusedOptimizer
from tinynet.kernels import updates
from tinynet.optimizer import OptimizerConfig
from tinynet.types import Array


class Adam(FusedOptimizer):
    """Adaptive moment estimation; t counts steps from 1.

        g = grad + weight_decay * param
        first_moment  = beta_1 * first_moment  + (1 - beta_1) * g
        second_moment = beta_2 * second_moment + (1 - beta_2) * g^2
        m = first_moment  / (1 - beta_1^t)
        v = second_moment / (1 - beta_2^t)
        param -= rate * m / (sqrt(v) + epsilon)

    Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2015.
    """

    decoupled: ClassVar[bool] = False

    class Config(OptimizerConfig):
        """Parameters of `adam`."""

        beta_1: float = Field(
            default=0.9, ge=0, lt=1, description="Share of the mean gradient kept at each step."
        )
        beta_2: float = Field(
            default=0.999,
            ge=0,
            lt=1,
            description="Share of the mean squared gradient kept at each step.",
        )
        epsilon: float = Field(
            default=1e-8, gt=0, description="Added to the denominator, in units of the gradient."
        )
        weight_decay: float = Field(
            default=0.0, ge=0, description="Share of the parameter added to its gradient (L2)."
        )

    kernel = staticmethod(updates.adam)
    config: Config

    def slots(self, param: Array) -> dict[str, Array]:
        return {"first_moment": np.zeros_like(param), "second_moment": np.zeros_like(param)}

    def arguments(self, slots: dict[str, Array], step: int, rate: float) -> tuple[Any, ...]:
        c = self.config
        state = slots["first_moment"], slots["second_moment"]
        return *state, c.beta_1, c.beta_2, c.epsilon, c.weight_decay, self.decoupled, step, rate


class AdamW(Adam):
    """Adam whose weight decay acts on the parameter, not through the gradient's moments.

        param -= rate * weight_decay * param, and then a step of `Adam` without weight decay

    Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019.
    """

    decoupled = True

    class Config(Adam.Config):
        """Parameters of `adamw`."""

        weight_decay: float = Field(
            default=0.01,
            ge=0,
            description="Share of the parameter taken away at each step, times the rate.",
        )
