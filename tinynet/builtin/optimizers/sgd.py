"""Stochastic gradient descent."""

from typing import Any, Self

import numpy as np
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from tinynet.builtin.optimizers._fused import FusedOptimizer
from tinynet.kernels import updates
from tinynet.optimizer import OptimizerConfig
from tinynet.types import Array


class SGD(FusedOptimizer):
    """Stochastic gradient descent, with momentum if asked for.

        g = grad + weight_decay * param
        velocity = momentum * velocity + g
        param -= rate * velocity                     without Nesterov
        param -= rate * (g + momentum * velocity)    with Nesterov

    The velocity does not contain the rate, so a schedule acts at once. Polyak, "Some methods of
    speeding up the convergence of iteration methods", 1964; Nesterov's form as in Sutskever et
    al., "On the importance of initialization and momentum in deep learning", 2013.
    """

    class Config(OptimizerConfig):
        """Parameters of `sgd`."""

        learning_rate: float = Field(
            default=0.01, gt=0, description="Step size, before a schedule."
        )
        momentum: float = Field(
            default=0.0, ge=0, lt=1, description="Share of the velocity kept from step to step."
        )
        nesterov: bool = Field(
            default=False,
            description="True to use Nesterov momentum.",
        )
        weight_decay: float = Field(
            default=0.0, ge=0, description="Share of the parameter added to its gradient (L2)."
        )

        @model_validator(mode="after")
        def _nesterov_needs_momentum(self) -> Self:
            if self.nesterov and not self.momentum:
                raise PydanticCustomError("nesterov", "nesterov needs a momentum above 0")
            return self

    kernel = staticmethod(updates.sgd)
    config: Config

    def slots(self, param: Array) -> dict[str, Array]:
        return {"velocity": np.zeros_like(param)} if self.config.momentum else {}

    def arguments(self, slots: dict[str, Array], step: int, rate: float) -> tuple[Any, ...]:
        c = self.config
        return slots.get("velocity"), c.momentum, c.nesterov, c.weight_decay, rate
