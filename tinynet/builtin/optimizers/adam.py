"""Adam and AdamW: steps of a size that does not depend on the gradient's scale."""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from tinynet.builtin.optimizers._adaptive import AdaptiveConfig
from tinynet.builtin.optimizers._fused import FusedOptimizer
from tinynet.kernels import updates
from tinynet.types import Array


class Adam(FusedOptimizer):
    """Adaptive moment estimation.

    t counts steps from 1.

        g = grad + weight_decay * param
        first_moment  = beta_1 * first_moment  + (1 - beta_1) * g
        second_moment = beta_2 * second_moment + (1 - beta_2) * g^2
        m = first_moment  / (1 - beta_1^t)
        v = second_moment / (1 - beta_2^t)
        param -= rate * m / (sqrt(v) + epsilon)

    With ``amsgrad``, the largest second moment so far takes the place of the second moment in v.

    Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2015; amsgrad: Reddi, Kale and
    Kumar, "On the Convergence of Adam and Beyond", 2018.
    """

    decoupled: ClassVar[bool] = False

    class Config(AdaptiveConfig):
        """Parameters of `adam`."""

        amsgrad: bool = Field(
            default=False,
            description="True to divide by the largest second moment so far, not the latest.",
        )

    kernel: Callable[..., None] = staticmethod(updates.adam)
    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._names = ["first_moment", "second_moment"]
        if config.amsgrad:
            self.kernel = updates.amsgrad
            self._names.append("largest_second_moment")

    def slots(self, param: Array) -> dict[str, Array]:
        return {name: np.zeros_like(param) for name in self._names}

    def arguments(self, slots: dict[str, Array], step: int, rate: float) -> tuple[Any, ...]:
        c = self.config
        state = [slots[name] for name in self._names]
        return *state, c.beta_1, c.beta_2, c.epsilon, c.weight_decay, self.decoupled, step, rate


class AdamW(Adam):
    """Adam with weight decay of the parameter itself, apart from the gradient's moments.

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
