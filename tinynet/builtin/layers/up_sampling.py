"""The up-sampling layers: every pixel repeated, or linear interpolation between pixels."""

import math
from collections.abc import Iterable
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import DTypeLike
from pydantic import Field

from tinynet.builtin.layers._resampling import (
    interpolation,
    operations,
    resample,
    resample_backward,
)
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


class UpSampling:
    """The base of the up-sampling layers: it repeats each step or pixel.

    Args:
        in_shape: (..., C).
        factors: Factor of each axis but the last.
        build: The context of construction.

    Attributes:
        spec_name: The layer's name in specs, for messages.
    """

    family = "reshaping"
    per_sample = True
    spec_name: ClassVar[str]

    def __init__(self, in_shape: Shape, factors: Shape, build: Build) -> None:
        check_axes(self.spec_name, in_shape, len(factors))
        sizes = (size * factor for size, factor in zip(in_shape[:-1], factors, strict=True))
        self.out_shape = (*sizes, in_shape[-1])
        self.params: dict[str, Array] = {}
        self._in_shape = in_shape
        self._factors = factors
        self._itemsize = build.dtype.itemsize

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y = ctx.empty(self._copies_shape(len(x)), x.dtype)
        y[...] = x[self._place(None for _ in self._factors)]
        return y.reshape(len(x), *self.out_shape), None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        if not ctx.needs_input():
            return (None,), {}
        copies = dy.reshape(self._copies_shape(len(dy)))
        dx = ctx.empty((len(dy), *self._in_shape), dy.dtype)
        dx.fill(0)
        for copy in np.ndindex(*self._factors):
            dx += copies[self._place(copy)]
        return (dx,), {}

    def cost(self) -> tuple[int, int]:
        return 0, math.prod(self.out_shape) * self._itemsize

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        return self._resized_onnx(
            graph,
            x,
            mode="nearest",
            nearest_mode="floor",
            coordinate_transformation_mode="asymmetric",
        )

    def _resized_onnx(self, graph: OnnxGraph, x: str, **attributes: str) -> str:
        """Add the operator that enlarges images by the factors."""
        scales = graph.constant(np.array([1, 1, *self._factors], graph.dtype))
        y = graph.node("Resize", graph.channels_first(x), "", scales, **attributes)
        return graph.channels_last(y)

    def _copies_shape(self, samples: int) -> Shape:
        """Return the output's shape with axes of copies, (N, H, size_h, W, size_w, C)."""
        axes = zip(self._in_shape[:-1], self._factors, strict=True)
        return samples, *(count for axis in axes for count in axis), self._in_shape[-1]

    @staticmethod
    def _place(copies: Iterable[int | None]) -> tuple[slice | int | None, ...]:
        """Return an index of all samples and pixels, and of one copy of each, or a new axis."""
        every = slice(None)
        return (every, *(index for copy in copies for index in (every, copy)))


class UpSampling1D(UpSampling):
    """Each step of a sequence repeated.  (N, T, C) -> (N, T * size, C).

    Raises:
        ShapeError: if the input is not a sequence.
    """

    spec_name = "up_sampling1d"

    class Config(LayerConfig):
        """Parameters of an `up_sampling1d` node."""

        size: int = Field(default=2, ge=1, description="Copies of each step.")

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        super().__init__(in_shape, (config.size,), build)


class UpSampling2D(UpSampling):
    """Each image enlarged by whole factors.  (N, H, W, C) -> (N, H * size_h, W * size_w, C).

    ``"nearest"`` repeats each pixel. ``"bilinear"`` interpolates between pixel centers, as PyTorch
    does with ``align_corners=False``: y[i] = x((i + 1/2) / size - 1/2) along each axis, with the
    edge pixels extended outwards.

    Raises:
        ShapeError: if the input is not an image.
    """

    spec_name = "up_sampling2d"

    class Config(LayerConfig):
        """Parameters of an `up_sampling2d` node."""

        size: PositivePair = Field(
            default=(2, 2),
            description="Factor of the size: one integer, or [height, width].",
        )
        interpolation: Literal["nearest", "bilinear"] = Field(
            default="nearest",
            description="Interpolation: 'nearest' (repeat each pixel) or 'bilinear' (linear between"
            " pixel centers).",
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        super().__init__(in_shape, config.size, build)
        self._bilinear = config.interpolation == "bilinear"

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        if not self._bilinear:
            return super().forward(ctx, x)
        return resample(ctx, x, self._maps(x.dtype)), None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        if not self._bilinear or not ctx.needs_input():
            return super().backward(ctx, cache, dy)
        return (resample_backward(ctx, dy, self._maps(dy.dtype)),), {}

    def cost(self) -> tuple[int, int]:
        (*sizes, channels), (*out_sizes, _) = self._in_shape, self.out_shape
        _, size = super().cost()
        return operations(sizes, out_sizes, channels) if self._bilinear else 0, size

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        if not self._bilinear:
            return super().to_onnx(graph, x)
        return self._resized_onnx(
            graph, x, mode="linear", coordinate_transformation_mode="half_pixel"
        )

    def _maps(self, dtype: DTypeLike) -> list[Array]:
        """Return the weights of input pixels in output pixels, along each axis."""
        return [
            interpolation((np.arange(size * factor) + 0.5) / factor - 0.5, size, dtype)
            for size, factor in zip(self._in_shape[:-1], self._factors, strict=True)
        ]


class UpSampling3D(UpSampling):
    """Each voxel of a volume repeated.

    (N, D, H, W, C) -> (N, D * size_d, H * size_h, W * size_w, C).

    Raises:
        ShapeError: if the input is not a volume.
    """

    spec_name = "up_sampling3d"

    class Config(LayerConfig):
        """Parameters of an `up_sampling3d` node."""

        size: PositiveTriple = Field(
            default=(2, 2, 2),
            description="Factor of the size: one integer, or [depth, height, width].",
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        super().__init__(in_shape, config.size, build)
