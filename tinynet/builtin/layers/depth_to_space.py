"""Layers that rearrange channels as blocks of pixels, and blocks of pixels as channels."""

import math
from typing import ClassVar

from pydantic import Field

from tinynet.builtin.layers._window import check_image
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


class BlockConfig(LayerConfig):
    """Parameters of a `depth_to_space` or `space_to_depth` node."""

    block_size: int = Field(ge=2, description="Height and width of a block, in pixels.")


class DepthToSpace:
    """The channels of each pixel as a block of pixels, as in TensorFlow.

        y[n, i * b + p, j * b + q, c] = x[n, i, j, (p * b + q) * C + c],  b = block_size

    Input (N, H, W, b * b * C), output (N, H * b, W * b, C). PyTorch's ``pixel_shuffle`` has the
    channels in another order, c * b * b + p * b + q.

    Raises:
        ShapeError: if the input is not an image, or its channels are no multiple of b * b.
    """

    family = "reshaping"
    example: ClassVar = {"block_size": 2}
    per_sample = True

    Config = BlockConfig

    def __init__(self, config: BlockConfig, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        check_image("depth_to_space", in_shape)
        height, width, channels = in_shape
        block = config.block_size
        if channels % block**2:
            raise ShapeError(
                f"depth_to_space: the input's channels ({channels}) must be a multiple of"
                f" block_size * block_size ({block**2})"
            )
        self.out_shape = (height * block, width * block, channels // block**2)
        self.params: dict[str, Array] = {}
        self._block = block
        self._itemsize = build.dtype.itemsize

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        return _to_space(ctx, x, self._block), None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        return (_to_depth(ctx, dy, self._block) if ctx.needs_input() else None,), {}

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        y = graph.node("DepthToSpace", graph.channels_first(x), blocksize=self._block)
        return graph.channels_last(y)

    def cost(self) -> tuple[int, int]:
        return 0, math.prod(self.out_shape) * self._itemsize


class SpaceToDepth:
    """Each block of pixels as the channels of one pixel, as in TensorFlow.

        y[n, i, j, (p * b + q) * C + c] = x[n, i * b + p, j * b + q, c],  b = block_size

    Input (N, H, W, C), output (N, H / b, W / b, b * b * C). It is the inverse of `depth_to_space`.

    Raises:
        ShapeError: if the input is not an image, or its size is no multiple of the block's.
    """

    family = "reshaping"
    example: ClassVar = {"block_size": 2}
    per_sample = True

    Config = BlockConfig

    def __init__(self, config: BlockConfig, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        check_image("space_to_depth", in_shape)
        height, width, channels = in_shape
        block = config.block_size
        if height % block or width % block:
            raise ShapeError(
                f"space_to_depth: the image's height and width ({height}, {width}) must be"
                f" multiples of block_size ({block})"
            )
        self.out_shape = (height // block, width // block, channels * block**2)
        self.params: dict[str, Array] = {}
        self._block = block
        self._itemsize = build.dtype.itemsize

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        return _to_depth(ctx, x, self._block), None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        return (_to_space(ctx, dy, self._block) if ctx.needs_input() else None,), {}

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        y = graph.node("SpaceToDepth", graph.channels_first(x), blocksize=self._block)
        return graph.channels_last(y)

    def cost(self) -> tuple[int, int]:
        return 0, math.prod(self.out_shape) * self._itemsize


def _to_space(ctx: Context, x: Array, block: int) -> Array:
    """Return (N, H, W, b * b * C) as (N, H * b, W * b, C)."""
    samples, height, width, depth = x.shape
    channels = depth // block**2
    y = ctx.empty((samples, height, block, width, block, channels), x.dtype)
    y[...] = x.reshape(samples, height, width, block, block, channels).swapaxes(2, 3)
    return y.reshape(samples, height * block, width * block, channels)


def _to_depth(ctx: Context, x: Array, block: int) -> Array:
    """Return (N, H * b, W * b, C) as (N, H, W, b * b * C)."""
    samples, height, width, channels = x.shape
    down, across = height // block, width // block
    y = ctx.empty((samples, down, across, block, block, channels), x.dtype)
    y[...] = x.reshape(samples, down, block, across, block, channels).swapaxes(2, 3)
    return y.reshape(samples, down, across, block**2 * channels)
