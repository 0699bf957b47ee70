"""Layers that make one array of several."""

import math
from typing import ClassVar

import numpy as np
from pydantic import Field

from tinynet.builtin.layers._broadcast import format_shapes, summed
from tinynet.builtin.layers._merge import Elementwise, check_count, require_two
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


class Add(Elementwise):
    """Sum of two or more inputs.  each (N, ...) -> (N, ...).

    y = x_1 + x_2 + ..., where samples broadcast: (T, C) with (T, 1), or with (C,).

    Raises:
        ShapeError: for fewer than two inputs, or inputs that do not broadcast.
    """

    spec_name = "add"

    @property
    def replayable(self) -> bool:
        return self._same_shape and len(self._in_shapes) == 2

    def forward(self, ctx: Context, *inputs: Array) -> tuple[Array, Cache]:
        return self._sum(ctx, inputs), None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        return tuple(
            summed(ctx, dy, shape) if ctx.needs_input(i) else None
            for i, shape in enumerate(self._in_shapes)
        ), {}

    def to_onnx(self, graph: OnnxGraph, *inputs: str) -> str:
        return self.chained(graph, "Add", inputs)


class Average(Elementwise):
    """Mean of two or more inputs.  each (N, ...) -> (N, ...).

    y = (x_1 + x_2 + ...) / count, where samples broadcast: (T, C) with (T, 1), or with (C,).

    Raises:
        ShapeError: for fewer than two inputs, or inputs that do not broadcast.
    """

    spec_name = "average"

    def forward(self, ctx: Context, *inputs: Array) -> tuple[Array, Cache]:
        y = self._sum(ctx, inputs)
        y /= len(inputs)
        return y, None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        share = np.divide(dy, len(self._in_shapes), out=self._empty(ctx, dy))
        return tuple(
            summed(ctx, share, shape) if ctx.needs_input(i) else None
            for i, shape in enumerate(self._in_shapes)
        ), {}

    def to_onnx(self, graph: OnnxGraph, *inputs: str) -> str:
        total = self.chained(graph, "Add", inputs)
        return graph.node("Div", total, graph.constant(float(len(inputs))))


class Subtract(Elementwise):
    """Difference of two inputs: y = x_1 - x_2.  each (N, ...) -> (N, ...).

    Samples broadcast: (T, C) with (T, 1), or with (C,).

    Raises:
        ShapeError: for more or fewer than two inputs, or inputs that do not broadcast.
    """

    spec_name = "subtract"

    def __init__(self, config: LayerConfig, in_shapes: tuple[Shape, ...], build: Build) -> None:
        require_two("subtract", in_shapes)
        super().__init__(config, in_shapes, build)

    def forward(self, ctx: Context, *inputs: Array) -> tuple[Array, Cache]:
        first, second = self._expanded(inputs)
        return np.subtract(first, second, out=self._empty(ctx, first)), None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        first, second = self._in_shapes
        positive = summed(ctx, dy, first) if ctx.needs_input(0) else None
        negative = None
        if ctx.needs_input(1):
            total = summed(ctx, dy, second)
            negative = np.negative(total, out=ctx.empty(total.shape, total.dtype))
        return (positive, negative), {}

    def to_onnx(self, graph: OnnxGraph, *inputs: str) -> str:
        return self.chained(graph, "Sub", inputs)


class Multiply(Elementwise):
    """Product of two or more inputs.  each (N, ...) -> (N, ...).

    y = x_1 * x_2 * ..., where samples broadcast: (T, C) with (T, 1), or with (C,).

    Raises:
        ShapeError: for fewer than two inputs, or inputs that do not broadcast.
    """

    spec_name = "multiply"

    def forward(self, ctx: Context, *inputs: Array) -> tuple[Array, Cache]:
        return self._product(ctx, self._expanded(inputs)), inputs if ctx.keep else None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        factors = self._expanded(cache)
        gradients: list[Array | None] = []
        for i, shape in enumerate(self._in_shapes):
            if not ctx.needs_input(i):
                gradients.append(None)
                continue
            # The product of the others, not y / x: x may be 0.
            others = self._product(ctx, (dy, *factors[:i], *factors[i + 1 :]))
            gradients.append(summed(ctx, others, shape))
        return tuple(gradients), {}

    def _product(self, ctx: Context, factors: tuple[Array, ...]) -> Array:
        first, second, *others = factors
        y = np.multiply(first, second, out=self._empty(ctx, first))
        for x in others:
            y *= x
        return y

    def to_onnx(self, graph: OnnxGraph, *inputs: str) -> str:
        return self.chained(graph, "Mul", inputs)


class Concat:
    """Inputs joined along one axis.

    ``axis`` is counted from the last, -1, so it means the same with the batch axis and without.
    Two or more inputs (N, ...) that agree in all other axes; the output adds up the sizes of that
    axis.

    Raises:
        ShapeError: for fewer than two inputs, or inputs that do not fit.
    """

    family = "merging"
    example: ClassVar = {"inputs": ["dense_1", "dense_2"]}
    per_sample = True

    class Config(LayerConfig):
        """Parameters of a `concat` node."""

        axis: int = Field(
            default=-1, le=-1, description="The axis to join along, counted from the last, -1."
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        check_count("concat", in_shapes)
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

    def to_onnx(self, graph: OnnxGraph, *inputs: str) -> str:
        return graph.node("Concat", *inputs, axis=1 + len(self.out_shape) + self._axis)


def _joined_shape(axis: int, in_shapes: tuple[Shape, ...]) -> Shape:
    if any(len(shape) < -axis for shape in in_shapes):
        raise ShapeError(
            f"concat along axis {axis} needs samples of at least {-axis} axes;"
            f" it got {format_shapes(in_shapes)}"
        )
    shapes = [list(shape) for shape in in_shapes]
    size = sum(shape.pop(axis) for shape in shapes)
    rest = shapes[0]
    if any(shape != rest for shape in shapes):
        raise ShapeError(
            f"concat along axis {axis} needs inputs that agree in all other axes;"
            f" it got {format_shapes(in_shapes)}"
        )
    at = len(rest) + 1 + axis
    return (*rest[:at], size, *rest[at:])
