"""Powers of an input."""

import math
from typing import ClassVar

import numpy as np
from pydantic import Field

from tinynet.builtin.layers._broadcast import aligned, broadcast_shape, expanded, summed
from tinynet.builtin.layers._merge import require_two
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


class Power:
    """An input to the power of a number, or of another input: y = x ^ exponent.

    (N, ...) -> (N, ...). Samples of two inputs broadcast: (T, C) with (T, 1), or with (C,). The
    base must not be negative unless the exponent is a whole number.

    Raises:
        ShapeError: for more than one input with ``exponent``, other than two without it, or inputs
            that do not broadcast.
    """

    family = "merging"
    example: ClassVar = {"exponent": 2}
    per_sample = True

    class Config(LayerConfig):
        """Parameters of a `power` node."""

        exponent: float | None = Field(
            default=None, description="The exponent; null if the second input is the exponent."
        )

    # Positive bases and moderate numbers: 10,000 to the power of 10,000 is infinite.
    examples = ({"in_shapes": [[2], [2]], "inputs": [[[0.5, 1.2], [0.3, 2.0]], [[2, 3], [-1, 0]]]},)

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        self._exponent = config.exponent
        if config.exponent is None:
            require_two("power without an exponent", in_shapes)
        elif len(in_shapes) != 1:
            raise ShapeError(
                f"power with the exponent {config.exponent} needs one input; it got"
                f" {len(in_shapes)}"
            )
        self.out_shape = broadcast_shape("power", in_shapes)
        self.params: dict[str, Array] = {}
        self._in_shapes = in_shapes
        self._itemsize = build.dtype.itemsize

    def forward(self, ctx: Context, *inputs: Array) -> tuple[Array, Cache]:
        base, exponent = self._operands(inputs)
        # Not np.power, which lacks the short ways of `**` for squares and roots.
        y = base**exponent
        return y, (inputs, y) if ctx.keep else None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        inputs, y = cache
        base, exponent = self._operands(inputs)
        gradients: list[Array | None] = [None] * len(inputs)
        if ctx.needs_input():
            # Where the exponent is 0, so is the slope, also if the base is 0.
            reduced = exponent - np.not_equal(exponent, 0).astype(dy.dtype)
            slope = base**reduced
            slope *= exponent
            slope *= dy
            gradients[0] = summed(ctx, slope, self._in_shapes[0])
        if len(inputs) > 1 and ctx.needs_input(1):
            # Powers of 0 are constant, where they are finite.
            logarithm = np.log(np.where((base == 0) & (exponent >= 0), 1, base))
            gradients[1] = summed(ctx, dy * y * logarithm, self._in_shapes[1])
        return tuple(gradients), {}

    def cost(self) -> tuple[int, int]:
        size = math.prod(self.out_shape)
        return size, size * self._itemsize

    def _operands(self, inputs: tuple[Array, ...]) -> tuple[Array, Array | float]:
        """Return the base and the exponent, with as many axes as the output."""
        base = expanded(inputs[0], len(self.out_shape))
        if self._exponent is not None:
            return base, self._exponent
        return base, expanded(inputs[1], len(self.out_shape))

    def to_onnx(self, graph: OnnxGraph, *inputs: str) -> str:
        base, *exponents = aligned(graph, inputs, len(self.out_shape))
        exponent = graph.constant(self._exponent) if self._exponent is not None else exponents[0]
        return graph.node("Pow", base, exponent)
