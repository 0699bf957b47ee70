"""Initializers whose deviation follows from the fans of a parameter, and truncated normals.

Random values are drawn in float64, as in `tinynet.builtin.initializers`.
"""

import math
from typing import Any, Literal, TypeAlias

import numpy as np
from pydantic import Field

from tinynet.initializer import InitializerConfig
from tinynet.types import Array, Shape

_DType: TypeAlias = np.dtype[Any]
_RNG: TypeAlias = np.random.Generator
_Distribution: TypeAlias = Literal["truncated_normal", "untruncated_normal", "uniform"]

_TRUNCATED_DEVIATION = 0.87962566103423978
"""Standard deviation of a standard normal distribution that is truncated at -2 and 2."""


class TruncatedNormal:
    """Values of a normal distribution; those beyond two standard deviations are drawn again.

    The truncation makes the deviation of the values smaller, 0.88 of ``stddev``.
    """

    class Config(InitializerConfig):
        """Parameters of `truncated_normal`."""

        mean: float = Field(default=0.0, description="Mean.")
        stddev: float = Field(
            default=0.05, ge=0, description="Standard deviation, before the truncation."
        )

    def __init__(self, config: Config) -> None:
        self._config = config

    def __call__(self, rng: _RNG, shape: Shape, fan_in: int, fan_out: int, dtype: _DType) -> Array:
        values = self._config.mean + self._config.stddev * _truncated(rng, shape)
        return values.astype(dtype)


class VarianceScaling:
    """Values of mean 0 and variance scale / fan.

    The deviation that a truncation takes away is restored. Source: Glorot and Bengio, 2010, and He
    et al., 2015, of which this is the general form.
    """

    class Config(InitializerConfig):
        """Parameters of `variance_scaling`."""

        scale: float = Field(default=1.0, gt=0, description="Variance, times the fan.")
        mode: Literal["fan_in", "fan_out", "fan_avg"] = Field(
            default="fan_in",
            description="Fan: the inputs of a unit, the units of an input, or the mean of both.",
        )
        distribution: _Distribution = Field(
            default="truncated_normal",
            description="Distribution of the values; truncated at two standard deviations.",
        )

    def __init__(self, config: Config) -> None:
        self._config = config

    def __call__(self, rng: _RNG, shape: Shape, fan_in: int, fan_out: int, dtype: _DType) -> Array:
        c = self._config
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[c.mode]
        return _of_variance(c.scale / fan, c.distribution, rng, shape).astype(dtype)


class LecunUniform:
    """Even over +-sqrt(3 / fan_in): keeps the variance through linear layers, and through SELU.

    Source: LeCun et al., "Efficient BackProp", 1998; Klambauer et al., 2017, for SELU.
    """

    Config = InitializerConfig

    def __init__(self, config: InitializerConfig) -> None:
        """Take a config that has no fields."""

    def __call__(self, rng: _RNG, shape: Shape, fan_in: int, fan_out: int, dtype: _DType) -> Array:
        return _of_variance(1 / fan_in, "uniform", rng, shape).astype(dtype)


class LecunNormal:
    """Normal, of standard deviation sqrt(1 / fan_in); truncated, as Keras does.

    Source: LeCun et al., "Efficient BackProp", 1998; Klambauer et al., 2017, for SELU.
    """

    Config = InitializerConfig

    def __init__(self, config: InitializerConfig) -> None:
        """Take a config that has no fields."""

    def __call__(self, rng: _RNG, shape: Shape, fan_in: int, fan_out: int, dtype: _DType) -> Array:
        return _of_variance(1 / fan_in, "truncated_normal", rng, shape).astype(dtype)


def _of_variance(variance: float, distribution: _Distribution, rng: _RNG, shape: Shape) -> Array:
    """Return float64 values of mean 0 and that variance."""
    if distribution == "uniform":
        limit = math.sqrt(3 * variance)
        return rng.uniform(-limit, limit, shape)
    if distribution == "untruncated_normal":
        return rng.normal(0, math.sqrt(variance), shape)
    return math.sqrt(variance) / _TRUNCATED_DEVIATION * _truncated(rng, shape)


def _truncated(rng: _RNG, shape: Shape) -> Array:
    """Return float64 values of a standard normal distribution that is truncated at -2 and 2."""
    values = rng.standard_normal(math.prod(shape))
    while (beyond := np.flatnonzero(np.abs(values) > 2)).size:
        values[beyond] = rng.standard_normal(beyond.size)
    return values.reshape(shape)
