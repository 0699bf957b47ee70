"""Rotary position embedding."""

from pydantic import Field

from tinynet.builtin.layers._elementwise import SameShape
from tinynet.builtin.layers._positions import Rotation
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


class RotaryEmbedding(SameShape):
    """Rotation of the vectors of a sequence by angles that grow with the position.

    (N, T, D) or, with several vectors at each position, (N, T, H, D), of the same shape as the
    output; D is even. The elements i and D / 2 + i of a vector are a pair, which is rotated by the
    angle t / base^(2 i / D) at position t. The dot product of two rotated vectors depends on their
    distance instead of their positions. Source: Su et al., 2021.
    """

    family = "attention"
    operations = 3
    several_positions = True

    class Config(LayerConfig):
        """Parameters of a `rotary_embedding` node."""

        base: float = Field(
            default=10_000.0,
            gt=1,
            description="Ratio of the longest wavelength to the shortest, for many channels.",
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        if len(self.out_shape) not in (2, 3):
            raise ShapeError(
                "rotary_embedding needs an input of shape (steps, channels) or"
                f" (steps, heads, channels); it got {self.out_shape}"
            )
        steps, *_, channels = self.out_shape
        if channels % 2:
            raise ShapeError(
                f"rotary_embedding rotates pairs of channels, but {self.out_shape} has an odd"
                f" number of them, {channels}"
            )
        self._rotation = Rotation(channels, config.base, 0 if build.dry else steps, build.dtype)

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        return self._rotation(ctx, x), None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        return (self._rotation.backward(ctx, dy) if ctx.needs_input() else None,), {}

    def start_cache(self, samples: int, length: int) -> Cache:
        return None

    def forward_next(self, ctx: Context, cache: Cache, position: int, x: Array) -> Array:
        return self._rotation.at(ctx, x, position)

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        return self._rotation.to_onnx(graph, x)
