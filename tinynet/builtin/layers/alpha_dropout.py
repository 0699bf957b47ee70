"""Dropout for networks of SELU."""

import math

import numpy as np
from pydantic import Field

from tinynet.builtin.layers._noise import Noise, Noisy
from tinynet.layer import Array, Build, Context, LayerConfig, Shape

_DROPPED = -1.0507009873554804934193349852946 * 1.6732632423543772848170429916717
"""The limit of SELU for very negative inputs, which dropped elements become."""


class AlphaDropout(Noise):
    """Random elements set to the lowest output of `selu` while training.  (N, ...) -> (N, ...).

        y = a * (x if kept, else -1.7581) + b

    Each element is dropped with probability ``rate``; a and b are such that a mean of 0 and a
    variance of 1 stay. In evaluation y = x. Source: Klambauer et al., 2017.
    """

    operations = 3

    class Config(LayerConfig):
        """Parameters of an `alpha_dropout` node."""

        rate: float = Field(ge=0, lt=1, description="Probability that an element is dropped.")

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        rate = self.amount = config.rate
        self._a = 1 / math.sqrt((1 - rate) * (1 + rate * _DROPPED**2))
        self._b = -self._a * rate * _DROPPED

    def noisy(self, ctx: Context, x: Array) -> Noisy:
        uniform = ctx.rng.random(x.shape, np.float32)
        slope = np.less(uniform, self.amount, out=ctx.empty(x.shape, x.dtype))
        y = np.multiply(slope, self._a * _DROPPED, out=ctx.empty(x.shape, x.dtype))
        y += self._b
        np.subtract(1, slope, out=slope)
        slope *= self._a
        y += slope * x
        return y, slope
