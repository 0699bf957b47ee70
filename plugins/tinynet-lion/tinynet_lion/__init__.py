"""Lion: an optimizer for tinynet that calls itself ``lion``."""

from typing import Any

import numpy as np
from pydantic import Field

from tinynet.optimizer import Array, OptimizerConfig


class Lion:
    """Steps of one size for every element: only the sign of the smoothed gradient counts.

        direction = sign(beta_1 * momentum + (1 - beta_1) * grad)
        param    -= rate * (direction + weight_decay * param)
        momentum  = beta_2 * momentum + (1 - beta_2) * grad

    One slot, ``momentum``: half of Adam's state. A learning rate three to ten times smaller than
    Adam's, with a weight decay as much larger, is a good first try.

    Source: Chen et al., "Symbolic Discovery of Optimization Algorithms", 2023.
    """

    examples: tuple[dict[str, Any], ...] = (
        {"options": {}},
        {"options": {"beta_1": 0.5, "weight_decay": 0.1}},
    )

    class Config(OptimizerConfig):
        """Parameters of `lion`."""

        learning_rate: float = Field(
            default=0.0001, gt=0, description="Size of each element's step, before a schedule."
        )
        beta_1: float = Field(
            default=0.9, ge=0, lt=1, description="Share of the momentum in a step's direction."
        )
        beta_2: float = Field(
            default=0.99, ge=0, lt=1, description="Share of the momentum kept at each step."
        )
        weight_decay: float = Field(
            default=0.0,
            ge=0,
            description="Share of the parameter taken away at each step, times the rate.",
        )

    def __init__(self, config: Config) -> None:
        self._beta_1, self._beta_2 = config.beta_1, config.beta_2
        self._weight_decay = config.weight_decay

    def slots(self, param: Array) -> dict[str, Array]:
        return {"momentum": np.zeros_like(param)}

    def update(
        self, param: Array, grad: Array, slots: dict[str, Array], step: int, rate: float
    ) -> None:
        momentum = slots["momentum"]
        ahead = grad - momentum
        direction = np.sign(momentum + (1 - self._beta_1) * ahead)
        param *= 1 - rate * self._weight_decay
        param -= rate * direction
        momentum += (1 - self._beta_2) * ahead
