"""The quotient of two inputs."""

import numpy as np

from tinynet.builtin.layers._broadcast import summed
from tinynet.builtin.layers._merge import Elementwise, require_two
from tinynet.layer import Array, Build, Cache, Context, Gradients, LayerConfig, OnnxGraph, Shape


class Divide(Elementwise):
    """Quotient of two inputs: y = x_1 / x_2.  each (N, ...) -> (N, ...).

    Samples broadcast: (T, C) with (T, 1), or with (C,).

    Raises:
        ShapeError: for more or fewer than two inputs, or inputs that do not broadcast.
    """

    spec_name = "divide"

    def __init__(self, config: LayerConfig, in_shapes: tuple[Shape, ...], build: Build) -> None:
        require_two("divide", in_shapes)
        super().__init__(config, in_shapes, build)

    def forward(self, ctx: Context, *inputs: Array) -> tuple[Array, Cache]:
        first, second = self._expanded(inputs)
        y = np.divide(first, second, out=self._empty(ctx, first))
        return y, (second, y) if ctx.keep else None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        divisor, y = cache
        quotient = np.divide(dy, divisor, out=self._empty(ctx, dy))
        first, second = self._in_shapes
        of_first = summed(ctx, quotient, first) if ctx.needs_input(0) else None
        of_second = None
        if ctx.needs_input(1):
            product = np.multiply(quotient, y, out=self._empty(ctx, dy))
            of_second = summed(ctx, np.negative(product, out=product), second)
        return (of_first, of_second), {}

    def to_onnx(self, graph: OnnxGraph, *inputs: str) -> str:
        return self.chained(graph, "Div", inputs)
