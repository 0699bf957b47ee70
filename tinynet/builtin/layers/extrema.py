"""Layers that choose the largest or the smallest of several inputs, element by element."""

from functools import reduce
from typing import ClassVar

import numpy as np

from tinynet.builtin.layers._broadcast import summed
from tinynet.builtin.layers._merge import Elementwise
from tinynet.layer import Array, Cache, Context, Gradients, OnnxGraph


class _Extremum(Elementwise):
    """The largest or smallest of the inputs; equal ones share the gradient evenly."""

    ufunc: ClassVar[np.ufunc]

    def forward(self, ctx: Context, *inputs: Array) -> tuple[Array, Cache]:
        first, second, *others = self._expanded(inputs)
        y = self.ufunc(first, second, out=self._empty(ctx, first))
        for x in others:
            self.ufunc(x, y, out=y)
        return y, (inputs, y) if ctx.keep else None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        inputs, y = cache
        chosen = [x == y for x in self._expanded(inputs)]
        share = reduce(np.add, (mask.astype(dy.dtype) for mask in chosen))
        np.maximum(share, 1, out=share)  # NaN equals nothing
        np.divide(dy, share, out=share)
        return tuple(
            summed(ctx, np.multiply(share, mask, out=self._empty(ctx, dy)), shape)
            if ctx.needs_input(i)
            else None
            for i, (mask, shape) in enumerate(zip(chosen, self._in_shapes, strict=True))
        ), {}


class Maximum(_Extremum):
    """Largest of two or more inputs, element by element.  each (N, ...) -> (N, ...).

    y = max(x_1, x_2, ...), where samples broadcast: (T, C) with (T, 1), or with (C,). Inputs that
    are equally large share the gradient evenly.

    Raises:
        ShapeError: for fewer than two inputs, or inputs that do not broadcast.
    """

    spec_name = "maximum"
    ufunc = np.maximum

    def to_onnx(self, graph: OnnxGraph, *inputs: str) -> str:
        return self.chained(graph, "Max", inputs)


class Minimum(_Extremum):
    """Smallest of two or more inputs, element by element.  each (N, ...) -> (N, ...).

    y = min(x_1, x_2, ...), where samples broadcast: (T, C) with (T, 1), or with (C,). Inputs that
    are equally small share the gradient evenly.

    Raises:
        ShapeError: for fewer than two inputs, or inputs that do not broadcast.
    """

    spec_name = "minimum"
    ufunc = np.minimum

    def to_onnx(self, graph: OnnxGraph, *inputs: str) -> str:
        return self.chained(graph, "Min", inputs)
