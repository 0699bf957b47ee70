"""The shapes, numbers and memory of a scenario of the conformance kit for kernels."""

from dataclasses import dataclass

import numpy as np

from tinynet.kernels import Window
from tinynet.kernels.memory import Empty
from tinynet.testing.arrays import read_only
from tinynet.types import Array


@dataclass(frozen=True)
class Draw:
    """The source of shapes, numbers and memory of a scenario.

    Attributes:
        rng: The stream; the same for the reference and the implementation.
        dtype: The dtype of the numbers.
        empty: Allocates memory for the kernel, filled with NaN.
    """

    rng: np.random.Generator
    dtype: str
    empty: Empty

    def normal(self, *shape: int) -> Array:
        return read_only(self.rng.standard_normal(shape).astype(self.dtype))

    def ties(self, *shape: int) -> Array:
        """Return numbers many of which are equal."""
        return read_only(self.rng.integers(-3, 4, shape).astype(self.dtype))

    def integer(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def flag(self) -> bool:
        return bool(self.rng.integers(2))

    def window(self, dilations: int) -> Window:
        """Return a window of at most 3 x 3 that covers at least one real cell at every position."""
        height, width = self.integer(1, 3), self.integer(1, 3)
        return Window(
            kernel_size=(height, width),
            strides=(self.integer(1, 3), self.integer(1, 3)),
            padding=(
                (self.integer(0, height - 1), self.integer(0, height - 1)),
                (self.integer(0, width - 1), self.integer(0, width - 1)),
            ),
            dilation=(self.integer(1, dilations), self.integer(1, dilations)),
        )

    def image_shape(self, channels: int) -> tuple[int, int, int, int]:
        return (self.integer(1, 4), self.integer(5, 9), self.integer(5, 9), channels)
