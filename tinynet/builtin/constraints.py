"""The built-in constraints: norms of weights, and their signs.

A norm is the Euclidean one of all values along the axes of the option ``axis``. Without it, these
are all axes but the last: the weights of one unit of a dense layer, or of one filter.
"""

from collections.abc import Callable
from typing import ClassVar, Self

import numpy as np
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from tinynet.builtin._axes import Axes, axes_of
from tinynet.constraint import ConstraintConfig
from tinynet.types import Array


class _NormConfig(ConstraintConfig):
    axis: Axes | None = Field(
        default=None,
        description="Axis, or axes, along which a norm is taken; by default all but the last, or"
        " the only one.",
    )


def _scale(param: Array, axis: tuple[int, ...] | None, factors: Callable[[Array], Array]) -> None:
    """Scale the vectors of a parameter in place by factors that depend on their norms."""
    all_but_last = range(max(param.ndim - 1, min(param.ndim, 1)))
    axes = axes_of(param.shape, all_but_last if axis is None else axis)
    norms = np.sqrt(np.square(param, dtype=np.float64).sum(axis=axes, keepdims=True))
    targets = factors(norms)
    # A vector of zeros has no direction; it stays as it is.
    scales = np.divide(targets, norms, out=np.ones_like(norms), where=norms > 0)
    param *= scales.astype(param.dtype)


class MaxNorm:
    """A norm of at most max_value; larger ones are scaled down.

    Srebro and Shraibman, "Rank, trace-norm and max-norm", 2005; used with dropout by Srivastava et
    al., 2014.
    """

    example: ClassVar = {"max_value": 3}

    class Config(_NormConfig):
        """Options of `max_norm`."""

        max_value: float = Field(default=2.0, ge=0, description="Largest norm.")

    def __init__(self, config: Config) -> None:
        self._config = config

    def project(self, param: Array) -> None:
        largest = self._config.max_value
        _scale(param, self._config.axis, lambda norms: np.minimum(norms, largest))


class UnitNorm:
    """A norm of 1; vectors of zeros stay as they are."""

    class Config(_NormConfig):
        """Options of `unit_norm`."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def project(self, param: Array) -> None:
        _scale(param, self._config.axis, np.ones_like)


class MinMaxNorm:
    """A norm from min_value to max_value, approached by a share rate in each step.

    The new norm is rate * clip(norm, min_value, max_value) + (1 - rate) * norm.
    """

    example: ClassVar = {"min_value": 0.5, "max_value": 2}

    class Config(_NormConfig):
        """Options of `min_max_norm`."""

        min_value: float = Field(default=0.0, ge=0, description="Smallest norm.")
        max_value: float = Field(default=1.0, ge=0, description="Largest norm.")
        rate: float = Field(default=1.0, gt=0, le=1, description="Share of the way in each step.")

        @model_validator(mode="after")
        def _in_order(self) -> Self:
            if self.min_value > self.max_value:
                raise PydanticCustomError("norms", "min_value must not be above max_value")
            return self

    def __init__(self, config: Config) -> None:
        self._config = config

    def project(self, param: Array) -> None:
        low, high, rate = self._config.min_value, self._config.max_value, self._config.rate
        _scale(
            param,
            self._config.axis,
            lambda norms: rate * np.clip(norms, low, high) + (1 - rate) * norms,
        )


class NonNegative:
    """No value below 0; those are set to 0."""

    class Config(ConstraintConfig):
        """Options of `non_negative`."""

    def __init__(self, config: Config) -> None:
        """Take a config that has no fields."""

    def project(self, param: Array) -> None:
        np.maximum(param, 0, out=param)
