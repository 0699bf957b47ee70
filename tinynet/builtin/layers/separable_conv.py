"""Separable convolutions: a filter for each channel, then a mix of the channels."""

import math
from copy import copy
from dataclasses import replace
from typing import Any, ClassVar

from pydantic import Field

from tinynet.builtin.layers._affine import computed, rectified
from tinynet.builtin.layers._depthwise import depthwise_weight
from tinynet.builtin.layers._onnx import axes_of, filters_first, window_attributes
from tinynet.builtin.layers._sequence_convolution import (
    NO_PADDING,
    reached_steps,
    start_steps,
)
from tinynet.builtin.layers._window import PADDING_DESCRIPTION, Padding, fit_window
from tinynet.builtin.layers._window1d import (
    CAUSAL_PADDING_DESCRIPTION,
    CausalPadding,
    fit_window1d,
)
from tinynet.kernels import Window
from tinynet.layer import (
    Array,
    Build,
    Cache,
    Context,
    Gradients,
    InitializerReference,
    Layer,
    LayerConfig,
    OnnxGraph,
    PositivePair,
    Shape,
)

PIXEL = Window((1, 1))


class SeparableConfig(LayerConfig):
    """The parameters of separable convolutions; each gives those of its window their types."""

    filters: int = Field(ge=1, description="Number of filters: channels of the output.")
    kernel_size: Any
    strides: Any
    padding: Any
    dilation_rate: Any
    depth_multiplier: int = Field(
        default=1, ge=1, description="Depthwise filters of each channel, before the mix."
    )
    use_bias: bool = Field(default=True, description="True to add a learned bias.")
    depthwise_weight_initializer: InitializerReference = Field(
        default=InitializerReference(type="glorot_uniform"),
        description="Initializer of `depthwise_weight`.",
    )
    pointwise_weight_initializer: InitializerReference = Field(
        default=InitializerReference(type="glorot_uniform"),
        description="Initializer of `pointwise_weight`.",
    )
    bias_initializer: InitializerReference = Field(
        default=InitializerReference(type="zeros"), description="Initializer of `bias`."
    )


class SeparableConvolution:
    """The base of separable convolutions.

    Sequences (N, T, C) are computed as images of one row, (N, 1, T, C).

    Args:
        config: The layer's config.
        window: The window, over images.
        in_shape: (H, W, C) or (T, C).
        out_size: (Ho, Wo) or (To,).
        build: The context of construction.
    """

    family = "convolution"
    example: ClassVar = {"filters": 16, "kernel_size": 3}
    per_sample = True

    def __init__(
        self,
        config: SeparableConfig,
        window: Window,
        in_shape: Shape,
        out_size: Shape,
        build: Build,
    ) -> None:
        axes, channels, filters = len(out_size), in_shape[-1], config.filters
        size, between = window.kernel_size[-axes:], channels * config.depth_multiplier
        self.out_shape = (*out_size, filters)
        self.params = {
            "depthwise_weight": depthwise_weight(
                "depthwise_weight",
                size,
                channels,
                config.depth_multiplier,
                config.depthwise_weight_initializer,
                build,
            ),
            "pointwise_weight": build.param(
                "pointwise_weight", (between, filters), config.pointwise_weight_initializer
            ),
        }
        if config.use_bias:
            self.params["bias"] = build.param("bias", (filters,), config.bias_initializer)
        self._in_shape = in_shape
        self._window = window
        self._row = (1,) * (2 - axes)  # axes of an image that a sequence lacks

    def forward(self, ctx: Context, x: Array, *, relu: bool = False) -> tuple[Array, Cache]:
        images = x.reshape(len(x), *self._row, *x.shape[1:])
        y, cache = self._compute(ctx, images, self._window, relu)
        return y.reshape(len(x), *self.out_shape), cache

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        first, second = cache
        depthwise, pointwise = self._kernels()
        needs_x, needs_depthwise = ctx.needs_input(), ctx.needs_param("depthwise_weight")
        needs_bias = "bias" in self.params and ctx.needs_param("bias")
        between, dpointwise, dbias = ctx.kernels.conv2d_backward(
            dy.reshape(len(dy), *self._row, *self.out_shape),
            second,
            pointwise,
            PIXEL,
            ctx.empty,
            (needs_x or needs_depthwise, ctx.needs_param("pointwise_weight"), needs_bias),
        )
        dx = ddepthwise = None
        if between is not None:
            dx, ddepthwise, _ = ctx.kernels.conv2d_backward(
                between,
                first,
                depthwise,
                self._window,
                ctx.empty,
                (needs_x, needs_depthwise, False),
            )
        if dx is not None:
            dx = dx.reshape(len(dy), *self._in_shape)
        return (dx,), computed(
            depthwise_weight=self._of_param(ddepthwise, "depthwise_weight"),
            pointwise_weight=self._of_param(dpointwise, "pointwise_weight"),
            bias=dbias,
        )

    def with_relu(self) -> Layer | None:
        # A subclass with a `forward` of its own may compute something else, without the ReLU.
        return rectified(self) if type(self).forward is SeparableConvolution.forward else None

    def rescaled(self, scale: Array, shift: Array) -> Layer:
        made: Any = copy(self)
        bias = self.params["bias"] * scale + shift if "bias" in self.params else shift
        factor = self.params["pointwise_weight"] * scale
        made.params = {**self.params, "pointwise_weight": factor, "bias": bias}
        layer: Layer = made
        return layer

    def cost(self) -> tuple[int, int]:
        depthwise, pointwise = self.params["depthwise_weight"], self.params["pointwise_weight"]
        windows, between = math.prod(self.out_shape[:-1]), len(pointwise)
        operations = 2 * windows * (depthwise.size + pointwise.size)
        return operations, windows * (between + self.out_shape[-1]) * pointwise.itemsize

    def _compute(
        self, ctx: Context, images: Array, window: Window, relu: bool
    ) -> tuple[Array, Cache]:
        depthwise, pointwise = self._kernels()
        between, first = ctx.kernels.conv2d(images, depthwise, None, window, ctx.empty, ctx.keep)
        y, second = ctx.kernels.conv2d(
            between, pointwise, self.params.get("bias"), PIXEL, ctx.empty, ctx.keep, relu
        )
        return y, (first, second) if ctx.keep else None

    def _kernels(self) -> tuple[Array, Array]:
        """Return both weights as the kernels take them."""
        depthwise, pointwise = self.params["depthwise_weight"], self.params["pointwise_weight"]
        shape = (*self._window.kernel_size, 1, len(pointwise))
        return depthwise.reshape(shape), pointwise[None, None]

    def _of_param(self, gradient: Array | None, name: str) -> Array | None:
        """Return the gradient of a kernel in the shape of the parameter."""
        return None if gradient is None else gradient.reshape(self.params[name].shape)

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        depthwise, pointwise = self.params["depthwise_weight"], self.params["pointwise_weight"]
        axes = axes_of(self._window)[len(self._row) :]
        size = tuple(axis.cells for axis in axes)
        between = graph.node(
            "Conv",
            graph.channels_first(x),
            graph.param(
                "depthwise_weight", filters_first(depthwise.reshape(*size, 1, len(pointwise)))
            ),
            group=self._in_shape[-1],
            **window_attributes(axes),
        )
        bias = [graph.param("bias")] if "bias" in self.params else []
        pixel = pointwise.reshape(*[1] * len(size), *pointwise.shape)
        weight = graph.param("pointwise_weight", filters_first(pixel))
        return graph.channels_last(graph.node("Conv", between, weight, *bias))


