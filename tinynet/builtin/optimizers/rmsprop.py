"""RMSprop: the gradient divided by a running mean of its size."""

from typing import Any

import numpy as np
from pydantic import Field

from tinynet.builtin.optimizers._fused import FusedOptimizer
from tinynet.kernels import updates
from tinynet.optimizer import OptimizerConfig
from tinynet.types import Array


class RMSprop(FusedOptimizer):
    """Gradient descent with each element's rate divided by the size of its recent gradients.

        g = grad + weight_decay * param
        mean_square = rho * mean_square + (1 - rho) * g^2
        mean        = rho * mean + (1 - rho) * g                    if centered, else 0
        velocity    = momentum * velocity + g / (sqrt(mean_square - mean^2) + epsilon)
        param -= rate * velocity

    Tieleman and Hinton, "Lecture 6.5 - RMSProp", 2012; centered as in Graves, "Generating
    Sequences With Recurrent Neural Networks", 2013.
    """

    class Config(OptimizerConfig):
        """Parameters of `rmsprop`."""

        rho: float = Field(
            default=0.9, ge=0, lt=1, description="Share of the running means kept at each step."
        )
        momentum: float = Field(
            default=0.0, ge=0, lt=1, description="Share of the velocity kept from step to step."
        )
        epsilon: float = Field(
            default=1e-8, gt=0, description="Added to the denominator, in units of the gradient."
        )
        centered: bool = Field(
            default=False,
            description="True to divide by the standard deviation instead of the mean square.",
        )
        weight_decay: float = Field(
            default=0.0, ge=0, description="Share of the parameter added to its gradient (L2)."
        )

    kernel = staticmethod(updates.rmsprop)
    config: Config

    def slots(self, param: Array) -> dict[str, Array]:
        names = ["mean_square"]
        if self.config.centered:
            names.append("mean")
        if self.config.momentum:
            names.append("velocity")
        return {name: np.zeros_like(param) for name in names}

    def arguments(self, slots: dict[str, Array], step: int, rate: float) -> tuple[Any, ...]:
        c = self.config
        state = slots["mean_square"], slots.get("mean"), slots.get("velocity")
        return *state, c.rho, c.momentum, c.epsilon, c.weight_decay, rate
