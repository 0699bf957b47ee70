"""The convolution layer."""

import math
from typing import Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from tinynet.builtin.layers._affine import computed, needs, rectified, rescaled
from tinynet.builtin.layers._window import PADDING_DESCRIPTION, Padding, fit_window
from tinynet.layer import (
    Array,
    Build,
    Cache,
    Context,
    Gradients,
    InitializerReference,
    Layer,
    LayerConfig,
    PositivePair,
    Shape,
    ShapeError,
)


class Conv2D:
    """Cross-correlation of images with learned filters (the kernel is not flipped).

        y[n, i, j, f] = bias[f] + sum over a, b, c of
            x[n, i * stride + a * dilation - top, j * stride + b * dilation - left, c]
            * weight[a, b, c, f]

    Input (N, H, W, C), output (N, Ho, Wo, filters), where
    Ho = floor((H - (kernel_height - 1) * dilation - 1 + top + bottom) / stride) + 1, and Wo alike.
    With ``groups``, channels and filters are split into that many equal groups, and each filter
    reads only the channels of its group. Parameters: ``weight`` (kernel_height, kernel_width,
    C / groups, filters), ``bias`` (filters,).
    """

    per_sample = True

    class Config(LayerConfig):
        """Parameters of a `conv2d` node."""

        filters: int = Field(ge=1, description="Number of filters: channels of the output.")
        kernel_size: PositivePair = Field(
            description="Cells of the kernel: one integer, or [height, width]."
        )
        strides: PositivePair = Field(
            default=(1, 1), description="Pixels between neighboring windows, [down, right]."
        )
        padding: Padding = Field(default="valid", description=PADDING_DESCRIPTION)
        dilation_rate: PositivePair = Field(
            default=(1, 1), description="Pixels between neighboring kernel cells, [down, right]."
        )
        groups: int = Field(
            default=1, ge=1, description="Parts into which channels and filters are cut."
        )
        use_bias: bool = Field(default=True, description="True to add a learned bias.")
        weight_initializer: InitializerReference = Field(
            default=InitializerReference(type="glorot_uniform"),
            description="Initializer of `weight`.",
        )
        bias_initializer: InitializerReference = Field(
            default=InitializerReference(type="zeros"),
            description="Initializer of `bias`.",
        )

        @model_validator(mode="after")
        def _groups_divide_filters(self) -> Self:
            if self.filters % self.groups:
                raise PydanticCustomError(
                    "groups",
                    "filters ({filters}) must be a multiple of groups ({groups})",
                    {"filters": self.filters, "groups": self.groups},
                )
            return self

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        self._window, out_size = fit_window(
            "conv2d",
            in_shape,
            size=config.kernel_size,
            strides=config.strides,
            padding=config.padding,
            dilation=config.dilation_rate,
        )
        channels, filters, groups = in_shape[2], config.filters, config.groups
        if channels % groups:
            raise ShapeError(
                f"conv2d: the input's channels ({channels}) must be a multiple of groups ({groups})"
            )
        self.out_shape = (*out_size, filters)
        self.params = {
            "weight": build.param(
                "weight",
                (*config.kernel_size, channels // groups, filters),
                config.weight_initializer,
                fan_out=math.prod(config.kernel_size) * filters // groups,
            )
        }
        if config.use_bias:
            self.params["bias"] = build.param("bias", (filters,), config.bias_initializer)

    def forward(self, ctx: Context, x: Array, *, relu: bool = False) -> tuple[Array, Cache]:
        weight, bias = self.params["weight"], self.params.get("bias")
        return ctx.kernels.conv2d(x, weight, bias, self._window, ctx.empty, ctx.keep, relu)

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        weight, needed = self.params["weight"], needs(ctx, self.params, "weight", "bias")
        dx, dweight, dbias = ctx.kernels.conv2d_backward(
            dy, cache, weight, self._window, ctx.empty, needed
        )
        return (dx,), computed(weight=dweight, bias=dbias)

    def with_relu(self) -> Layer | None:
        # A subclass with a `forward` of its own may compute something else, without the ReLU.
        return rectified(self) if type(self).forward is Conv2D.forward else None

    def rescaled(self, scale: Array, shift: Array) -> Layer:
        return rescaled(self, scale, shift)

    def cost(self) -> tuple[int, int]:
        weight = self.params["weight"]
        pixels = math.prod(self.out_shape[:2])
        return 2 * pixels * weight.size, math.prod(self.out_shape) * weight.itemsize
