"""The transposed convolution of sequences."""

import math
from typing import Self

import numpy as np
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from tinynet.builtin.layers._convolution import Convolution, ConvolutionConfig
from tinynet.builtin.layers._window import same_padding
from tinynet.builtin.layers._window1d import Padding1D, check_sequence
from tinynet.kernels import ThreeGradients, Window
from tinynet.layer import Array, Build, Cache, Context, Shape, ShapeError


class Conv1DTranspose(Convolution):
    """Transposed convolution: sequences made longer by learned filters.

        y[n, t * stride + a * dilation - left, f] += x[n, t, c] * weight[a, f, c]

    for every step t, cell a and channel c, where y starts as the bias. It is the gradient of
    `conv1d` with respect to its input. Input (N, T, C), output (N, To, filters), where
    To = (T - 1) * stride + (kernel_size - 1) * dilation + 1 - left - right + output_padding.
    With padding ``"same"``, To = T * stride. With ``groups``, channels and filters are split into
    that many equal groups, and each filter reads only the channels of its group. Parameters:
    ``weight`` (kernel_size, filters / groups, C), ``bias`` (filters,).
    """

    class Config(ConvolutionConfig):
        """Parameters of a `conv1d_transpose` node."""

        kernel_size: int = Field(ge=1, description="Steps of the kernel.")
        strides: int = Field(
            default=1, ge=1, description="Steps of the output for each step of the input."
        )
        padding: Padding1D = Field(
            default="valid",
            description="Steps cut off the output: 'valid' (none), 'same' (as many as make the"
            " output's length that of the input * strides), one integer for both ends, or"
            " [left, right].",
        )
        output_padding: int | None = Field(
            default=None,
            ge=0,
            description="Steps added at the end of the output, fewer than strides. By default"
            " none, or with padding 'valid' those that make its length at least that of the input *"
            " strides.",
        )
        dilation_rate: int = Field(
            default=1, ge=1, description="Steps between neighboring cells of the kernel."
        )

        @model_validator(mode="after")
        def _output_padding_is_possible(self) -> Self:
            if self.output_padding is None:
                return self
            if self.padding == "same":
                raise PydanticCustomError(
                    "output_padding",
                    "padding 'same' fixes the output's length: leave output_padding out, or set"
                    " padding to a number",
                )
            if self.output_padding >= self.strides:
                raise PydanticCustomError(
                    "output_padding",
                    "output_padding ({output_padding}) must be smaller than strides ({strides})",
                    {"output_padding": self.output_padding, "strides": self.strides},
                )
            return self

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        window, steps = _fit(config, in_shape)
        channels, filters, groups = in_shape[1], config.filters, config.groups
        if channels % groups:
            raise ShapeError(
                f"conv1d_transpose: the input's channels ({channels}) must be a multiple of groups"
                f" ({groups})"
            )
        size = config.kernel_size
        weight = build.param(
            "weight",
            (size, filters // groups, channels),
            config.weight_initializer,
            fan_in=size * channels // groups,
            fan_out=size * filters // groups,
        )
        params = {"weight": weight}
        if config.use_bias:
            params["bias"] = build.param("bias", (filters,), config.bias_initializer)
        kernel_shape = (1, size, filters // groups, channels)
        super().__init__(window, in_shape, (steps, filters), params, kernel_shape)

    def _compute(self, ctx: Context, images: Array, relu: bool) -> tuple[Array, Cache]:
        return ctx.kernels.conv2d_transpose(
            images,
            self._kernel(),
            self.params.get("bias"),
            self._window,
            (*self._row, *self.out_shape),
            ctx.empty,
            ctx.keep,
            relu,
        )

    def _gradients(
        self, ctx: Context, cache: Cache, dy: Array, needed: tuple[bool, bool, bool]
    ) -> ThreeGradients:
        return ctx.kernels.conv2d_transpose_backward(
            dy, cache, self._kernel(), self._window, ctx.empty, needed
        )

    def _scale_of_weight(self, scale: Array) -> Array:
        _, in_group, channels = self.params["weight"].shape
        groups = len(scale) // in_group
        return np.repeat(scale.reshape(groups, in_group).T, channels // groups, axis=1)

    def cost(self) -> tuple[int, int]:
        weight = self.params["weight"]
        return 2 * self._in_shape[0] * weight.size, math.prod(self.out_shape) * weight.itemsize


def _fit(config: Conv1DTranspose.Config, in_shape: Shape) -> tuple[Window, int]:
    """Return the window of the convolution that is transposed, and the length of the output.

    Raises:
        ShapeError: if the input is not a sequence, or no output would be left.
    """
    check_sequence("conv1d_transpose", in_shape)
    length, stride, added = in_shape[0], config.strides, config.output_padding or 0
    extent = (config.kernel_size - 1) * config.dilation_rate + 1
    if config.padding == "same":
        side = same_padding(length * stride, extent, stride)
        added = max(0, stride - extent)
    elif config.padding == "valid":
        side = (0, 0)
        if config.output_padding is None:
            added = max(0, stride - extent)
    else:
        side = config.padding
    steps = (length - 1) * stride + extent - sum(side) + added
    if steps < 1:
        raise ShapeError(
            f"conv1d_transpose: the output's length would be ({length} - 1) * {stride} + {extent}"
            f" - {side[0]} - {side[1]} + {added} = {steps}: take less padding"
        )
    return Window(
        (1, config.kernel_size), (1, stride), ((0, 0), side), (1, config.dilation_rate)
    ), steps
