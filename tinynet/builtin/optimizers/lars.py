"""LARS: momentum whose gradients are in proportion to the norm of the parameter."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from tinynet.builtin.optimizers._norms import norm
from tinynet.optimizer import OptimizerConfig
from tinynet.types import Array


class LARS:
    """Layer-wise adaptive rate scaling of SGD with momentum, for large batches.

        ratio = trust_coefficient * |param| / (|grad| + weight_decay * |param| + epsilon)
        velocity = momentum * velocity + ratio * (grad + weight_decay * param)
        param -= rate * velocity

    The norms are those of a whole parameter; where one of them is 0, the ratio is 1. You, Gitman
    and Ginsburg, "Large Batch Training of Convolutional Networks", 2017.
    """

    elementwise: ClassVar[bool] = False

    class Config(OptimizerConfig):
        """Parameters of `lars`."""

        learning_rate: float = Field(default=1.0, gt=0, description="Step size, before a schedule.")
        momentum: float = Field(
            default=0.9, ge=0, lt=1, description="Share of the velocity kept from step to step."
        )
        trust_coefficient: float = Field(
            default=0.001, gt=0, description="Step of rate 1, as a share of the parameter's norm."
        )
        epsilon: float = Field(
            default=1e-8, gt=0, description="Added to the denominator, in units of the gradient."
        )
        weight_decay: float = Field(
            default=0.0, ge=0, description="Share of the parameter added to its gradient (L2)."
        )

    def __init__(self, config: Config) -> None:
        self._config = config

    def slots(self, param: Array) -> dict[str, Array]:
        return {"velocity": np.zeros_like(param)}

    def update(
        self, param: Array, grad: Array, slots: dict[str, Array], step: int, rate: float
    ) -> None:
        c, velocity = self._config, slots["velocity"]
        of_param, of_grad = norm(param), norm(grad)
        ratio = 1.0
        if of_param and of_grad:
            denominator = of_grad + c.weight_decay * of_param + c.epsilon
            ratio = c.trust_coefficient * of_param / denominator
        velocity *= c.momentum
        velocity += ratio * (grad + c.weight_decay * param)
        param -= rate * velocity
