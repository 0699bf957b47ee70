"""The layer that selects elements of one axis by their indices."""

import math
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from tinynet.builtin.layers._axes import sample_axis
from tinynet.builtin.layers._onnx import gathered
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


class Gather:
    """Elements of one axis, by a list of indices: (N, ..., A, ...) -> (N, ..., B, ...).

    The output has them in the order of the list, where an index may occur several times. For a
    range, use `slice`.

    Raises:
        ShapeError: if the axis does not exist, or has no such index.
    """

    family = "reshaping"
    example: ClassVar = {"indices": [0, 2]}
    per_sample = True

    class Config(LayerConfig):
        """Parameters of a `gather` node."""

        indices: list[int] = Field(
            min_length=1,
            description="Indices to select, from 0; negative numbers count from the end.",
        )
        axis: int = Field(
            default=-1,
            description="The axis to select from. Axis 0 is the batch; negative numbers count from"
            " the end.",
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        axis = sample_axis("gather", config.axis, in_shape)
        size = in_shape[axis]
        outside = [index for index in config.indices if not -size <= index < size]
        if outside:
            raise ShapeError(
                f"gather: axis {config.axis} of a sample of shape {in_shape} has the indices from 0"
                f" to {size - 1}, but not {', '.join(map(str, outside))}"
            )
        indices = np.array([index % size for index in config.indices])
        self.out_shape = (*in_shape[:axis], len(indices), *in_shape[axis + 1 :])
        self.params: dict[str, Array] = {}
        self._in_shape = in_shape
        self._axis = 1 + axis
        self._indices = indices
        # The gradients of equal indices are summed, in the order of the list.
        self._order = np.argsort(indices, kind="stable")
        self._selected, self._starts = np.unique(indices[self._order], return_index=True)
        self._bytes = math.prod(self.out_shape) * build.dtype.itemsize

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y = ctx.empty((len(x), *self.out_shape), x.dtype)
        # The indices are valid; a mode other than "raise" writes to `out` without a buffer.
        return np.take(x, self._indices, axis=self._axis, out=y, mode="clip"), None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        if not ctx.needs_input():
            return (None,), {}
        dx = ctx.empty((len(dy), *self._in_shape), dy.dtype)
        dx.fill(0)
        ordered = np.take(dy, self._order, axis=self._axis)
        place: Any = (*[slice(None)] * self._axis, self._selected)
        dx[place] = np.add.reduceat(ordered, self._starts, axis=self._axis)
        return (dx,), {}

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        return gathered(graph, x, self._axis, self._indices)

    def cost(self) -> tuple[int, int]:
        return 0, self._bytes
