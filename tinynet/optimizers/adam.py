"""Adam and AdamW: steps of a size that does not depend on the gradient's scale."""

import math

import numpy as np
from pydantic import Field

from tinynet.optimizer import OptimizerConfig
from tinynet.types import Array


class Adam:
    """Adaptive moment estimation; t counts steps from 1.

        g = grad + weight_decay * param
        first_moment  = beta_1 * first_moment  + (1 - beta_1) * g
        second_moment = beta_2 * second_moment + (1 - beta_2) * g^2
        m = first_moment  / (1 - beta_1^t)
        v = second_moment / (1 - beta_2^t)
        param -= rate * m / (sqrt(v) + epsilon)

    Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2015.
    """

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

    def __init__(self, config: Config) -> None:
        self.beta_1 = config.beta_1
        self.beta_2 = config.beta_2
        self.epsilon = config.epsilon
        self.weight_decay = config.weight_decay

    def slots(self, param: Array) -> dict[str, Array]:
        return {"first_moment": np.zeros_like(param), "second_moment": np.zeros_like(param)}

    def update(
        self, param: Array, grad: Array, slots: dict[str, Array], step: int, rate: float
    ) -> None:
        if self.weight_decay:
            grad = grad + self.weight_decay * param
        self._step(param, grad, slots, step, rate)

    def _step(
        self, param: Array, grad: Array, slots: dict[str, Array], step: int, rate: float
    ) -> None:
        first, second = slots["first_moment"], slots["second_moment"]
        scratch = np.empty_like(param)
        np.subtract(grad, first, out=scratch)
        scratch *= 1 - self.beta_1
        first += scratch
        np.square(grad, out=scratch)
        scratch -= second
        scratch *= 1 - self.beta_2
        second += scratch
        # Both bias corrections are folded into two scalars, which saves two passes over memory.
        correction = math.sqrt(1 - self.beta_2**step)
        np.sqrt(second, out=scratch)
        scratch += self.epsilon * correction
        np.divide(first, scratch, out=scratch)
        scratch *= rate * correction / (1 - self.beta_1**step)
        param -= scratch


class AdamW(Adam):
    """Adam whose weight decay acts on the parameter, not through the gradient's moments.

        param -= rate * weight_decay * param, and then a step of `Adam` without weight decay

    Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019.
    """

    class Config(Adam.Config):
        """Parameters of `adamw`."""

        weight_decay: float = Field(
            default=0.01,
            ge=0,
            description="Share of the parameter taken away at each step, times the rate.",
        )

    def update(
        self, param: Array, grad: Array, slots: dict[str, Array], step: int, rate: float
    ) -> None:
        param *= 1 - rate * self.weight_decay
        self._step(param, grad, slots, step, rate)
