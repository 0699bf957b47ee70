"""Rprop: steps whose size follows from the signs of the gradients alone."""

from typing import Any, Self

import numpy as np
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from tinynet.builtin.optimizers._fused import FusedOptimizer
from tinynet.kernels import updates
from tinynet.optimizer import OptimizerConfig
from tinynet.types import Array


class Rprop(FusedOptimizer):
    """Steps that grow while the gradient keeps its sign, and shrink when it changes.

        factor *= eta_plus    where grad * last_grad > 0
        factor *= eta_minus   where grad * last_grad < 0, and there the step is left out
        param -= rate * factor * sign(grad)

    For gradients of the whole data: the signs of small batches are mostly noise. Riedmiller and
    Braun, "A direct adaptive method for faster backpropagation learning: the RPROP algorithm",
    1993.
    """

    class Config(OptimizerConfig):
        """Parameters of `rprop`."""

        learning_rate: float = Field(
            default=0.01, gt=0, description="Size of the first step, before a schedule."
        )
        eta_minus: float = Field(
            default=0.5, gt=0, lt=1, description="Factor of a step whose gradient changed its sign."
        )
        eta_plus: float = Field(
            default=1.2, gt=1, description="Factor of a step whose gradient kept its sign."
        )
        min_factor: float = Field(
            default=1e-4, gt=0, description="Smallest step, in units of the learning rate."
        )
        max_factor: float = Field(
            default=5000.0, gt=0, description="Largest step, in units of the learning rate."
        )

        @model_validator(mode="after")
        def _min_is_smaller(self) -> Self:
            if self.min_factor > self.max_factor:
                message = "min_factor must not be greater than max_factor"
                raise PydanticCustomError("range", message)
            return self

    kernel = staticmethod(updates.rprop)
    config: Config

    def slots(self, param: Array) -> dict[str, Array]:
        return {"factor": np.ones_like(param), "last_grad": np.zeros_like(param)}

    def arguments(self, slots: dict[str, Array], step: int, rate: float) -> tuple[Any, ...]:
        c = self.config
        state = slots["factor"], slots["last_grad"]
        return *state, c.eta_minus, c.eta_plus, c.min_factor, c.max_factor, rate
