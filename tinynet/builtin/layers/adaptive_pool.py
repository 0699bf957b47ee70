"""Average pooling to a given output size."""

import math
from typing import ClassVar

import numpy as np
from numpy.typing import DTypeLike
from pydantic import Field

from tinynet.builtin.layers._onnx import mixed
from tinynet.builtin.layers._resampling import operations, resample, resample_backward
from tinynet.builtin.layers._sides import PositiveTriple
from tinynet.builtin.layers._window import check_axes
from tinynet.layer import (
    Array,
    Build,
    Cache,
    Context,
    Gradients,
    LayerConfig,
    OnnxGraph,
    PositivePair,
    Shape,
)


class AdaptiveAvgPool:
    """The base of the adaptive pooling layers.

    Output i along an axis is the mean of the pixels floor(i * size / out_size) to
    ceil((i + 1) * size / out_size) - 1. Neighboring windows may overlap.

    Args:
        in_shape: (..., C).
        out_sizes: Size of each axis of the output but the last.
        build: The context of construction.

    Attributes:
        spec_name: The layer's name in specs, for messages.
    """

    family = "pooling"
    example: ClassVar = {"output_size": 4}
    per_sample = True
    spec_name: ClassVar[str]

    def __init__(self, in_shape: Shape, out_sizes: Shape, build: Build) -> None:
        check_axes(self.spec_name, in_shape, len(out_sizes))
        self.out_shape = (*out_sizes, in_shape[-1])
        self.params: dict[str, Array] = {}
        self._in_shape = in_shape
        self._itemsize = build.dtype.itemsize

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        return resample(ctx, x, self._maps(x.dtype)), None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        if not ctx.needs_input():
            return (None,), {}
        return (resample_backward(ctx, dy, self._maps(dy.dtype)),), {}

    def cost(self) -> tuple[int, int]:
        (*sizes, channels), (*out_sizes, _) = self._in_shape, self.out_shape
        size = math.prod(self.out_shape) * self._itemsize
        return operations(sizes, out_sizes, channels), size

    def _maps(self, dtype: DTypeLike) -> list[Array]:
        """Return the weights of the pixels in each mean, along each axis."""
        axes = zip(self._in_shape[:-1], self.out_shape[:-1], strict=True)
        return [_means(size, out_size, dtype) for size, out_size in axes]

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        return mixed(graph, x, self._in_shape, self._maps(np.float64))


def _means(size: int, out_size: int, dtype: DTypeLike) -> Array:
    """Return the weights of ``size`` pixels in ``out_size`` means, (out_size, size)."""
    index, pixels = np.arange(out_size)[:, None], np.arange(size)
    first, end = index * size // out_size, -(-(index + 1) * size // out_size)
    weights: Array = (((pixels >= first) & (pixels < end)) / (end - first)).astype(dtype)
    return weights


class AdaptiveAvgPool1D(AdaptiveAvgPool):
    """Means of parts of a sequence, as many as are asked for.  (N, T, C) -> (N, output_size, C).

    Output i is the mean of the steps floor(i * T / output_size) to
    ceil((i + 1) * T / output_size) - 1. Neighboring parts may overlap.

    Raises:
        ShapeError: if the input is not a sequence.
    """

    spec_name = "adaptive_avg_pool1d"

    class Config(LayerConfig):
        """Parameters of an `adaptive_avg_pool1d` node."""

        output_size: int = Field(ge=1, description="Steps of the output.")

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        super().__init__(in_shape, (config.output_size,), build)


class AdaptiveAvgPool2D(AdaptiveAvgPool):
    """Means of parts of an image, in a grid of the given size.  (N, H, W, C) -> (N, Ho, Wo, C).

    Row i of the output is the mean of the rows floor(i * H / Ho) to ceil((i + 1) * H / Ho) - 1, and
    columns alike. Neighboring parts may overlap.

    Raises:
        ShapeError: if the input is not an image.
    """

    spec_name = "adaptive_avg_pool2d"

    class Config(LayerConfig):
        """Parameters of an `adaptive_avg_pool2d` node."""

        output_size: PositivePair = Field(
            description="Pixels of the output: one integer, or [height, width]."
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        super().__init__(in_shape, config.output_size, build)


class AdaptiveAvgPool3D(AdaptiveAvgPool):
    """Means of parts of a volume, in a grid of the given size.

    (N, D, H, W, C) -> (N, Do, Ho, Wo, C). Plane i of the output is the mean of the planes
    floor(i * D / Do) to ceil((i + 1) * D / Do) - 1, and rows and columns alike. Neighboring parts
    may overlap.

    Raises:
        ShapeError: if the input is not a volume.
    """

    spec_name = "adaptive_avg_pool3d"

    class Config(LayerConfig):
        """Parameters of an `adaptive_avg_pool3d` node."""

        output_size: PositiveTriple = Field(
            description="Voxels of the output: one integer, or [depth, height, width]."
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        super().__init__(in_shape, config.output_size, build)
