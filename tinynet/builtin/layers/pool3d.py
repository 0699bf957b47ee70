"""The pooling layers of volumes."""

import math
from collections.abc import Callable
from functools import partial

from pydantic import Field

from tinynet.builtin.layers._pooling import AvgPooling, MaxPooling, Pooling, avg_pool, max_pool
from tinynet.builtin.layers._pooling_config import (
    INCLUDE_PAD_DESCRIPTION,
    PoolingConfig,
    WindowAxis,
    fit_pooling,
)
from tinynet.builtin.layers._sides import PositiveTriple
from tinynet.builtin.layers._window3d import PADDING3D_DESCRIPTION, Padding3D
from tinynet.layer import Array, Build, Cache, Context, Gradients, OnnxGraph, Shape


class PoolConfig(PoolingConfig):
    """Parameters of a pooling node."""

    pool_size: PositiveTriple = Field(
        default=(2, 2, 2),
        description="Voxels of the window: one integer, or [depth, height, width].",
    )
    strides: PositiveTriple | None = Field(
        default=None,
        description="Voxels between neighboring windows, along [depth, height, width]; by default"
        " `pool_size`.",
    )
    padding: Padding3D = Field(default="valid", description=PADDING3D_DESCRIPTION)


class VolumePooling:
    """The base of the pooling layers of volumes: each plane is pooled, and then the depth.

    Args:
        pool: Returns pooling of samples of a shape, (H, W, C) or (T, C), with the given windows.
        axes: The windows along the depth, the height and the width.
        in_shape: (D, H, W, C).
    """

    family = "pooling"
    per_sample = True

    def __init__(
        self,
        pool: Callable[[tuple[WindowAxis, ...], Shape], Pooling],
        axes: tuple[WindowAxis, ...],
        in_shape: Shape,
    ) -> None:
        depth, *plane = in_shape
        self._planes = pool(axes[1:], tuple(plane))
        # Pooled planes are the steps of a sequence, and each of their values is a channel of it.
        self._depth = pool(axes[:1], (depth, math.prod(self._planes.out_shape)))
        self.out_shape = (axes[0].windows, *self._planes.out_shape)
        self.params: dict[str, Array] = {}
        self._in_shape = in_shape
        self._axes = axes

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        planes = x.reshape(len(x) * self._in_shape[0], *self._in_shape[1:])
        between, first = self._planes.forward(ctx, planes)
        steps = between.reshape(len(x), self._in_shape[0], self._depth.out_shape[1])
        y, second = self._depth.forward(ctx, steps)
        return y.reshape(len(x), *self.out_shape), (first, second) if ctx.keep else None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        if not ctx.needs_input():
            return (None,), {}
        first, second = cache
        (steps,), _ = self._depth.backward(ctx, second, dy.reshape(len(dy), *self._depth.out_shape))
        assert steps is not None
        planes = steps.reshape(len(dy) * self._in_shape[0], *self._planes.out_shape)
        (dx,), _ = self._planes.backward(ctx, first, planes)
        assert dx is not None
        return (dx.reshape(len(dy), *self._in_shape),), {}

    def cost(self) -> tuple[int, int]:
        (planes, between), (depth, size) = self._planes.cost(), self._depth.cost()
        return self._in_shape[0] * planes + depth, self._in_shape[0] * between + size


class MaxPool3D(VolumePooling):
    """Maximum of each window, channel by channel.  (N, D, H, W, C) -> (N, Do, Ho, Wo, C).

    Do = floor((D - (pool_depth - 1) * dilation - 1 + front + back) / stride) + 1, and Ho and Wo
    alike; with ``ceil_mode``, the quotient is rounded up, unless the last window would start after
    the input. Padding never counts. The gradient goes to the first maximum of a window, in
    row-major order.
    """

    class Config(PoolConfig):
        """Parameters of a `max_pool3d` node."""

        dilation_rate: PositiveTriple = Field(
            default=(1, 1, 1),
            description="Voxels between neighboring cells of the window, along [depth, height,"
            " width].",
        )

        @property
        def dilation(self) -> tuple[int, ...]:
            return self.dilation_rate

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        axes = fit_pooling("max_pool3d", config, in_shape)
        super().__init__(partial(MaxPooling, build=build), axes, in_shape)

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        return max_pool(graph, x, self._axes)


class AvgPool3D(VolumePooling):
    """Mean of each window, channel by channel.  (N, D, H, W, C) -> (N, Do, Ho, Wo, C).

    Do = floor((D - pool_depth + front + back) / stride) + 1, and Ho and Wo alike; with
    ``ceil_mode``, the quotient is rounded up, unless the last window would start after the input.
    The mean is taken over the voxels in the window; padding counts only with ``count_include_pad``.
    """

    class Config(PoolConfig):
        """Parameters of an `avg_pool3d` node."""

        count_include_pad: bool = Field(default=False, description=INCLUDE_PAD_DESCRIPTION)

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        axes = fit_pooling("avg_pool3d", config, in_shape)
        self._include_pad = config.count_include_pad
        pool = partial(AvgPooling, build=build, include_pad=self._include_pad)
        super().__init__(pool, axes, in_shape)

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        return avg_pool(graph, x, self._axes, self._in_shape[:-1], self._include_pad)
