"""Layers that add zeros around sequences, images and volumes."""

import math
from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import Field

from tinynet.builtin.layers._onnx import padded
from tinynet.builtin.layers._sides import Pair, pair_validator, sides_validator
from tinynet.builtin.layers._window import check_axes
from tinynet.layer import Array, Build, Cache, Context, Gradients, LayerConfig, OnnxGraph, Shape


class ZeroPadding:
    """The base of layers that add zeros around a sample.

    Args:
        in_shape: (..., C).
        sides: Zeros (before, after) along each axis but the last.
        build: The context of construction.

    Attributes:
        spec_name: The layer's name in specs, for messages.
    """

    family = "reshaping"
    per_sample = True
    spec_name: ClassVar[str]

    def __init__(self, in_shape: Shape, sides: Sequence[Pair], build: Build) -> None:
        check_axes(self.spec_name, in_shape, len(sides))
        axes = list(zip(in_shape[:-1], sides, strict=True))
        self.out_shape = (*(size + sum(side) for size, side in axes), in_shape[-1])
        self.params: dict[str, Array] = {}
        self._inner = (slice(None), *(slice(before, before + size) for size, (before, _) in axes))
        self._itemsize = build.dtype.itemsize

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y = ctx.empty((len(x), *self.out_shape), x.dtype)
        y.fill(0)
        y[self._inner] = x
        return y, None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        return (dy[self._inner] if ctx.needs_input() else None,), {}

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        sizes = zip(self._inner[1:], self.out_shape, strict=False)  # the channels are not padded
        return padded(graph, x, [(inner.start, size - inner.stop) for inner, size in sizes])

    def cost(self) -> tuple[int, int]:
        return 0, math.prod(self.out_shape) * self._itemsize


class ZeroPadding1D(ZeroPadding):
    """Zeros before and after a sequence.  (N, T, C) -> (N, left + T + right, C).

    Raises:
        ShapeError: if the input is not a sequence.
    """

    spec_name = "zero_padding1d"

    class Config(LayerConfig):
        """Parameters of a `zero_padding1d` node."""

        padding: Annotated[Pair, pair_validator()] = Field(
            default=(1, 1),
            description="Steps added: one integer for both ends, or [left, right].",
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        super().__init__(in_shape, (config.padding,), build)


class ZeroPadding2D(ZeroPadding):
    """Zeros around an image.  (N, H, W, C) -> (N, top + H + bottom, left + W + right, C).

    Raises:
        ShapeError: if the input is not an image.
    """

    spec_name = "zero_padding2d"

    class Config(LayerConfig):
        """Parameters of a `zero_padding2d` node."""

        padding: Annotated[tuple[Pair, Pair], sides_validator(2)] = Field(
            default=((1, 1), (1, 1)),
            description="Pixels added: one integer for every side, [height, width], or"
            " [[top, bottom], [left, right]].",
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        super().__init__(in_shape, config.padding, build)


class ZeroPadding3D(ZeroPadding):
    """Zeros around a volume.

    (N, D, H, W, C) -> (N, front + D + back, top + H + bottom, left + W + right, C).

    Raises:
        ShapeError: if the input is not a volume.
    """

    spec_name = "zero_padding3d"

    class Config(LayerConfig):
        """Parameters of a `zero_padding3d` node."""

        padding: Annotated[tuple[Pair, Pair, Pair], sides_validator(3)] = Field(
            default=((1, 1), (1, 1), (1, 1)),
            description="Voxels added: one integer for every side, [depth, height, width], or"
            " [[front, back], [top, bottom], [left, right]].",
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        super().__init__(in_shape, config.padding, build)
