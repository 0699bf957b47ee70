"""The protocol of initializers, and every name that the author of an initializer imports.

An initializer returns the values of a parameter before the first step.
"""

from typing import Any, Protocol

import numpy as np

from tinynet.config import Config
from tinynet.errors import ShapeError
from tinynet.types import Array, Shape

__all__ = [
    "Array",
    "Initializer",
    "InitializerConfig",
    "Shape",
    "ShapeError",
]


class InitializerConfig(Config):
    """The base of an initializer's ``Config``."""


class Initializer(Protocol):
    """A source of initial values for parameters. Constructed as ``Type(config)``."""

    def __call__(
        self,
        rng: np.random.Generator,
        shape: Shape,
        fan_in: int,
        fan_out: int,
        dtype: np.dtype[Any],
        /,
    ) -> Array:
        """Return values of ``shape``.

        Args:
            rng: The random stream of this parameter.
            shape: The parameter's shape.
            fan_in: Number of inputs of one unit.
            fan_out: Number of units that one input reaches.
            dtype: float32 or float64.
        """
        ...