class SeparableConv1D(SeparableConvolution):
    """Depthwise convolution of sequences, and a linear map of the channels.

        u[n, t, c * depth_multiplier + m] = sum over a of
            x[n, t * stride + a * dilation - left, c] * depthwise_weight[a, c, m]
        y[n, t, f] = bias[f] + sum over k of u[n, t, k] * pointwise_weight[k, f]

    Input (N, T, C), output (N, To, filters), where To is as in `conv1d`. Parameters:
    ``depthwise_weight`` (kernel_size, C, depth_multiplier), ``pointwise_weight``
    (C * depth_multiplier, filters), ``bias`` (filters,).
    """

    any_length = True
    several_positions = True

    class Config(SeparableConfig):
        """Parameters of a `separable_conv1d` node."""

        kernel_size: int = Field(ge=1, description="Steps of the kernel.")
        strides: int = Field(default=1, ge=1, description="Steps between neighboring windows.")
        padding: CausalPadding = Field(default="valid", description=CAUSAL_PADDING_DESCRIPTION)
        dilation_rate: int = Field(
            default=1, ge=1, description="Steps between neighboring cells of the kernel."
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        window, steps = fit_window1d(
            "separable_conv1d",
            in_shape,
            size=config.kernel_size,
            strides=config.strides,
            padding=config.padding,
            dilation=config.dilation_rate,
        )
        super().__init__(config, window, in_shape, (steps,), build)

    def start_cache(self, samples: int, length: int) -> Array:
        dtype = self.params["pointwise_weight"].dtype
        return start_steps("separable_conv1d", self._window, (samples, self._in_shape[1]), dtype)

    def forward_next(
        self, ctx: Context, cache: Array, position: int, x: Array, *, relu: bool = False
    ) -> Array:
        window = replace(self._window, padding=NO_PADDING)
        y, _ = self._compute(ctx, reached_steps(cache, x), window, relu)
        return y[:, 0]


class SeparableConv2D(SeparableConvolution):
    """Depthwise convolution of images, and a linear map of the channels.

        u[n, i, j, c * depth_multiplier + m] = sum over a, b of
            x[n, i * stride + a * dilation - top, j * stride + b * dilation - left, c]
            * depthwise_weight[a, b, c, m]
        y[n, i, j, f] = bias[f] + sum over k of u[n, i, j, k] * pointwise_weight[k, f]

    Input (N, H, W, C), output (N, Ho, Wo, filters), where Ho and Wo are as in `conv2d`. Parameters:
    ``depthwise_weight`` (kernel_height, kernel_width, C, depth_multiplier), ``pointwise_weight``
    (C * depth_multiplier, filters), ``bias`` (filters,).
    """

    class Config(SeparableConfig):
        """Parameters of a `separable_conv2d` node."""

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

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        window, out_size = fit_window(
            "separable_conv2d",
            in_shape,
            size=config.kernel_size,
            strides=config.strides,
            padding=config.padding,
            dilation=config.dilation_rate,
        )
        super().__init__(config, window, in_shape, out_size, build)
