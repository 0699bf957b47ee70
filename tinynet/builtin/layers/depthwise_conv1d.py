"""The depthwise convolution of sequences."""

from typing import ClassVar

from pydantic import Field

from tinynet.builtin.layers._depthwise import DepthwiseConfig, depthwise_params
from tinynet.builtin.layers._sequence_convolution import SequenceConvolution
from tinynet.builtin.layers._window1d import (
    CAUSAL_PADDING_DESCRIPTION,
    CausalPadding,
    fit_window1d,
)
from tinynet.layer import Array, Build, Shape


class DepthwiseConv1D(SequenceConvolution):
    """Convolution of each channel of sequences with filters of its own.

        y[n, t, c * depth_multiplier + m] = bias[c * depth_multiplier + m] + sum over a of
            x[n, t * stride + a * dilation - left, c] * weight[a, c, m]

    Input (N, T, C), output (N, To, C * depth_multiplier), where To is as in `conv1d`. Parameters:
    ``weight`` (kernel_size, C, depth_multiplier), ``bias`` (C * depth_multiplier,).
    """

    replayable = True
    example: ClassVar = {"kernel_size": 3}
    spec_name = "depthwise_conv1d"

    class Config(DepthwiseConfig):
        """Parameters of a `depthwise_conv1d` node."""

        kernel_size: int = Field(ge=1, description="Steps of the kernel.")
        strides: int = Field(default=1, ge=1, description="Steps between neighboring windows.")
        padding: CausalPadding = Field(default="valid", description=CAUSAL_PADDING_DESCRIPTION)
        dilation_rate: int = Field(
            default=1, ge=1, description="Steps between neighboring cells of the kernel."
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        window, steps = fit_window1d(
            self.spec_name,
            in_shape,
            size=config.kernel_size,
            strides=config.strides,
            padding=config.padding,
            dilation=config.dilation_rate,
        )
        filters = in_shape[1] * config.depth_multiplier
        params = depthwise_params(config, (config.kernel_size,), in_shape[1], build)
        kernel_shape = (*window.kernel_size, 1, filters)
        super().__init__(window, in_shape, (steps, filters), params, kernel_shape)

    def _scale_of_weight(self, scale: Array) -> Array:
        return scale.reshape(self.params["weight"].shape[-2:])
