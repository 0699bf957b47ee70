"""Noise from a normal distribution, added or as a factor."""

import math
from typing import ClassVar

import numpy as np
from pydantic import Field

from tinynet.builtin.layers._noise import Noise, Noisy
from tinynet.layer import Array, Build, Context, LayerConfig, Shape


class GaussianNoise(Noise):
    """Random numbers added while training: y = x + stddev * noise.  (N, ...) -> (N, ...).

    The noise is standard normal, and independent for each element; in evaluation y = x.
    """

    example: ClassVar = {"stddev": 0.1}
    operations = 2

    class Config(LayerConfig):
        """Parameters of a `gaussian_noise` node."""

        stddev: float = Field(ge=0, description="Standard deviation of the noise.")

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        self.amount = config.stddev

    def noisy(self, ctx: Context, x: Array) -> Noisy:
        y = _scaled_noise(ctx, x, self.amount)
        y += x
        return y, None


class GaussianDropout(Noise):
    """Random factors while training: y = x * (1 + sqrt(rate / (1 - rate)) * noise).

    (N, ...) -> (N, ...). The noise is standard normal, and independent for each element. Mean and
    variance of the factor are those of `dropout`; in evaluation y = x.
    Source: Srivastava et al., 2014.
    """

    operations = 3

    class Config(LayerConfig):
        """Parameters of a `gaussian_dropout` node."""

        rate: float = Field(
            ge=0, lt=1, description="Rate of the dropout that changes as much as this noise."
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        self.amount = math.sqrt(config.rate / (1 - config.rate))

    def noisy(self, ctx: Context, x: Array) -> Noisy:
        factor = _scaled_noise(ctx, x, self.amount)
        factor += 1
        return np.multiply(x, factor, out=ctx.empty(x.shape, x.dtype)), factor


def _scaled_noise(ctx: Context, x: Array, stddev: float) -> Array:
    """Return normally distributed numbers of the shape of ``x``."""
    noise = ctx.empty(x.shape, x.dtype)
    noise[...] = ctx.rng.standard_normal(x.shape, np.float32)
    noise *= stddev
    return noise
