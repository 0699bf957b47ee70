"""Adadelta: steps in the parameter's units, from the sizes of earlier steps."""

from typing import Any

import numpy as np
from pydantic import Field

from tinynet.builtin.optimizers._fused import FusedOptimizer
from tinynet.kernels import updates
from tinynet.optimizer import OptimizerConfig
from tinynet.types import Array


class Adadelta(FusedOptimizer):
    """Gradients scaled by the sizes of recent steps and of recent gradients.

        g = grad + weight_decay * param
        mean_square = rho * mean_square + (1 - rho) * g^2
        step = g * sqrt(mean_square_step + epsilon) / sqrt(mean_square + epsilon)
        mean_square_step = rho * mean_square_step + (1 - rho) * step^2
        param -= rate * step

    Zeiler, "ADADELTA: An Adaptive Learning Rate Method", 2012, where the rate is 1.
    """

    class Config(OptimizerConfig):
        """Parameters of `adadelta`."""

        learning_rate: float = Field(
            default=1.0, gt=0, description="Factor of the steps, before a schedule."
        )
        rho: float = Field(
            default=0.95, ge=0, lt=1, description="Share of the running means kept at each step."
        )
        epsilon: float = Field(
            default=1e-7, gt=0, description="Added to both mean squares; its root starts the steps."
        )
        weight_decay: float = Field(
            default=0.0, ge=0, description="Share of the parameter added to its gradient (L2)."
        )

    kernel = staticmethod(updates.adadelta)
    config: Config

    def slots(self, param: Array) -> dict[str, Array]:
        return {"mean_square": np.zeros_like(param), "mean_square_step": np.zeros_like(param)}

    def arguments(self, slots: dict[str, Array], step: int, rate: float) -> tuple[Any, ...]:
        c = self.config
        state = slots["mean_square"], slots["mean_square_step"]
        return *state, c.rho, c.epsilon, c.weight_decay, rate
