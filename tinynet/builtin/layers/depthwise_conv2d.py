"""The depthwise convolution of images."""

from typing import ClassVar

from pydantic import Field

from tinynet.builtin.layers._convolution import Convolution
from tinynet.builtin.layers._depthwise import DepthwiseConfig, depthwise_params
from tinynet.builtin.layers._window import PADDING_DESCRIPTION, Padding, fit_window
from tinynet.layer import Array, Build, PositivePair, Shape


class DepthwiseConv2D(Convolution):
    """Convolution of each channel of images with filters of its own.

        y[n, i, j, c * depth_multiplier + m] = bias[c * depth_multiplier + m] + sum over a, b of
            x[n, i * stride + a * dilation - top, j * stride + b * dilation - left, c]
            * weight[a, b, c, m]

    Input (N, H, W, C), output (N, Ho, Wo, C * depth_multiplier), where Ho and Wo are as in
    `conv2d`. Parameters: ``weight`` (kernel_height, kernel_width, C, depth_multiplier), ``bias``
    (C * depth_multiplier,).
    """

    replayable = True
    example: ClassVar = {"kernel_size": 3}

    class Config(DepthwiseConfig):
        """Parameters of a `depthwise_conv2d` node."""

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
            "depthwise_conv2d",
            in_shape,
            size=config.kernel_size,
            strides=config.strides,
            padding=config.padding,
            dilation=config.dilation_rate,
        )
        filters = in_shape[2] * config.depth_multiplier
        params = depthwise_params(config, config.kernel_size, in_shape[2], build)
        kernel_shape = (*config.kernel_size, 1, filters)
        super().__init__(window, in_shape, (*out_size, filters), params, kernel_shape)

    def _scale_of_weight(self, scale: Array) -> Array:
        return scale.reshape(self.params["weight"].shape[-2:])
