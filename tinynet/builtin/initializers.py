"""The built-in initializers: the values of parameters before the first step.

Random values are drawn in float64 and rounded to the network's dtype, so a float32 and a float64
network of one seed start from the same numbers.
"""

import math
from typing import Any, ClassVar, TypeAlias

import numpy as np
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from tinynet.errors import ShapeError
from tinynet.initializer import InitializerConfig
from tinynet.types import Array, Shape

_DType: TypeAlias = np.dtype[Any]
_RNG: TypeAlias = np.random.Generator


class _WithoutParameters:
    Config = InitializerConfig

    def __init__(self, config: InitializerConfig) -> None:
        """Take a config that has no fields."""


class Zeros(_WithoutParameters):
    """Every value is 0."""

    def __call__(self, rng: _RNG, shape: Shape, fan_in: int, fan_out: int, dtype: _DType) -> Array:
        return np.zeros(shape, dtype)


class Ones(_WithoutParameters):
    """Every value is 1."""

    def __call__(self, rng: _RNG, shape: Shape, fan_in: int, fan_out: int, dtype: _DType) -> Array:
        return np.ones(shape, dtype)


class Constant:
    """Every value is one number."""

    example: ClassVar = {"value": 0.1}

    class Config(InitializerConfig):
        """Parameters of `constant`."""

        value: float = Field(default=0.0, description="The value of every element.")

    def __init__(self, config: Config) -> None:
        self._value = config.value

    def __call__(self, rng: _RNG, shape: Shape, fan_in: int, fan_out: int, dtype: _DType) -> Array:
        return np.full(shape, self._value, dtype)


class Uniform:
    """Values spread evenly over [minval, maxval)."""

    example: ClassVar = {"minval": -0.05, "maxval": 0.05}

    class Config(InitializerConfig):
        """Parameters of `uniform`."""

        minval: float = Field(default=-0.05, description="Smallest value.")
        maxval: float = Field(default=0.05, description="Largest value.")

        @model_validator(mode="after")
        def _check(self) -> "Uniform.Config":
            if self.minval > self.maxval:
                raise PydanticCustomError("range", "minval must not be greater than maxval")
            return self

    def __init__(self, config: Config) -> None:
        self._config = config

    def __call__(self, rng: _RNG, shape: Shape, fan_in: int, fan_out: int, dtype: _DType) -> Array:
        return rng.uniform(self._config.minval, self._config.maxval, shape).astype(dtype)


class Normal:
    """Values of a normal distribution, not truncated."""

    class Config(InitializerConfig):
        """Parameters of `normal`."""

        mean: float = Field(default=0.0, description="Mean.")
        stddev: float = Field(default=0.05, ge=0, description="Standard deviation.")

    def __init__(self, config: Config) -> None:
        self._config = config

    def __call__(self, rng: _RNG, shape: Shape, fan_in: int, fan_out: int, dtype: _DType) -> Array:
        return rng.normal(self._config.mean, self._config.stddev, shape).astype(dtype)


class GlorotUniform(_WithoutParameters):
    """Even over +-sqrt(6 / (fan_in + fan_out)): keeps the variance forwards and backwards.

    Source: Glorot and Bengio, 2010.
    """

    def __call__(self, rng: _RNG, shape: Shape, fan_in: int, fan_out: int, dtype: _DType) -> Array:
        limit = math.sqrt(6 / (fan_in + fan_out))
        return rng.uniform(-limit, limit, shape).astype(dtype)


class GlorotNormal(_WithoutParameters):
    """Normal, not truncated, of standard deviation sqrt(2 / (fan_in + fan_out)).

    Source: Glorot and Bengio, 2010.
    """

    def __call__(self, rng: _RNG, shape: Shape, fan_in: int, fan_out: int, dtype: _DType) -> Array:
        return rng.normal(0, math.sqrt(2 / (fan_in + fan_out)), shape).astype(dtype)


class HeUniform(_WithoutParameters):
    """Even over +-sqrt(6 / fan_in): keeps the variance through layers followed by ReLU.

    Source: He et al., 2015.
    """

    def __call__(self, rng: _RNG, shape: Shape, fan_in: int, fan_out: int, dtype: _DType) -> Array:
        limit = math.sqrt(6 / fan_in)
        return rng.uniform(-limit, limit, shape).astype(dtype)


class HeNormal(_WithoutParameters):
    """Normal, not truncated, of standard deviation sqrt(2 / fan_in).

    Source: He et al., 2015.
    """

    def __call__(self, rng: _RNG, shape: Shape, fan_in: int, fan_out: int, dtype: _DType) -> Array:
        return rng.normal(0, math.sqrt(2 / fan_in), shape).astype(dtype)


class Orthogonal:
    """A random matrix whose columns (or rows, if they are fewer) are orthogonal, of length gain.

    All axes of the parameter but the last are taken as one, the rows. Source: Saxe et al., 2014.

    Raises:
        ShapeError: when called for a parameter of fewer than two axes.
    """

    class Config(InitializerConfig):
        """Parameters of `orthogonal`."""

        gain: float = Field(default=1.0, description="Length of the orthogonal vectors.")

    def __init__(self, config: Config) -> None:
        self._gain = config.gain

    def __call__(self, rng: _RNG, shape: Shape, fan_in: int, fan_out: int, dtype: _DType) -> Array:
        if len(shape) < 2:
            raise ShapeError(
                f"orthogonal needs a parameter of at least two axes; this one has shape {shape}"
            )
        rows, columns = math.prod(shape[:-1]), shape[-1]
        draws = rng.normal(size=(max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(draws)
        # QR leaves the signs open; a positive diagonal makes q uniform over such matrices.
        q *= np.copysign(1, np.diag(r))
        matrix = q if rows >= columns else q.T
        return (self._gain * matrix).reshape(shape).astype(dtype)
