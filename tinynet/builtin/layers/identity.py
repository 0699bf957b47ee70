"""The layer that changes nothing."""

from typing import ClassVar

from tinynet.builtin.layers._elementwise import SameShape
from tinynet.layer import Array, Cache, Context, Gradients, OnnxGraph


class Identity(SameShape):
    """The input itself: y = x.  (N, ...) -> (N, ...). It can give a name to a value."""

    family = "core"
    example: ClassVar = {"name": "features"}
    operations = 0

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        return x, None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        return (dy if ctx.needs_input() else None,), {}

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        return x
