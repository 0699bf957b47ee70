"""Layers that change the shape of a sample and not its values."""

import math
from typing import ClassVar

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from tinynet.builtin.layers._axes import sample_axes
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


class _Reshaped:
    """The values of a sample, in row-major order, in another shape."""

    family = "reshaping"
    per_sample = True
    replayable = True

    def __init__(self, in_shape: Shape, out_shape: Shape) -> None:
        self._in_shape = in_shape
        self.out_shape = out_shape
        self.params: dict[str, Array] = {}

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        return x.reshape(len(x), *self.out_shape), None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        if not ctx.needs_input():
            return (None,), {}
        return (dy.reshape(len(dy), *self._in_shape),), {}

    def cost(self) -> tuple[int, int]:
        return 0, 0

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        return graph.reshape(x, self.out_shape)


class Flatten(_Reshaped):
    """All axes of a sample as one, in row-major order: (N, ...) -> (N, F)."""

    Config = LayerConfig

    def __init__(self, config: LayerConfig, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        super().__init__(in_shape, (math.prod(in_shape),))


class Reshape(_Reshaped):
    """The values of a sample in another shape, in row-major order: (N, ...) -> (N, *target_shape).

    Raises:
        ShapeError: if ``target_shape`` has another number of elements than the input.
    """

    example: ClassVar = {"target_shape": [8, -1]}

    class Config(LayerConfig):
        """Parameters of a `reshape` node."""

        target_shape: tuple[int, ...] = Field(
            strict=False,  # a list, as JSON has it; the sizes in it stay strict integers
            description="Shape of a sample; one size may be -1, inferred from the others.",
        )

        @field_validator("target_shape")
        @classmethod
        def _check(cls, shape: Shape) -> Shape:
            if shape.count(-1) > 1 or any(size < 1 and size != -1 for size in shape):
                raise PydanticCustomError(
                    "target_shape", "sizes of at least 1 are expected, and -1 at most once"
                )
            return shape

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        super().__init__(in_shape, _resolve(config.target_shape, in_shape))


class Squeeze(_Reshaped):
    """The values of a sample without axes of size 1: (N, A, 1, B) -> (N, A, B).

    Raises:
        ShapeError: if an axis does not exist, or its size is not 1.
    """

    class Config(LayerConfig):
        """Parameters of a `squeeze` node."""

        axis: int | list[int] | None = Field(
            default=None,
            description="The axis to remove, or the list of them; null for all of size 1. Axis 0 is"
            " the batch; negative numbers count from the end.",
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        removed = sample_axes("squeeze", config.axis, in_shape)
        if config.axis is None:
            removed = tuple(axis for axis in removed if in_shape[axis] == 1)
        if any(in_shape[axis] != 1 for axis in removed):
            raise ShapeError(
                f"squeeze removes axes of size 1, but axis {config.axis} of a sample of shape"
                f" {in_shape} is larger"
            )
        kept = (size for axis, size in enumerate(in_shape) if axis not in removed)
        super().__init__(in_shape, tuple(kept))


class ExpandDims(_Reshaped):
    """The values of a sample with a new axis of size 1: (N, A, B) -> (N, A, B, 1).

    Raises:
        ShapeError: if the output would have no such axis.
    """

    class Config(LayerConfig):
        """Parameters of an `expand_dims` node."""

        axis: int = Field(
            default=-1,
            description="Place of the new axis in the output. Axis 0 is the batch; negative numbers"
            " count from the end.",
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        rank = len(in_shape) + 1
        place = config.axis + rank if config.axis < 0 else config.axis - 1
        if config.axis == 0 or not 0 <= place < rank:
            raise ShapeError(
                f"expand_dims: axis {config.axis} is no place for a new axis of a sample of shape"
                f" {in_shape}: set it to a number from {-rank} to -1, or from 1 to {rank}; axis 0"
                " is the batch"
            )
        super().__init__(in_shape, (*in_shape[:place], 1, *in_shape[place:]))


def _resolve(target_shape: Shape, in_shape: Shape) -> Shape:
    size = math.prod(in_shape)
    fixed = math.prod(axis for axis in target_shape if axis != -1)
    fits = size % fixed == 0 if -1 in target_shape else size == fixed
    if not fits:
        raise ShapeError(
            f"reshape cannot make {list(target_shape)} of an input of shape {in_shape}:"
            f" it has {size} elements, not {'a multiple of ' * (-1 in target_shape)}{fixed}"
        )
    return tuple(size // fixed if axis == -1 else axis for axis in target_shape)
