"""LAMB: Adam whose steps are in proportion to the norm of the parameter."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from tinynet.builtin.optimizers._adaptive import AdaptiveConfig
from tinynet.builtin.optimizers._norms import norm
from tinynet.types import Array


class LAMB:
    """Layer-wise adaptive moments, for large batches.

    t counts steps from 1.

        first_moment  = beta_1 * first_moment  + (1 - beta_1) * grad
        second_moment = beta_2 * second_moment + (1 - beta_2) * grad^2
        m = first_moment  / (1 - beta_1^t)
        v = second_moment / (1 - beta_2^t)
        step = m / (sqrt(v) + epsilon) + weight_decay * param
        param -= rate * |param| / |step| * step

    The norms are those of a whole parameter; where one of them is 0, their ratio is 1. You et al.,
    "Large Batch Optimization for Deep Learning: Training BERT in 76 minutes", 2020.
    """

    elementwise: ClassVar[bool] = False

    class Config(AdaptiveConfig):
        """Parameters of `lamb`."""

        epsilon: float = Field(
            default=1e-6, gt=0, description="Added to the denominator, in units of the gradient."
        )
        weight_decay: float = Field(
            default=0.01, ge=0, description="Share of the parameter added to its step."
        )

    def __init__(self, config: Config) -> None:
        self._config = config

    def slots(self, param: Array) -> dict[str, Array]:
        return {"first_moment": np.zeros_like(param), "second_moment": np.zeros_like(param)}

    def update(
        self, param: Array, grad: Array, slots: dict[str, Array], step: int, rate: float
    ) -> None:
        c, first, second = self._config, slots["first_moment"], slots["second_moment"]
        first += (1 - c.beta_1) * (grad - first)
        second += (1 - c.beta_2) * (np.square(grad) - second)
        direction = np.sqrt(second / (1 - c.beta_2**step)) + c.epsilon
        direction = first / (1 - c.beta_1**step) / direction + c.weight_decay * param
        of_param, of_step = norm(param), norm(direction)
        ratio = of_param / of_step if of_param and of_step else 1.0
        param -= rate * ratio * direction
