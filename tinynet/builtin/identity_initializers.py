"""Initializers of layers that return their input before the first step."""

from typing import Any, TypeAlias

import numpy as np
from pydantic import Field

from tinynet.errors import ShapeError
from tinynet.initializer import InitializerConfig
from tinynet.types import Array, Shape

_DType: TypeAlias = np.dtype[Any]
_RNG: TypeAlias = np.random.Generator


class Identity:
    """A matrix with gain on its diagonal, and 0 elsewhere; for recurrent and dense layers.

    Source: Le, Jaitly and Hinton, "A Simple Way to Initialize Recurrent Networks of Rectified
    Linear Units", 2015.

    Raises:
        ShapeError: when called for a parameter that has not two axes.
    """

    class Config(InitializerConfig):
        """Parameters of `identity`."""

        gain: float = Field(default=1.0, description="Value of the diagonal.")

    def __init__(self, config: Config) -> None:
        self._gain = config.gain

    def __call__(self, rng: _RNG, shape: Shape, fan_in: int, fan_out: int, dtype: _DType) -> Array:
        if len(shape) != 2:
            raise ShapeError(
                f"identity needs a parameter of two axes; this one has shape {shape}; for the"
                " weight of a convolution, use dirac"
            )
        return (self._gain * np.eye(*shape)).astype(dtype)


class Dirac:
    """The weight of a convolution that returns its input: 1 at the window's center, else 0.

    For a weight (..., C / groups, F): the filter f of a group returns the group's channel f;
    filters without such a channel return 0. The center is the element that is over the pixel itself
    with the padding "same", also where the kernel size is even. Source: torch.nn.init.dirac_.

    Raises:
        ShapeError: when called for a parameter of fewer than three axes, or whose filters cannot
            be divided into the groups.
    """

    class Config(InitializerConfig):
        """Parameters of `dirac`."""

        groups: int = Field(default=1, gt=0, description="The convolution's number of groups.")

    def __init__(self, config: Config) -> None:
        self._groups = config.groups

    def __call__(self, rng: _RNG, shape: Shape, fan_in: int, fan_out: int, dtype: _DType) -> Array:
        if len(shape) < 3:
            raise ShapeError(
                "dirac needs the weight of a convolution, of at least three axes; this one has"
                f" shape {shape}"
            )
        *window, channels, filters = shape
        if filters % self._groups:
            raise ShapeError(f"dirac cannot divide {filters} filters into {self._groups} groups")
        values = np.zeros(shape, dtype)
        center = tuple((size - 1) // 2 for size in window)
        of_group = np.eye(channels, filters // self._groups, dtype=dtype)
        values[center] = np.tile(of_group, self._groups)
        return values
