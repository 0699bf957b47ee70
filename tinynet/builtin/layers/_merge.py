"""The base of layers that combine several inputs element by element."""

import math
from collections.abc import Sequence
from functools import partial, reduce
from typing import ClassVar

import numpy as np

from tinynet.builtin.layers._broadcast import aligned, broadcast_shape, expanded
from tinynet.layer import Array, Build, Context, LayerConfig, OnnxGraph, Shape, ShapeError


class Elementwise:
    """Two or more inputs (N, ...), combined element by element.

    Samples are broadcast as NumPy does: an axis of size 1, or one that is missing at the front, is
    repeated to the size that the other inputs have.
    """

    family = "merging"
    example: ClassVar = {"inputs": ["dense_1", "dense_2"]}
    per_sample = True
    spec_name: ClassVar[str]
    Config = LayerConfig

    def __init__(self, config: LayerConfig, in_shapes: tuple[Shape, ...], build: Build) -> None:
        check_count(self.spec_name, in_shapes)
        self.out_shape = broadcast_shape(self.spec_name, in_shapes)
        self.params: dict[str, Array] = {}
        self._in_shapes = in_shapes
        self._same_rank = all(len(shape) == len(self.out_shape) for shape in in_shapes)
        self._same_shape = len(set(in_shapes)) == 1
        self._itemsize = build.dtype.itemsize

    def cost(self) -> tuple[int, int]:
        size = math.prod(self.out_shape)
        return (len(self._in_shapes) - 1) * size, size * self._itemsize

    def _expanded(self, inputs: tuple[Array, ...]) -> tuple[Array, ...]:
        """Return views of the inputs with as many axes as the output."""
        if self._same_rank:
            return inputs
        return tuple(expanded(x, len(self.out_shape)) for x in inputs)

    def _sum(self, ctx: Context, inputs: tuple[Array, ...]) -> Array:
        """Return the sum of the inputs."""
        first, second, *others = self._expanded(inputs)
        if self._same_shape:
            y = ctx.kernels.add(first, second, ctx.empty)
        else:
            y = np.add(first, second, out=self._empty(ctx, first))
        for x in others:
            y += x
        return y

    def _empty(self, ctx: Context, x: Array) -> Array:
        """Return memory for the output."""
        return ctx.empty((len(x), *self.out_shape), x.dtype)

    def chained(self, graph: OnnxGraph, op: str, inputs: Sequence[str]) -> str:
        """Apply an operator of ONNX to the first two inputs, its result and the third, and so on.

        The inputs get as many axes as the output.
        """
        first, *others = aligned(graph, inputs, len(self.out_shape))
        return reduce(partial(graph.node, op), others, first)


def check_count(layer: str, in_shapes: tuple[Shape, ...]) -> None:
    if len(in_shapes) < 2:
        raise ShapeError(f"{layer} needs two or more inputs; it got {len(in_shapes)}")


def require_two(layer: str, in_shapes: tuple[Shape, ...]) -> None:
    """Raise `ShapeError` unless there are two inputs."""
    if len(in_shapes) != 2:
        raise ShapeError(f"{layer} needs exactly two inputs; it got {len(in_shapes)}")
