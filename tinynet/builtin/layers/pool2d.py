"""The pooling layers of images."""

import math
from typing import Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from tinynet.builtin.layers._pooling import AvgPooling, MaxPooling
from tinynet.builtin.layers._window import PADDING_DESCRIPTION, Padding, check_image, fit_window
from tinynet.kernels import Window
from tinynet.layer import Array, Build, Cache, Context, Gradients, LayerConfig, PositivePair, Shape


class PoolConfig(LayerConfig):
    """Parameters of a pooling node."""

    pool_size: PositivePair = Field(
        default=(2, 2), description="Pixels of the window: one integer, or [height, width]."
    )
    strides: PositivePair | None = Field(
        default=None,
        description="Pixels between neighboring windows, [down, right]; by default `pool_size`.",
    )
    padding: Padding = Field(default="valid", description=PADDING_DESCRIPTION)

    @model_validator(mode="after")
    def _every_window_meets_a_pixel(self) -> Self:
        if isinstance(self.padding, str):
            return self
        if any(max(side) >= size for side, size in zip(self.padding, self.pool_size, strict=True)):
            raise PydanticCustomError(
                "padding", "padding must be smaller than pool_size, or a window would hold no pixel"
            )
        return self


class MaxPool2D(MaxPooling):
    """Maximum of each window, channel by channel.  (N, H, W, C) -> (N, Ho, Wo, C).

    Ho = floor((H - pool_height + top + bottom) / stride) + 1, and Wo alike. Padding never counts.
    The gradient goes to the first maximum of a window, in row-major order.
    """

    Config = PoolConfig

    def __init__(self, config: PoolConfig, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(*_fit("max_pool2d", config, in_shapes), build)


class AvgPool2D(AvgPooling):
    """Mean of each window, channel by channel.  (N, H, W, C) -> (N, Ho, Wo, C).

    Ho = floor((H - pool_height + top + bottom) / stride) + 1, and Wo alike. The mean is taken over
    the pixels in the window; padding does not count.
    """

    Config = PoolConfig

    def __init__(self, config: PoolConfig, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(*_fit("avg_pool2d", config, in_shapes), build)


class GlobalAvgPool2D:
    """Mean of each channel over the whole image.  (N, H, W, C) -> (N, C)."""

    per_sample = True

    Config = LayerConfig

    def __init__(self, config: LayerConfig, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (self._in_shape,) = in_shapes
        check_image("global_avg_pool2d", self._in_shape)
        self.out_shape = self._in_shape[2:]
        self.params: dict[str, Array] = {}
        self._itemsize = build.dtype.itemsize

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        return x.mean(axis=(1, 2)), None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        if not ctx.needs_input():
            return (None,), {}
        height, width, _ = self._in_shape
        dx = ctx.empty((len(dy), *self._in_shape), dy.dtype)
        dx[...] = (dy / (height * width))[:, None, None, :]
        return (dx,), {}

    def cost(self) -> tuple[int, int]:
        return math.prod(self._in_shape), math.prod(self.out_shape) * self._itemsize


def _fit(
    what: str, config: PoolConfig, in_shapes: tuple[Shape, ...]
) -> tuple[Window, Shape, Shape]:
    """Return the window, the shape of the input, and that of the output."""
    (in_shape,) = in_shapes
    window, out_size = fit_window(
        what,
        in_shape,
        size=config.pool_size,
        strides=config.strides or config.pool_size,
        padding=config.padding,
    )
    return window, in_shape, (*out_size, in_shape[2])
