"""Layers that make one array of several."""

import math
from typing import ClassVar

import numpy as np
from pydantic import Field

from tinynet.layer import Array, Build, Cache, Context, Gradients, LayerConfig, Shape, ShapeError


class _EqualShapes:
    """Two or more inputs (N, ...) of equal shape, which is that of the output."""

    per_sample = True
    spec_name: ClassVar[str]
    Config = LayerConfig

    def __init__(self, config: LayerConfig, in_shapes: tuple[Shape, ...], build: Build) -> None:
        _check_count(self.spec_name, in_shapes)
        if len(set(in_shapes)) > 1:
            raise ShapeError(
                f"{self.spec_name} needs inputs of equal shape (it does not broadcast);"
                f" it got {_format_shapes(in_shapes)}"
            )
        self.out_shape = in_shapes[0]
        self.params: dict[str, Array] = {}
        self._count = len(in_shapes)
        self._itemsize = build.dtype.itemsize

    def cost(self) -> tuple[int, int]:
        size = math.prod(self.out_shape)
        return (self._count - 1) * size, size * self._itemsize


class Add(_EqualShapes):
    """Sum of two or more inputs: y = x_1 + x_2 + ...  each (N, ...) -> (N, ...).

    Raises:
        ShapeError: for fewer than two inputs, or inputs that differ in shape: none is broadcast.
    """

    spec_name = "add"

    def forward(self, ctx: Context, *inputs: Array) -> tuple[Array, Cache]:
        first, second, *others = inputs
        y = ctx.empty(first.shape, first.dtype)
        np.add(first, second, out=y)
        for x in others:
            y += x
        return y, None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        return tuple(dy if ctx.needs_input(i) else None for i in range(self._count)), {}


class Subtract(_EqualShapes):
    """Difference of two inputs: y = x_1 - x_2.  each (N, ...) -> (N, ...).

    Raises:
        ShapeError: for more or fewer than two inputs, or inputs that differ in shape: none is
            broadcast.
    """

    spec_name = "subtract"

    def __init__(self, config: LayerConfig, in_shapes: tuple[Shape, ...], build: Build) -> None:
        if len(in_shapes) != 2:
            raise ShapeError(f"subtract needs exactly two inputs; it got {len(in_shapes)}")
        super().__init__(config, in_shapes, build)

    def forward(self, ctx: Context, *inputs: Array) -> tuple[Array, Cache]:
        first, second = inputs
        return np.subtract(first, second, out=ctx.empty(first.shape, first.dtype)), None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        negative = None
        if ctx.needs_input(1):
            negative = np.negative(dy, out=ctx.empty(dy.shape, dy.dtype))
        return (dy if ctx.needs_input(0) else None, negative), {}


class Multiply(_EqualShapes):
    """Product of two or more inputs: y = x_1 * x_2 * ...  each (N, ...) -> (N, ...).

    Raises:
        ShapeError: for fewer than two inputs, or inputs that differ in shape: none is broadcast.
    """

    spec_name = "multiply"

    def forward(self, ctx: Context, *inputs: Array) -> tuple[Array, Cache]:
        return _product(ctx, inputs), inputs if ctx.keep else None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        return tuple(
            # The product of the others, not y / x: x may be 0.
            _product(ctx, (dy, *cache[:i], *cache[i + 1 :])) if ctx.needs_input(i) else None
            for i in range(len(cache))
        ), {}


class Concat:
    """Inputs joined along one axis.

    ``axis`` is counted from the last, -1, so it means the same with the batch axis and without.
    Two or more inputs (N, ...) that agree in all other axes; the output adds up the sizes of that
    axis.

    Raises:
        ShapeError: for fewer than two inputs, or inputs that do not fit.
    """

    per_sample = True

    class Config(LayerConfig):
        """Parameters of a `concat` node."""

        axis: int = Field(
            default=-1, le=-1, description="The axis to join along, counted from the last, -1."
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        _check_count("concat", in_shapes)
        axis = config.axis
        self.out_shape = _joined_shape(axis, in_shapes)
        self.params: dict[str, Array] = {}
        self._axis = axis
        self._ends = np.cumsum([shape[axis] for shape in in_shapes]).tolist()
        self._bytes = math.prod(self.out_shape) * build.dtype.itemsize

    def forward(self, ctx: Context, *inputs: Array) -> tuple[Array, Cache]:
        y = ctx.empty((len(inputs[0]), *self.out_shape), inputs[0].dtype)
        return np.concatenate(inputs, axis=self._axis, out=y), None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        parts = np.split(dy, self._ends[:-1], axis=self._axis)
        return tuple(dx if ctx.needs_input(i) else None for i, dx in enumerate(parts)), {}

    def cost(self) -> tuple[int, int]:
        return 0, self._bytes


def _check_count(layer: str, in_shapes: tuple[Shape, ...]) -> None:
    if len(in_shapes) < 2:
        raise ShapeError(f"{layer} needs two or more inputs; it got {len(in_shapes)}")


def _joined_shape(axis: int, in_shapes: tuple[Shape, ...]) -> Shape:
    if any(len(shape) < -axis for shape in in_shapes):
        raise ShapeError(
            f"concat along axis {axis} needs samples of at least {-axis} axes;"
            f" it got {_format_shapes(in_shapes)}"
        )
    shapes = [list(shape) for shape in in_shapes]
    size = sum(shape.pop(axis) for shape in shapes)
    rest = shapes[0]
    if any(shape != rest for shape in shapes):
        raise ShapeError(
            f"concat along axis {axis} needs inputs that agree in all other axes;"
            f" it got {_format_shapes(in_shapes)}"
        )
    at = len(rest) + 1 + axis
    return (*rest[:at], size, *rest[at:])


def _format_shapes(shapes: tuple[Shape, ...]) -> str:
    return ", ".join(map(str, shapes[:-1])) + f" and {shapes[-1]}"


def _product(ctx: Context, factors: tuple[Array, ...]) -> Array:
    first, second, *others = factors
    y = ctx.empty(first.shape, first.dtype)
    np.multiply(first, second, out=y)
    for x in others:
        y *= x
    return y
