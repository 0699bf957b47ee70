"""The layer that repeats a sample."""

import math
from typing import Annotated, ClassVar, TypeAlias

from pydantic import Field

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

_AtLeastOne: TypeAlias = Annotated[int, Field(ge=1)]


class Tile:
    """Copies of a sample side by side: axis i of the output has repeats[i] times the size.

    (N, A, B) with ``repeats`` [2, 3] -> (N, 2 * A, 3 * B).

    Raises:
        ShapeError: if ``repeats`` has more numbers than a sample has axes.
    """

    family = "reshaping"
    example: ClassVar = {"repeats": [2, 1]}
    per_sample = True

    class Config(LayerConfig):
        """Parameters of a `tile` node."""

        repeats: _AtLeastOne | Annotated[list[_AtLeastOne], Field(min_length=1)] = Field(
            description="Number of copies along the last axis, or the list of them for the last"
            " axes. The batch is not repeated."
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        repeats = [config.repeats] if isinstance(config.repeats, int) else config.repeats
        missing = len(in_shape) - len(repeats)
        if missing < 0:
            raise ShapeError(
                f"tile with repeats {config.repeats} needs a sample of at least {len(repeats)}"
                f" axes; it got {in_shape}"
            )
        repeats = [1] * missing + repeats
        self.out_shape = tuple(n * size for n, size in zip(repeats, in_shape, strict=True))
        self.params: dict[str, Array] = {}
        self._in_shape = in_shape
        # An axis of copies before each axis of a sample.
        self._copies = [
            part for n, size in zip(repeats, in_shape, strict=True) for part in (n, size)
        ]
        self._one_copy = [part for size in in_shape for part in (1, size)]
        self._axes = tuple(range(1, 2 * len(in_shape), 2))
        self._bytes = math.prod(self.out_shape) * build.dtype.itemsize

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y = ctx.empty((len(x), *self.out_shape), x.dtype)
        y.reshape(len(x), *self._copies)[...] = x.reshape(len(x), *self._one_copy)
        return y, None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        if not ctx.needs_input():
            return (None,), {}
        dx = ctx.empty((len(dy), *self._in_shape), dy.dtype)
        return (dy.reshape(len(dy), *self._copies).sum(axis=self._axes, out=dx),), {}

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        sizes = zip(self.out_shape, self._in_shape, strict=True)
        repeats = (after // before for after, before in sizes)
        return graph.node("Tile", x, graph.constant([1, *repeats]))

    def cost(self) -> tuple[int, int]:
        return 0, self._bytes
