"""The layer that reorders axes."""

import math
from typing import ClassVar

import numpy as np
from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from tinynet.layer import (
    Array,
    Build,
    Cache,
    Context,
    Gradients,
    LayerConfig,
    OnnxGraph,
    Shape,
    ShapeError,
)


class Permute:
    """The axes of a sample in another order: axis i of the output is axis dims[i] of the input.

    Axes are counted from 1, the batch left out: ``dims`` [2, 1] is (N, A, B) -> (N, B, A).

    Raises:
        ShapeError: if a sample has another number of axes than ``dims`` names.
    """

    family = "reshaping"
    example: ClassVar = {"dims": [2, 1]}
    per_sample = True

    class Config(LayerConfig):
        """Parameters of a `permute` node."""

        dims: tuple[int, ...] = Field(
            strict=False,  # a list, as JSON has it; the axes in it stay strict integers
            min_length=1,
            description="The input's axes in their new order, counted from 1 without the batch:"
            " [2, 1] swaps two axes.",
        )

        @field_validator("dims")
        @classmethod
        def _check(cls, dims: tuple[int, ...]) -> tuple[int, ...]:
            if sorted(dims) != list(range(1, len(dims) + 1)):
                raise PydanticCustomError(
                    "dims", "each axis from 1 to the number of axes is expected once"
                )
            return dims

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        if len(config.dims) != len(in_shape):
            raise ShapeError(
                f"permute with dims {list(config.dims)} needs an input of {len(config.dims)} axes"
                f" without the batch; it got {in_shape}"
            )
        self.out_shape = tuple(in_shape[axis - 1] for axis in config.dims)
        self.params: dict[str, Array] = {}
        self._axes = (0, *config.dims)
        self._inverse = tuple(int(axis) for axis in np.argsort(self._axes))
        self._itemsize = build.dtype.itemsize

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        return _transposed(ctx, x, self._axes), None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        return (_transposed(ctx, dy, self._inverse) if ctx.needs_input() else None,), {}

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        return graph.transpose(x, [axis - 1 for axis in self._axes[1:]])

    def cost(self) -> tuple[int, int]:
        return 0, math.prod(self.out_shape) * self._itemsize


def _transposed(ctx: Context, x: Array, axes: tuple[int, ...]) -> Array:
    view = x.transpose(axes)
    # A copy: a view would make each layer after it walk through memory in the wrong order.
    y = ctx.empty(view.shape, x.dtype)
    y[...] = view
    return y
