"""The protocol of initializers, and everything the author of one imports.

An initializer says what a parameter holds before the first step.
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
    """Draws the first value of a parameter. Constructed as ``Type(config)``."""

    def __call__(
        self,
        rng: np.random.Generator,
        shape: Shape,
        fan_in: int,
        fan_out: int,
        dtype: np.dtype[Any],
        /,
    ) -> Array:
        """Values of ``shape``.

        Args:
            rng: The stream that belongs to this parameter of this network.
            shape: The parameter's shape.
            fan_in: How many inputs feed one unit.
            fan_out: How many units one input feeds.
            dtype: float32 or float64.
        """
        ...
