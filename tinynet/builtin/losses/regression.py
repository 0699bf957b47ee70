"""Losses of a residual r = output - target."""

import numpy as np
from pydantic import Field

from tinynet.builtin.losses._elementwise import Elementwise
from tinynet.builtin.losses._positions import PositionsConfig
from tinynet.types import Array


class MSE(Elementwise):
    """Mean squared error: r^2.  Outputs (N, ...), targets (N, ...)."""

    name = "mse"

    def values(self, outputs: Array, targets: Array) -> Array:
        values: Array = np.square(outputs - targets)
        return values

    def slopes(self, outputs: Array, targets: Array, out: Array) -> None:
        np.subtract(outputs, targets, out=out)
        out *= 2


class MAE(Elementwise):
    """Mean absolute error: |r|, with gradient 0 at r = 0.  Outputs (N, ...), targets (N, ...)."""

    name = "mae"

    def values(self, outputs: Array, targets: Array) -> Array:
        values: Array = np.abs(outputs - targets)
        return values

    def slopes(self, outputs: Array, targets: Array, out: Array) -> None:
        np.subtract(outputs, targets, out=out)
        np.sign(out, out=out)


class Huber(Elementwise):
    """Quadratic near 0, linear beyond: r^2 / 2 for |r| <= delta, else delta (|r| - delta / 2).

    Outputs (N, ...), targets (N, ...).  Huber, "Robust Estimation of a Location Parameter", 1964.
    """

    name = "huber"

    class Config(PositionsConfig):
        """Parameters of `huber`."""

        delta: float = Field(
            default=1.0,
            gt=0,
            description="Residual where the loss turns from quadratic to linear, in target units.",
        )

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.delta = config.delta

    def values(self, outputs: Array, targets: Array) -> Array:
        size: Array = np.abs(outputs - targets)
        near: Array = np.minimum(size, self.delta)
        return near * (size - near / 2)

    def slopes(self, outputs: Array, targets: Array, out: Array) -> None:
        np.subtract(outputs, targets, out=out)
        np.clip(out, -self.delta, self.delta, out=out)
