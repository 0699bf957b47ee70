"""The base of layers that keep the shape of their input."""

import math
from typing import ClassVar

from tinynet.layer import Array, Build, LayerConfig, Shape


class SameShape:
    """A layer without parameters whose output has the shape of its one input.

    Attributes:
        operations: Floating-point operations per element; an exp or a tanh counts as one.
    """

    per_sample = True
    operations: ClassVar[int]

    def __init__(self, config: LayerConfig, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (self.out_shape,) = in_shapes
        self.params: dict[str, Array] = {}
        self._itemsize = build.dtype.itemsize

    def cost(self) -> tuple[int, int]:
        size = math.prod(self.out_shape)
        return self.operations * size, size * self._itemsize
